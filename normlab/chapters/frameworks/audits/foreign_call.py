"""A function of another library as one of torch, with derivatives of any order."""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

Function = Callable[..., tuple[Any, ...]]
"""Of arrays of the other library, to a tuple of such arrays."""


class Bridge(Protocol):
    """What must be known of the other library."""

    def taken(self, tensor: Tensor) -> Any:
        """A tensor as an array."""

    def given(self, array: Any) -> Tensor:
        """An array as a tensor."""

    def pulled_back(self, function: Function, given: Any, upstream: Any) -> tuple[Any, ...]:
        """The gradients of Σ upstream ⊙ function(*given) for each of `given`."""


class _ForeignCall(torch.autograd.Function):
    """Its backward pass is a function of the other library, too."""

    @staticmethod
    def forward(ctx: Any, bridge: Bridge, function: Function, *given: Tensor) -> tuple[Tensor, ...]:
        ctx.bridge, ctx.function = bridge, function
        ctx.save_for_backward(*given)
        return tuple(map(bridge.given, function(*map(bridge.taken, given))))

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Any, ...]:
        given, bridge, function = ctx.saved_tensors, ctx.bridge, ctx.function

        def pulled_back(*both: Any) -> tuple[Any, ...]:
            return bridge.pulled_back(function, both[: len(given)], both[len(given) :])

        return None, None, *foreign_call(bridge, pulled_back, *given, *upstream)


def foreign_call(bridge: Bridge, function: Function, *given: Tensor) -> tuple[Tensor, ...]:
    """The outputs of a function of another library, which torch can differentiate.

    Args:
        bridge: to that library.
        function: of its arrays.
        given: its arguments.
    """
    found: tuple[Tensor, ...] = _ForeignCall.apply(bridge, function, *given)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return found
