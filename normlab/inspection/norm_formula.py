"""A piece of a recording that may be a norm, as a function that can be called on probes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor

from normlab.inspection.recording import Value
from normlab.inspection.replay import replay

Fill: TypeAlias = Callable[[Value], Tensor]
"""What to put in place of a parameter, in float64."""


@dataclass(frozen=True, eq=False)
class Formula:
    """What a recording computes between two values.

    Attributes:
        source: what goes in.
        end: what comes out.
    """

    source: Value
    end: Value

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what goes in."""
        return tuple(self.source.shape)

    @cached_property
    def values(self) -> list[Value]:
        """All that is computed on the way, parameters too, in order; without the source."""
        found: set[Value] = set()
        waiting = [self.end]
        while waiting:
            value = waiting.pop()
            if value is not self.source and value not in found:
                found.add(value)
                waiting += value.operation.values() if value.operation else []
        return sorted(found, key=lambda value: value.index)

    @cached_property
    def parameters(self) -> list[Value]:
        """Floats that belong to the formula: parameters, buffers, other constant tensors."""
        return [
            value
            for value in self.values
            if value.operation is None and value.tensor.is_floating_point() and _is_parameter(value)
        ]

    def __call__(self, x: Tensor, fill: Fill) -> Tensor:
        """The outputs (*shape) for inputs (*shape), both float64.

        Args:
            x: the input.
            fill: gives each parameter's content.
        """

        def leaf(value: Value) -> Tensor:
            return fill(value) if value in parameters else value.tensor

        parameters = set(self.parameters)
        y = replay([self.end], {self.source: x}, leaf)[self.end]
        return y.double().reshape(self.shape)

    def signature(self) -> tuple[object, ...]:
        """Equal for two formulas that compute the same, whatever their parameters hold."""
        places = {value: place for place, value in enumerate([self.source, *self.values])}
        found: list[object] = [self.shape, self.source.tensor.dtype]
        for value in self.values:
            if value.operation is None:
                found.append(_leaf_signature(value))
                continue
            operation = value.operation
            given = _flat([*operation.args, *operation.kwargs.items()])
            found += [operation.name, value.output, tuple(value.shape), value.tensor.dtype]
            found += [places[a] if isinstance(a, Value) else str(a) for a in given]
        return tuple(found)


def _is_parameter(value: Value) -> bool:
    return not value.given and (bool(value.name) or value.tensor.numel() > 1)


def _leaf_signature(value: Value) -> tuple[object, ...]:
    held = () if _is_parameter(value) else tuple(value.tensor.flatten()[:8].tolist())
    return (tuple(value.shape), *held)


def _flat(nested: Sequence[object]) -> list[object]:
    found: list[object] = []
    for item in nested:
        found += _flat(item) if isinstance(item, (tuple, list)) else [item]
    return found


def constant(number: float) -> Fill:
    """Every parameter is this number."""
    return lambda value: torch.full_like(value.tensor, number, dtype=torch.float64, device="cpu")


def random_fill(value: Value) -> Tensor:
    """Every parameter is drawn, of either sign and away from 0; the same whenever it is asked."""
    rng = torch.Generator().manual_seed(value.index)
    sizes = 0.5 + torch.rand(value.shape, generator=rng, dtype=torch.float64)
    return sizes * (torch.randint(2, value.shape, generator=rng) * 2 - 1)
