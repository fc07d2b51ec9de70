"""Where along the residual stream depth is measured: before and after sub-layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from normlab.inspection.layer import Layer
from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.recording import Recording, Value, passed_on
from normlab.inspection.stream import Stream
from normlab.inspection.terms import added


@dataclass(frozen=True, eq=False)
class BranchSum:
    """A sum of the stream and what one sub-layer adds to it.

    Attributes:
        shortcut: what is added to.
        branch: what is added, with its factor.
        total: the sum.
        tokens: how many the sub-layer mixes by attention; 0 if it has none.
    """

    shortcut: Value
    branch: Value
    total: Value
    tokens: int


@dataclass(frozen=True, eq=False)
class DepthPlaces:
    """The stream of one stack of L layers. P places: its input, then after each step.

    A step is a sub-layer; sub-layers that read the same place, parallel ones, are one step.

    Attributes:
        layers: from the input on.
        left_out: layers of other stacks.
        places: what is on the stream (P,).
        depths: how many layers lie below each place (P,); 0.5 is after the first of two steps.
        sums: those of each step (P − 1,); none where one layer does not begin where another ends.
        norms: the norms on the wiring.
    """

    layers: tuple[Layer, ...]
    left_out: tuple[Layer, ...]
    places: tuple[Value, ...]
    depths: tuple[float, ...]
    sums: tuple[tuple[BranchSum, ...], ...]
    norms: tuple[NormPiece, ...]

    def parameters(self, recording: Recording) -> list[list[str]]:
        """The names of the parameters that each layer reads (L,)."""
        return [_parameters(recording.values[la.start : la.end]) for la in self.layers]


def _parameters(values: Sequence[Value]) -> list[str]:
    """The names of what operators read, each once."""
    operations = [value.operation for value in values if value.operation]
    read = [leaf.name for operation in operations for leaf in operation.values() if leaf.name]
    return list(dict.fromkeys(read))


def depth_places(recording: Recording, layers: Sequence[Layer]) -> DepthPlaces:
    """The places of the longest stack; of two that are as long, the later one.

    Args:
        recording: a run of the model.
        layers: its residual layers, at least one.
    """
    stacks = _stacks(recording, layers)
    stack = max(reversed(stacks), key=len)
    places, depths = [stack[0].x], [0.0]
    sums: list[tuple[BranchSum, ...]] = []
    for number, layer in enumerate(stack):
        if not _same(layer.x, places[-1]):
            places.append(layer.x)
            depths.append(float(number))
            sums.append(())
        steps = _Steps(layer.equations.stream)
        places += [*steps.ends, layer.y]
        count = len(steps.ends) + 1
        depths += [number + step / count for step in range(1, count + 1)]
        sums += steps.sums
    return DepthPlaces(
        tuple(stack),
        tuple(layer for layer in layers if layer not in stack),
        tuple(places),
        tuple(depths),
        tuple(sums),
        tuple(piece for layer in stack for piece in layer.equations.norms),
    )


def _stacks(recording: Recording, layers: Sequence[Layer]) -> list[list[Layer]]:
    """Layers in a row, each of which reads what the one before it wrote."""
    stacks = [[layers[0]]]
    for layer in layers[1:]:
        end = stacks[-1][-1].y
        if _same(layer.x, end) or layer.x in recording.depending_on([end]):
            stacks[-1].append(layer)
        else:
            stacks.append([layer])
    return stacks


def _same(value: Value, origin: Value) -> bool:
    """Whether a value is another one, handed on."""
    while value is not origin:
        carried = passed_on(value.operation) if value.operation else None
        if carried is None:
            return False
        value = carried
    return True


class _Steps:
    """The steps of one layer.

    Attributes:
        ends: the places between them; the last step ends with the layer.
        sums: those of each step.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.ends: list[Value] = []
        self.sums: list[tuple[BranchSum, ...]] = []
        step: list[BranchSum] = []
        for sum_ in self._all_sums():
            end = self._last_read(sum_.branch)
            if step and end.index >= step[-1].total.index:
                self.ends.append(end)
                self.sums.append(tuple(step))
                step = []
            step.append(sum_)
        self.sums.append(tuple(step))

    @cached_property
    def _path(self) -> dict[Value, None]:
        """From x to y, along the stream."""
        stream, path = self._stream, [self._stream.y]
        while path[-1] is not stream.x:
            path.append(self._before(path[-1]))
        return dict.fromkeys(reversed(path))

    def _before(self, value: Value) -> Value:
        if value in self._stream.norms:
            return self._stream.norms[value].source
        reads = value.operation.values() if value.operation else ()
        carried = [read for read in reads if self._stream.carries(read)]
        return max(carried, key=lambda read: read.index)

    def _all_sums(self) -> list[BranchSum]:
        found = []
        for total in self._path:
            sides = (
                added(total.operation) if total.operation and total is not self._stream.x else None
            )
            values = [value for value, _ in sides or ()]
            shortcuts = [value for value in values if value in self._path]
            branches = [value for value in values if value not in self._path]
            if shortcuts and branches and branches[0] in self._stream.depending:
                tokens = self._attended_tokens(branches[0])
                found.append(BranchSum(shortcuts[0], branches[0], total, tokens))
        return found

    def _inside(self, branch: Value) -> tuple[set[Value], set[Value]]:
        """What a branch is computed from: inside it, and on the path."""
        inside: set[Value] = set()
        read: set[Value] = set()
        waiting = [branch]
        while waiting:
            value = waiting.pop()
            if value in self._path:
                read.add(value)
            elif value not in inside and value in self._stream.depending:
                inside.add(value)
                waiting += value.operation.values() if value.operation else []
        return inside, read

    def _last_read(self, branch: Value) -> Value:
        return max(self._inside(branch)[1], key=lambda value: value.index)

    def _attended_tokens(self, branch: Value) -> int:
        for value in self._inside(branch)[0]:
            operation = value.operation
            name = operation.name if operation else ""
            if operation and "scaled_dot_product" in name and value.output == 0:
                return int(operation.args[1].shape[-2])  # the keys' tokens
            if name == "_softmax" and len(value.shape) > 2:  # a router has 2 axes
                return int(value.shape[-1])
        return 0
