"""Watch every module of a layer while it runs, and change what flows between them."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

NORM = re.compile("norm", re.IGNORECASE)


@dataclass
class Call:
    """What one module read and returned."""

    name: str
    norm: bool
    input: Tensor | None
    output: Tensor


def record_calls(layer: nn.Module, run: Callable[[], object]) -> list[Call]:
    """x first, then every call in the order in which it ended, and the layer's own at last."""
    calls: list[Call] = []
    unique = UniqueNames()

    def note(name: str, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if calls and calls[-1].name == "y":
            return  # a layer that is used again
        read, returned = first_tensor((args, kwargs)), first_tensor(output)
        if returned is not None:
            calls.append(Call(unique(name), _is_norm(module), read, returned.clone()))

    with torch.no_grad(), hooked(layer, note):
        run()
    if not calls or calls[-1].name != "y" or calls[-1].input is None:
        raise ValueError(f"`run` did not call the {type(layer).__name__} that it should watch.")
    return [Call("x", False, None, calls[-1].input), *calls]


def _is_norm(module: nn.Module) -> bool:
    return bool(NORM.search(type(module).__name__)) and not list(module.children())


class UniqueNames:
    """A name the first time, then name#2, name#3, …"""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def __call__(self, name: str) -> str:
        self._seen[name] += 1
        return name if self._seen[name] == 1 else f"{name}#{self._seen[name]}"


@contextmanager
def hooked(layer: nn.Module, hook: Callable[..., Any]) -> Iterator[None]:
    """`hook(name, module, args, kwargs, output)` after every module; the layer itself is y."""
    handles = [
        module.register_forward_hook(partial(hook, name or "y"), with_kwargs=True)
        for name, module in layer.named_modules()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def first_tensor(values: Any) -> Tensor | None:
    """The first floating tensor in nested tuples, lists and dicts; None if there is none.

    >>> first_tensor((None, {"x": torch.tensor([1.0])}))
    tensor([1.])
    """
    if isinstance(values, Tensor):
        return values if values.is_floating_point() else None
    if isinstance(values, dict):
        values = tuple(values.values())
    if isinstance(values, (tuple, list)):
        return next((t for t in map(first_tensor, values) if t is not None), None)
    return None


def replaced(values: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same nested values with the first floating tensor changed.

    >>> replaced((None, torch.tensor([1.0]), torch.tensor([2.0])), torch.neg)
    (None, tensor([-1.]), tensor([2.]))
    """
    done = False

    def visit(value: Any) -> Any:
        nonlocal done
        if done:
            return value
        if isinstance(value, Tensor) and value.is_floating_point():
            done = True
            return change(value)
        if isinstance(value, dict):
            return {key: visit(item) for key, item in value.items()}
        if isinstance(value, (tuple, list)):
            return type(value)(visit(item) for item in value)
        return value

    return visit(values)


def randomize_(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give every gain and bias a random value of about its size, so that no two norms are alike.

    >>> bool((randomize_(nn.LayerNorm(4)).weight == 1).any())
    False
    """
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=rng).to(parameter))
    return model
