"""`torch.compile` in a process that may start no compiler."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.nn import Module


def only_eager() -> None:
    """From now on `torch.compile` gives back what it was given, which computes the same."""
    import torch

    torch.compile = _as_it_is
    torch.nn.Module.compile = _ignore  # type: ignore[method-assign]  # replaced for all modules, on purpose


def _as_it_is(model: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Stands for `torch.compile`, also where it is called with options alone, as a decorator."""
    return _as_it_is if model is None else model


def _ignore(self: "Module", *options: Any, **named: Any) -> None:
    """Stands for the method of modules."""
