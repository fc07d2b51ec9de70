"""A run of a model as data: its operators in order, and the calls of its modules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from normlab.inspection.operators import COPIES, WHOLE_VIEWS

Overload: TypeAlias = Callable[..., Any]


@dataclass(eq=False)
class Value:
    """A tensor at one moment; what an operator writes in place is a new value.

    Attributes:
        index: its place in the order of the run.
        tensor: as it was recorded; its content counts only where no operator made it.
        operation: what made it; None for a parameter, an input or a constant.
        output: which of the operator's outputs it is.
        name: of the parameter or buffer; "" for others.
        given: whether it is an input of the model.
    """

    index: int
    tensor: Tensor
    operation: "Operation | None" = None
    output: int = 0
    name: str = ""
    given: bool = False

    @property
    def shape(self) -> torch.Size:
        """Its shape."""
        return self.tensor.shape


@dataclass(eq=False)
class Operation:
    """One operator, with values in place of tensors.

    Attributes:
        overload: what to call, "aten.add.Tensor" say.
        args, kwargs: its arguments.
        module: the name of the module that ran it; "" is the model.
        written: the values that it changes in place.
    """

    overload: Overload
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    module: str
    written: tuple[Value, ...] = ()

    @property
    def name(self) -> str:
        """Without package and overload: "add", and "add" for "add_" too."""
        packet = getattr(self.overload, "overloadpacket", None)
        return str(packet).rpartition(".")[2].rstrip("_") if packet else "seen_through"

    def argument(self, name: str) -> Any:
        """What it was given under a name of its schema; None if it has no such argument."""
        if name in self.kwargs:
            return self.kwargs[name]
        schema = getattr(self.overload, "_schema", None)
        names = [argument.name for argument in schema.arguments] if schema else []
        place = names.index(name) if name in names else len(self.args)
        return self.args[place] if place < len(self.args) else None

    def values(self) -> tuple[Value, ...]:
        """All tensors that it reads."""
        return self._values

    @cached_property
    def _values(self) -> tuple[Value, ...]:
        leaves = tree_leaves((self.args, dict(self.kwargs)))
        return tuple(leaf for leaf in leaves if isinstance(leaf, Value))


def passed_on(operation: Operation) -> Value | None:
    """The value that an operator hands on unchanged, or None."""
    if operation.name in COPIES | WHOLE_VIEWS:
        return operation.args[0]
    if operation.name == "copy":
        return operation.args[1]
    return None


@dataclass(eq=False)
class ModuleCall:
    """One call of a module: what went in and came out, and which values were made meanwhile."""

    name: str
    module: nn.Module
    inputs: list[Value]
    outputs: list[Value] = field(default_factory=list)
    start: int = 0
    end: int = 0

    @property
    def label(self) -> str:
        """The name, or the class of the model itself."""
        return self.name or type(self.module).__name__


@dataclass(eq=False)
class Recording:
    """A run of a model.

    Attributes:
        values: in the order in which they were made.
        calls: of modules, in the order in which they began.
        outputs: the tensors that the model returned.
    """

    values: list[Value]
    calls: list[ModuleCall]
    outputs: list[Value]

    def users(self) -> dict[Value, list[Value]]:
        """For each value, those that are made from it directly."""
        found: dict[Value, list[Value]] = {value: [] for value in self.values}
        for value in self.values:
            for read in set(value.operation.values() if value.operation else ()):
                found[read].append(value)
        return found

    def depending_on(self, sources: Sequence[Value]) -> set[Value]:
        """The sources, and all that is made from them."""
        found = set(sources)
        for value in self.values:
            if value.operation and not found.isdisjoint(value.operation.values()):
                found.add(value)
        return found
