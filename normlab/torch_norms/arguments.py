"""What the norms are given: checked as `torch.nn` checks it, in words that name the mend."""

import numbers
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from normlab.fused_norms.paths import REAL, is_tracing


def check(
    input: Any,
    normalized_shape: int | Iterable[int],
    eps: Any,
    **parameters: Tensor | None,
) -> int:
    """The number of dimensions that are normalized over.

    Raises:
        TypeError: for what is no tensor, no number or no shape.
        NotImplementedError: for tensors of dtypes that the norms do not have.
        RuntimeError: for shapes that do not fit.
        ValueError: for a negative ε.
    """
    _check_tensor("input", input)
    shape = as_sizes(normalized_shape)
    if is_tracing():  # sizes are tensors then, and torch warns of each comparison
        return len(shape)
    if tuple(input.shape[-len(shape) :]) != shape:
        raise RuntimeError(
            f"input has shape {tuple(input.shape)} and normalized_shape is {shape}; "
            "normalized_shape must equal the trailing sizes of the input."
        )
    _check_eps(eps)
    for name, parameter in parameters.items():
        if parameter is None:
            continue
        _check_tensor(name, parameter)
        if tuple(parameter.shape) != shape:
            raise RuntimeError(
                f"{name} has shape {tuple(parameter.shape)}; expected normalized_shape, {shape}."
            )
    return len(shape)


def _check_tensor(name: str, given: Any) -> None:
    if not isinstance(given, Tensor):
        raise TypeError(
            f"{name} is a {type(given).__module__}.{type(given).__name__}; expected a tensor: "
            f"use torch.as_tensor({name})."
        )
    if given.dtype not in REAL:
        raise NotImplementedError(
            f"{name} has dtype {given.dtype}; expected float16, bfloat16, float32 or float64: "
            f"use {name}.float()."
        )


def _check_eps(eps: Any) -> None:
    if not isinstance(eps, numbers.Real | Tensor):
        raise TypeError(
            f"eps is {eps!r}, of type {type(eps).__name__}; expected a number, for instance 1e-5."
        )
    if not float(eps) >= 0:
        raise ValueError(f"eps is {eps}; expected a number ≥ 0, for instance 1e-5.")


def as_sizes(normalized_shape: int | Iterable[int]) -> tuple[int, ...]:
    """One or more sizes; those that are not known yet stay so.

    >>> as_sizes(4), as_sizes([2, 3])
    ((4,), (2, 3))
    """
    given: Any = normalized_shape
    sizes = (given,) if isinstance(given, INTEGRAL) else given
    if isinstance(sizes, str) or not isinstance(sizes, Iterable):
        raise _no_sizes(given)
    sizes = tuple(sizes)
    if not is_tracing() and not all(isinstance(size, INTEGRAL) for size in sizes):
        raise _no_sizes(given)
    if not sizes:
        raise RuntimeError(
            "normalized_shape is (); expected one or more sizes, for instance (768,)."
        )
    return sizes


INTEGRAL = (numbers.Integral, torch.SymInt)


def _no_sizes(given: Any) -> TypeError:
    return TypeError(
        f"normalized_shape is {given!r}; expected a size or several, for instance 768 or (16, 768)."
    )
