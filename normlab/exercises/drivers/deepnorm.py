"""How the answers of exercise 06 are run. What comes out are measurements, no judgements."""

from __future__ import annotations

import itertools
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


def step(
    answer: Answer, *, x: FloatArray, weight: FloatArray, alpha: float, gradients: bool = False
) -> Outputs:
    """The step with f(x) = tanh(x Wᵀ) and a norm of ε = 0.1, and its gradients if asked for.

    The norm is none of torch's, which are not there where answers may call none.
    """
    import torch

    calls = {"sublayer": 0, "norm": 0}
    w = torch.from_numpy(weight).requires_grad_()

    def sublayer(z: Tensor) -> Tensor:
        calls["sublayer"] += 1
        return torch.tanh(z.clone() @ w.to(z.dtype).T)  # (..., D) @ (D, D) -> (..., D)

    def norm(z: Tensor) -> Tensor:
        calls["norm"] += 1
        variance, mean = torch.var_mean(z, -1, correction=0, keepdim=True)  # (..., D) -> (..., 1)
        return (z - mean) / torch.sqrt(variance + 0.1)

    leaf = torch.tensor(x, requires_grad=True)
    y = one_tensor(answer(torch.from_numpy(x), sublayer, norm, alpha))
    text = ", ".join(f"{name} {times}×" for name, times in calls.items())
    out: Outputs = {"y": y, "calls": text}
    if not gradients:
        return out
    again = one_tensor(answer(leaf * 1, sublayer, norm, alpha))
    dx, dw = gradients_of_weighted_sum(again, [leaf, w])
    return {**out, "gradient of x": dx, "gradient of f's weight": dw}


PARTS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


def _block(width: int, hidden: int, memory: int, bias: bool, others: bool) -> nn.Module:
    """An encoder's layer, or, with a `memory` to attend to, a decoder's, which is further inside.

    With `others` it has more than the six kinds and a norm.
    """
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
            if others:
                self.gate_proj = Projection(width, 4, bias)
                self.kv_proj = Projection(width, 8, bias)
                self.fc3 = Projection(width, 4, bias)
                self.positions = nn.Embedding(8, width)
                self.dropout = nn.Dropout(0.1)
                self.fc2.weight.requires_grad_(False)

    return nn.Sequential(Block()) if memory else Block()


def initialization(
    answer: Answer,
    *,
    width: int,
    hidden: int,
    memory: int,
    bias: bool,
    beta: float,
    seed: int,
    others: bool = False,
) -> Outputs:
    """What can be measured of a block's parameters after the call."""
    import torch

    torch.default_generator.manual_seed(seed)  # torch.manual_seed also asks for every GPU
    block = _block(width, hidden, memory, bias, others)
    before = dict(block.named_parameters())
    trained = {name: parameter.requires_grad for name, parameter in before.items()}
    values = {name: parameter.detach().clone() for name, parameter in before.items()}
    answer(block, beta)
    after = dict(block.named_parameters())
    ours = {n: p for n, p in after.items() if n in before and n.split(".")[-2] in PARTS}
    arrays = {name: parameter.detach().numpy() for name, parameter in ours.items()}
    weights = {n.removesuffix(".weight"): a for n, a in arrays.items() if a.ndim == 2}
    greatest = max((np.abs(a).max() for a in arrays.values() if a.ndim == 1), default=0.0)
    replaced = [name for name in before if after.get(name) is not before[name]]
    rest = [n for n in values if n not in ours]
    changed = [n for n in rest if n not in after or not torch.equal(values[n], after[n])]
    out: dict[str, Any] = {
        **_measured(weights),
        "greatest bias": f"{greatest:.3g}",  # texts are compared exactly
        "changed besides the six kinds": ", ".join(changed) or "none",
        "replaced parameters": ", ".join(replaced) or "none",
        "left behind": ", ".join(_left(block, trained)) or "nothing",
    }
    if others:
        out["matrices with the same numbers"] = ", ".join(_alike(weights)) or "none"
        out["torch's random numbers"] = _random_numbers(answer, beta, seed)
    return out


def _measured(weights: dict[str, FloatArray]) -> Outputs:
    """The gains, how many weights are large, and how far a matrix stretches."""
    deviations = {name: math.sqrt((w**2).mean()) for name, w in weights.items()}  # (out, in) -> ()
    xavier = {name: math.sqrt(2 / sum(w.shape)) for name, w in weights.items()}
    large = [(np.abs(w) > 2.2 * deviations[name]).ravel() for name, w in weights.items()]
    first, matrix = next(iter(weights.items()))
    usual = deviations[first] * sum(math.sqrt(n) for n in matrix.shape)
    smaller = matrix if matrix.shape[0] < matrix.shape[1] else matrix.T
    gram = smaller @ smaller.T  # (out, in) -> (n, n), n the smaller of both
    stretch = math.sqrt(abs(np.linalg.eigvalsh(gram)[-1])) / usual if usual else 0.0
    return {
        **{f"gain of {name}": deviations[name] / xavier[name] for name in weights},
        "of 1,000 weights, beyond 2.2 deviations": 1000 * np.concatenate(large).mean(),  # -> ()
        f"greatest stretch by {first}, 1 for independent weights": stretch,
    }


def _alike(weights: dict[str, FloatArray]) -> list[str]:
    """Pairs of matrices of which one is a multiple of the other."""
    found = []
    for (one, a), (other, b) in itertools.combinations(weights.items(), 2):
        if a.shape == b.shape:
            product = abs(float((a * b).sum()))  # (out, in) -> ()
            if product > 0.9 * float(np.linalg.norm(a) * np.linalg.norm(b)) > 0:
                found.append(f"{one} and {other}")
    return found


def _left(block: nn.Module, trained: dict[str, bool]) -> list[str]:
    """What a call must not leave at a block, whose parameters were trained or not before."""
    now = {name: parameter.requires_grad for name, parameter in block.named_parameters()}
    seen = {
        "eval mode": not all(module.training for module in block.modules()),
        "another requires_grad": any(now.get(name, flag) != flag for name, flag in trained.items()),
        "gradients": any(p.grad is not None for p in block.parameters()),
        "hooks": any(m._forward_hooks or m._forward_pre_hooks for m in block.modules()),
    }
    return [what for what, found in seen.items() if found]


def _random_numbers(answer: Answer, beta: float, seed: int) -> str:
    """Whether two calls from different random numbers draw the same, or leave the same behind."""
    import torch

    states, drawn = [], []
    for start in (seed, seed + 1):
        block = _block(8, 8, 0, True, False)
        torch.default_generator.manual_seed(start)
        answer(block, beta)
        states.append(torch.get_rng_state())
        drawn.append(torch.cat([p.detach().flatten() for p in block.parameters()]))
    return "start over" if torch.equal(*states) or torch.equal(*drawn) else "go on"
