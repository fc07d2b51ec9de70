"""What modules are called with, and what they return or something else does in their place."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn


@contextmanager
def watched_inputs(modules: Iterable[nn.Module]) -> Iterator[list[Tensor]]:
    """The first input of each call of the modules, in the order of the calls.

    >>> import torch
    >>> double = nn.Linear(1, 1, bias=False)
    >>> with watched_inputs([double]) as inputs:
    ...     _ = double(torch.ones(2, 1))
    >>> inputs[0].shape
    torch.Size([2, 1])
    """
    seen: list[Tensor] = []
    hooks = [
        module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        for module in modules
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def watched_outputs(modules: Iterable[nn.Module]) -> Iterator[list[Tensor]]:
    """The output of each call of the modules, in the order of the calls."""
    seen: list[Tensor] = []
    hooks = [
        module.register_forward_hook(lambda _, __, output: seen.append(output))
        for module in modules
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def replaced_outputs(
    modules: Iterable[nn.Module], compute: Callable[[nn.Module, Tensor], Tensor]
) -> Iterator[None]:
    """Each call of the modules returns compute(module, its first input).

    >>> import torch
    >>> with replaced_outputs([same := nn.Identity()], lambda _, x: 2 * x):
    ...     same(torch.ones(2))
    tensor([2., 2.])
    """
    hooks = [
        module.register_forward_hook(lambda own, inputs, _: compute(own, inputs[0]))
        for module in modules
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
