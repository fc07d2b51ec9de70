"""How the answers of exercise 05 are run. What comes out are measurements, no judgements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from normlab.checks.drivers import WrongReturn, named
from normlab.checks.exercise import Answer, Outputs
from normlab.exercises.drivers.tensors import FloatArray

if TYPE_CHECKING:
    from torch import Tensor, nn


def _blocks(weights: FloatArray) -> list[Any]:
    """One x + tanh(x Wᵀ) for each weight (L, D, D); every second is in eval mode.

    Every weight has a .grad of ones, as after another loss's backward pass.
    """
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, weight: Tensor) -> None:
            super().__init__()
            self.weight = nn.Parameter(weight)
            self.weight.grad = torch.ones_like(weight)

        def forward(self, x: Tensor) -> Tensor:
            return x + torch.tanh(x @ self.weight.T)  # (..., D) @ (D, D) -> (..., D)

    blocks = [Block(weight) for weight in torch.from_numpy(weights.copy())]
    return [block.train(i % 2 == 0) for i, block in enumerate(blocks)]


def norms(
    answer: Answer,
    *,
    x: FloatArray,
    weights: FloatArray,
    loss_factor: float = 1.0,
    frozen: int = 0,
    calls: int = 1,
) -> Outputs:
    """What one or two calls return, for L = loss_factor · Σ y³/3, and what they leave behind.

    The weights of the last `frozen` blocks do not require a gradient.
    """
    import torch

    blocks, given = _blocks(weights), torch.from_numpy(x)
    for block in blocks[len(blocks) - frozen :]:
        block.weight.requires_grad_(False)
    before = [_state(block) for block in blocks]
    returned, left = [], []

    def loss_fn(y: Tensor) -> Tensor:
        return loss_factor * (y**3).sum() / 3  # (..., D) -> ()

    for _ in range(calls):
        with torch.enable_grad():
            returned.append(_array(answer(list(blocks), given, loss_fn)))
            left += [] if torch.is_grad_enabled() else ["torch's gradients switched off"]
    left += [text for b, state in zip(blocks, before, strict=True) for text in _changes(b, state)]
    left += _marks(given)
    of_calls = zip(("norms", "norms of a second call"), returned, strict=False)
    return {**dict(of_calls), "left behind": ", ".join(dict.fromkeys(left)) or "nothing"}


def _array(returned: object) -> FloatArray:
    array = named(returned, "norms")["norms"]
    if not isinstance(array, np.ndarray):
        raise WrongReturn(f"it returns a {type(array).__name__}; expected a NumPy array.")
    numbers = array.dtype.kind in "biuf"  # other arrays are refused with their dtype
    return array.astype(np.float64) if numbers else array


def _state(block: Any) -> dict[str, Any]:
    """What a measurement may change of a block."""
    weight, grad = block.weight, block.weight.grad
    ones = grad is not None and bool((grad == 1).all())
    own = (name for name in vars(block) if not name.startswith("_") and name != "training")
    return {
        "a weight's .grad": "deleted" if grad is None else ones,
        "a weight": "trainable" if weight.requires_grad else "frozen",
        "the numbers of a weight": weight.detach().numpy().tobytes(),
        "the mode of a block:": "train" if block.training else "eval",
        "hooks on a block:": str(_hooks(block)),
        "attributes of a block:": ", ".join(own),
    }


def _changes(block: Any, before: Mapping[str, Any]) -> list[str]:
    new = {what: now for what, now in _state(block).items() if now != before[what]}
    return [f"{what} {now if isinstance(now, str) else 'changed'}" for what, now in new.items()]


def _hooks(block: nn.Module) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    of_weights = (p._backward_hooks for p in block.parameters())
    found = [*(getattr(block, kind) for kind in kinds), *of_weights]
    return sum(len(hooks or ()) for hooks in found)


def _marks(x: Tensor) -> list[str]:
    marked = ["x requires a gradient"] if x.requires_grad else []
    return marked + ([] if x.grad is None else ["x has a .grad"])


def schedule(
    answer: Answer, *, steps: tuple[int, ...] | FloatArray, peak_lr: float, warmup_steps: int
) -> Outputs:
    """The learning rate of each step."""
    rates = [named(answer(step, peak_lr, warmup_steps), "rate")["rate"] for step in steps]
    strange = [rate for rate in rates if not _is_number(rate)]
    if strange:
        raise WrongReturn(f"it returns {strange[0]!r}; expected one number.")
    return {"rates": np.array([float(rate) for rate in rates])}


def _is_number(value: Any) -> bool:
    return np.ndim(value) == 0 and hasattr(value, "__float__") and not isinstance(value, complex)
