"""What the drivers of torch exercises share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from normlab.checks.drivers import WrongReturn, named

if TYPE_CHECKING:
    from torch import Tensor

FloatArray = NDArray[np.floating]


def one_tensor(returned: Any) -> Tensor:
    """What an answer returned, which must be one tensor.

    Raises:
        WrongReturn: if it is not.
    """
    import torch

    y = named(returned, "y")["y"]
    if not isinstance(y, torch.Tensor):
        raise WrongReturn(f"it returns one {type(y).__name__}; expected a torch tensor.")
    return y


def gradients_of_weighted_sum(y: Tensor, of: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """∂L/∂t for L = Σ c ⊙ y with c from 1 to 2; zeros where no gradient arrives."""
    import torch

    weights = torch.linspace(1, 2, y.numel(), dtype=y.dtype)  # (N·D,)
    return gradients(y.flatten() @ weights, of)  # (..., D) -> (N·D,) -> ()


def gradients(loss: Tensor, of: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """∂loss/∂t for each t; zeros where no gradient arrives."""
    import torch

    if not loss.requires_grad:
        return tuple(torch.zeros_like(tensor) for tensor in of)
    return torch.autograd.grad(loss, of, allow_unused=True, materialize_grads=True)
