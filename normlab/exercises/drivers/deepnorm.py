"""How the answers of exercise 06 are run. What comes out are measurements, no judgements."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from normlab.checks.drivers import WrongReturn, named
from normlab.checks.exercise import Answer, Outputs
from normlab.exercises.drivers.tensors import FloatArray, gradients_of_weighted_sum, one_tensor

if TYPE_CHECKING:
    from torch import Tensor, nn


def constants(answer: Answer, *, encoder_layers: int, decoder_layers: int) -> Outputs:
    """(α, β) of each stack as an array, or None."""
    pairs = named(answer(encoder_layers, decoder_layers), "constants")["constants"]
    if not isinstance(pairs, dict) or set(pairs) != {"encoder", "decoder"}:
        seen = f"the keys {list(pairs)}" if isinstance(pairs, dict) else type(pairs).__name__
        raise WrongReturn(f"it returns {seen}; expected a dict of 'encoder' and 'decoder'.")
    return {stack: _pair(pair, stack) for stack, pair in pairs.items()}


def _pair(pair: Any, stack: str) -> FloatArray | None:
    if pair is None:
        return None
    try:
        alpha, beta = (float(number) for number in pair)
    except (TypeError, ValueError):
        raise WrongReturn(f"{stack!r} is {pair!r}; expected (alpha, beta) or None.") from None
    return np.array([alpha, beta])


def step(answer: Answer, *, x: FloatArray, weight: FloatArray, alpha: float) -> Outputs:
    """The step with f(x) = tanh(x Wᵀ) and a norm of ε = 0.1, and its gradients."""
    import torch

    calls = {"sublayer": 0, "norm": 0}
    w = torch.from_numpy(weight).requires_grad_()

    def sublayer(z: Tensor) -> Tensor:
        calls["sublayer"] += 1
        return torch.tanh(z.clone() @ w.to(z.dtype).T)  # (..., D) @ (D, D) -> (..., D)

    def norm(z: Tensor) -> Tensor:
        calls["norm"] += 1
        return torch.nn.functional.layer_norm(z, z.shape[-1:], eps=0.1)

    leaf = torch.tensor(x, requires_grad=True)
    y = one_tensor(answer(torch.from_numpy(x), sublayer, norm, alpha))
    text = ", ".join(f"{name} {times}×" for name, times in calls.items())
    again = one_tensor(answer(leaf * 1, sublayer, norm, alpha))
    dx, dw = gradients_of_weighted_sum(again, [leaf, w])
    return {"y": y, "calls": text, "gradient of x": dx, "gradient of f's weight": dw}


def _block(width: int, hidden: int, memory: int, bias: bool) -> nn.Module:
    """An encoder's layer, or, with a `memory` to attend to, a decoder's."""
    from torch import nn

    class Projection(nn.Linear):
        """A linear layer that starts uniform, as nn.Linear does, and biased."""

        def reset_parameters(self) -> None:
            bound = self.in_features**-0.5
            self.weight.data.uniform_(-bound, bound)
            if self.bias is not None:
                self.bias.data.fill_(bound)

    class Attention(nn.Module):
        """The four projections; keys and values come from `memory` features."""

        def __init__(self, memory: int) -> None:
            super().__init__()
            self.q_proj = Projection(width, width, bias)
            self.k_proj = Projection(memory, width, bias)
            self.v_proj = Projection(memory, width, bias)
            self.out_proj = Projection(width, width, bias)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.self_attn = Attention(width)
            if memory:
                self.encoder_attn = Attention(memory)
            self.norm = nn.LayerNorm(width)
            self.norm.weight.data.fill_(1.5)
            self.norm.bias.data.fill_(0.5)
            self.fc1 = Projection(width, hidden, bias)
            self.fc2 = Projection(hidden, width, bias)

    return Block()


def initialization(
    answer: Answer, *, width: int, hidden: int, memory: int, bias: bool, beta: float, seed: int
) -> Outputs:
    """What can be measured of a block's parameters after the call."""
    import torch

    torch.manual_seed(seed)
    block = _block(width, hidden, memory, bias)
    before = dict(block.named_parameters())
    answer(block, beta)
    after = dict(block.named_parameters())
    replaced = [name for name in before if after.get(name) is not before[name]]
    arrays = {name: parameter.detach().numpy() for name, parameter in before.items()}
    norm = [arrays.pop("norm.weight"), arrays.pop("norm.bias")]
    weights = {n.removesuffix(".weight"): a for n, a in arrays.items() if a.ndim == 2}
    greatest = max((np.abs(a).max() for a in arrays.values() if a.ndim == 1), default=0.0)
    squares = {name: (w**2).mean() for name, w in weights.items()}  # (out, in) -> ()
    outliers = [(w**2 > 3.24 * squares[name]).ravel() for name, w in weights.items()]
    xavier = {name: 2 / sum(w.shape) for name, w in weights.items()}
    return {
        **{f"gain of {name}": math.sqrt(squares[name] / xavier[name]) for name in weights},
        "share of weights beyond 1.8 deviations": np.concatenate(outliers).mean(),  # (all,) -> ()
        "greatest bias": f"{greatest:.3g}",  # texts are compared exactly
        "norm's weight and bias": " and ".join(f"{a[0]:.3g}" for a in norm),
        "replaced parameters": ", ".join(replaced) or "none",
    }
