"""How the answers of exercise 05 are run. What comes out are measurements, no judgements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from normlab.checks.drivers import WrongReturn, named
from normlab.checks.exercise import Answer, Outputs
from normlab.exercises.drivers.tensors import FloatArray

if TYPE_CHECKING:
    from torch import Tensor, nn


def _blocks(weights: FloatArray) -> list[Any]:
    """One x + tanh(x Wᵀ) for each weight (L, D, D)."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, weight: Tensor) -> None:
            super().__init__()
            self.weight = nn.Parameter(weight)

        def forward(self, x: Tensor) -> Tensor:
            return x + torch.tanh(x @ self.weight.T)  # (..., D) @ (D, D) -> (..., D)

    return [Block(weight) for weight in torch.from_numpy(weights)]


def norms(answer: Answer, *, x: FloatArray, weights: FloatArray, loss_factor: float) -> Outputs:
    """What two calls return, for L = loss_factor · Σ y³/3, and what they leave behind.

    Every weight has a .grad of ones beforehand, as after another loss's backward pass.
    """
    import torch

    blocks = _blocks(weights)
    for block in blocks:
        block.weight.grad = torch.ones_like(block.weight)
    given = torch.from_numpy(x)

    def loss_fn(y: Tensor) -> Tensor:
        return loss_factor * (y**3).sum() / 3  # (..., D) -> ()

    first = _array(answer(blocks, given, loss_fn))
    second = _array(answer(blocks, given, loss_fn))
    needs = "requires" if given.requires_grad else "does not require"
    return {
        "norms": first,
        "norms of a second call": second,
        "weights' .grad": ", ".join(_state(block.weight) for block in blocks) or "no weights",
        "x": f"{needs} a gradient, its .grad is {'unset' if given.grad is None else 'set'}",
    }


def _array(returned: object) -> FloatArray:
    array = named(returned, "norms")["norms"]
    if not isinstance(array, np.ndarray):
        raise WrongReturn(f"it returns a {type(array).__name__}; expected a NumPy array.")
    return array.astype(np.float64)


def _state(weight: nn.Parameter) -> str:
    if not weight.requires_grad:
        return "frozen"
    if weight.grad is None:
        return "deleted"
    return "as before" if bool((weight.grad == 1).all()) else "changed"


def schedule(
    answer: Answer, *, steps: tuple[int, ...], peak_lr: float, warmup_steps: int
) -> Outputs:
    """The learning rate of each step."""
    rates = [named(answer(step, peak_lr, warmup_steps), "rate")["rate"] for step in steps]
    strange = [rate for rate in rates if np.ndim(rate)]
    if strange:
        raise WrongReturn(f"it returns {strange[0]!r}; expected one number.")
    return {"rates": np.array([float(rate) for rate in rates])}
