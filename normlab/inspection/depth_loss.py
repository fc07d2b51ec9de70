"""A loss of what a model returns, and whether two runs are alike."""

import copy
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

Loss = Callable[[Any], Tensor]
TOLERANCE = {torch.float16: 0.05, torch.bfloat16: 0.05}
"""How much a replay may differ from the model, as a share; 0.001 in wider types."""


def mean_square(output: Any) -> Tensor:
    """The mean square of the first floats that a model returns: a loss where none is at hand.

    >>> mean_square({"last_hidden_state": torch.tensor([1.0, 3.0])})
    tensor(5.)

    Raises:
        ValueError: if it returns none.
    """
    nested = output if isinstance(output, (Tensor, Mapping, tuple, list)) else vars(output)
    floats = [leaf for leaf in tree_leaves(nested) if isinstance(leaf, Tensor)]
    floats = [leaf for leaf in floats if leaf.is_floating_point()]
    if not floats:
        raise ValueError(f"the model returned a {type(output).__name__} that holds no floats.")
    return floats[0].square().mean()  # (…) -> ()


def alike(ones: Iterable[Tensor | None], others: Iterable[Tensor]) -> bool:
    """Whether tensors are alike as one long vector; None is 0."""
    apart, sizes, tolerance = [], [], 0.0
    for one, other in zip(ones, others, strict=True):
        apart.append(length(other if one is None else one.detach() - other))
        sizes.append(length(other))
        tolerance = max(tolerance, TOLERANCE.get(other.dtype, 1e-3))
    return math.hypot(*apart) <= tolerance * math.hypot(*sizes)


def length(tensor: Tensor) -> float:
    """‖·‖ over all entries, in float32 for types of fewer bits."""
    wide = torch.float32 if tensor.dtype in TOLERANCE else None
    return float(torch.linalg.vector_norm(tensor, dtype=wide))  # (…) -> ()


def checked(loss: object) -> Tensor:
    """A loss that has gradients.

    Raises:
        ValueError: if it is no tensor of one finite number that depends on what learns.
    """
    if not isinstance(loss, Tensor) or loss.numel() != 1 or not loss.is_floating_point():
        shape = f"of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else ""
        raise ValueError(
            f"loss(output) returned a {type(loss).__name__} {shape}".rstrip()
            + "; expected a tensor with one float."
        )
    if not bool(loss.isfinite()):
        raise ValueError(f"loss(output) is {loss.detach().item()}; expected a finite number.")
    if not loss.requires_grad:
        raise ValueError(
            "loss(output) does not depend on what the model learns, so it has no gradient; "
            "is something detached, or computed by NumPy?"
        )
    return loss.reshape(())  # one number -> ()


def swapped(nested: Any, tensors: Sequence[Tensor]) -> Any:
    """The same nested values with other tensors, in the order of `Recording.outputs`.

    >>> swapped({"a": (torch.ones(1), 2)}, [torch.zeros(1)])
    {'a': (tensor([0.]), 2)}
    """
    return _swapped(nested, iter(tensors))


def _swapped(nested: Any, tensors: Iterator[Tensor]) -> Any:
    if isinstance(nested, Tensor):
        return next(tensors)
    if isinstance(nested, Mapping):
        same: Any = copy.copy(nested)
        for key, value in nested.items():
            same[key] = _swapped(value, tensors)
        return same
    if isinstance(nested, (tuple, list)):
        items = [_swapped(value, tensors) for value in nested]
        return type(nested)(*items) if hasattr(nested, "_fields") else type(nested)(items)
    if dataclasses.is_dataclass(nested) and not isinstance(nested, type):
        same = copy.copy(nested)
        for name, value in vars(nested).items():
            object.__setattr__(same, name, _swapped(value, tensors))
        return same
    return nested
