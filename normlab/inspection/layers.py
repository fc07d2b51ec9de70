"""Which modules of a model are its residual layers?"""

import re
from collections.abc import Iterator, Sequence, Set
from functools import cached_property
from typing import get_args

from normlab.inspection.layer import Layer
from normlab.inspection.loose_layers import find_loose_layers
from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.operators import ACTIVATIONS
from normlab.inspection.recording import ModuleCall, Recording, Value, passed_on
from normlab.inspection.stream import Across, Stream
from normlab.inspection.terms import added

AS_ITEM = re.compile(r"(^|\.)\d+$")
PRODUCTS = frozenset({"mm", "addmm", "bmm", "baddbmm", "linear", "convolution"})
WITH_NUMBER = re.compile(r"\d+$")


def find_layers(recording: Recording, pieces: Sequence[NormPiece]) -> list[Layer]:
    """The residual layers of a run: the outermost modules that are no stack of others.

    A module is a layer if one of its outputs is a sum that one of its inputs is a part of, beside
    at least one sub-layer.
    """
    found = list(_Search(recording, pieces).layers())
    return [_without_final_norm(found[0])] if len(found) == 1 else found


def _without_final_norm(layer: Layer) -> Layer:
    """A model that is one layer and its final norm: the layer alone."""
    stream = layer.stream
    end = stream.y
    while end not in stream.norms and end.operation and passed_on(end.operation):
        end = end.operation.args[0]
    if end not in stream.norms or layer.placement != "other":
        return layer
    source = stream.norms[end].source
    shorter = layer.up_to(source)
    return shorter if shorter.placement in ("pre-norm", "peri-norm", "parallel") else layer


class _Search:
    def __init__(self, recording: Recording, pieces: Sequence[NormPiece]) -> None:
        self._recording = recording
        self._pieces = pieces
        self._found: dict[int, Layer] = {}
        for place, call in enumerate(recording.calls):
            layer = self._read(call)
            if layer is not None:
                self._found[place] = layer

    def layers(self) -> Iterator[Layer]:
        """The chosen ones, in the order of the run."""
        calls = self._recording.calls
        end = -1
        for place, call in enumerate(calls):
            if place not in self._found or call.start < end:
                continue
            if not self._is_stack(place):
                parts = [] if self._inner(place) else self._loose(call)
                yield from parts or [self._found[place]]
                end = call.end

    def _loose(self, call: ModuleCall) -> list[Layer]:
        """The layers of a module that holds the sums of several."""
        found = find_loose_layers(self._recording, self._pieces, call)
        return found if len(found) > 1 else []

    def _inner(self, place: int) -> list[int]:
        """The residual modules right inside a module."""
        outer, found, end = self._recording.calls[place], [], -1
        for other in range(place + 1, len(self._recording.calls)):
            call = self._recording.calls[other]
            if call.start >= outer.end and call.end > outer.end:
                break
            if other in self._found and call.start >= end and call.name != outer.name:
                found.append(other)
                end = call.end
        return found

    def _is_stack(self, place: int) -> bool:
        """Whether a module does nothing but call layers one after the other."""
        inner = self._inner(place)
        if not inner:
            return False
        if any(self._is_stack(other) for other in inner):
            return True
        names = [self._recording.calls[other].name for other in inner]
        classes = {type(self._recording.calls[other].module) for other in inner}
        if all(AS_ITEM.search(name) for name in names):
            several = len(classes) < len(inner) and not self._halves(inner)
            return several or len(inner) == 1 or len(inner) > 3
        if len(inner) == 1:
            return self._adds_nothing(place, inner[0])
        again = len(set(names)) == 1
        return len(classes) == 1 and (again or all(WITH_NUMBER.search(name) for name in names))

    def _halves(self, inner: Sequence[int]) -> bool:
        """Whether modules hold one sub-layer each, of different kinds: the parts of one layer."""
        kinds = [self._kind(other) for other in inner]
        counts = {len(self._found[other].equations.sublayers) for other in inner}
        return counts == {1} and len(set(kinds)) == len(kinds)

    def _kind(self, place: int) -> tuple[str, ...]:
        """The classes of all modules that run in a call."""
        outer = self._recording.calls[place]
        inside = [c for c in self._recording.calls if outer.start <= c.start and c.end <= outer.end]
        return tuple(type(call.module).__name__ for call in inside)

    def _adds_nothing(self, outer: int, inner: int) -> bool:
        """Whether all sub-layers of a module are those of one module in it."""
        whole, part = self._found[outer], self._found[inner]
        return len(whole.equations.sublayers) <= len(part.equations.sublayers)

    def _read(self, call: ModuleCall) -> Layer | None:
        values, pieces = self._inside(call)
        if not values:
            return None
        handed_on = self._handed_on(call)
        if handed_on:
            return Layer(call.name, handed_on.y, handed_on, call.start, call.end)
        without_norms: Layer | None = None
        for y, stream in streams_of(self._recording, pieces, call):
            layer = Layer(call.name, y, stream, call.start, call.end)
            found = bool(layer.equations.norms)
            if without_norms is None and (found or stream.plain):
                if found or not _several_streams(stream.x, pieces):
                    return layer
                without_norms = layer  # its norms may read a mixture of the streams
            elif found and stream.across == "mixtures":
                return layer
        return without_norms

    def _handed_on(self, call: ModuleCall) -> Stream | None:
        """The stream of a layer that hands on two addends, branch and residual, as in vLLM."""
        outputs = _streams(call.outputs)
        if len(outputs) != 2 or type(call.module) not in self._handing:
            return None
        inputs = [value for value in _streams(call.inputs) if value.shape == outputs[0].shape]
        values, pieces = self._inside(call)
        for y, beside in (outputs, outputs[::-1]):
            if inputs:
                stream = Stream(
                    values, pieces, inputs[0], y, call.name, x_beside=inputs[1:2], y_beside=[beside]
                )
                if stream.carries(y):
                    return stream
        return None

    @cached_property
    def _handing(self) -> set[type]:
        """Classes of modules that add their two first inputs, and return two streams."""
        found: set[type] = set()
        for call in self._recording.calls:
            inputs, outputs = _streams(call.inputs), _streams(call.outputs)
            if len(inputs) == 2 == len(outputs) and inputs[0].shape == outputs[0].shape:
                summed = set(map(frozenset, map(_addends, self._inside(call)[0])))
                if frozenset(inputs) in summed:
                    found.add(type(call.module))
        return found

    def _inside(self, call: ModuleCall) -> tuple[list[Value], list[NormPiece]]:
        values = self._recording.values[call.start : call.end]
        inside = set(values)
        return values, [piece for piece in self._pieces if piece.end in inside]


def _streams(values: Sequence[Value]) -> list[Value]:
    """The floats of more than two axes among some values, each once."""
    return [v for v in dict.fromkeys(values) if v.tensor.is_floating_point() and v.tensor.ndim > 2]


def _addends(value: Value) -> list[Value]:
    added_ = value.operation is not None and value.operation.name == "add"
    return list(value.operation.values()) if added_ and value.operation else []


def streams_of(
    recording: Recording, pieces: Sequence[NormPiece], call: ModuleCall
) -> Iterator[tuple[Value, Stream]]:
    """Outputs of a call, each with a residual stream to it; the plainest reading first.

    Args:
        recording: a run.
        pieces: the norms in the call.
        call: of a module.
    """
    values = recording.values[call.start : call.end]
    for x, y in _ends(call):
        for across in get_args(Across):
            if across != "mixtures" or _several_streams(x, pieces):
                summed = _before_activation(y)
                stream = Stream(values, pieces, x, summed, call.name, across)
                if stream.carries(summed) and stream.branches:
                    yield y, stream


def _several_streams(x: Value, pieces: Sequence[NormPiece]) -> bool:
    """Whether x holds 2 to 16 times what a norm reads."""
    sizes = {piece.source.tensor.numel() for piece in pieces}
    return any(x.tensor.numel() in range(2 * size, 17 * size, size) for size in sizes)


def _before_activation(y: Value) -> Value:
    """The sum behind which a ResNet has its ReLU."""
    operation = y.operation
    return operation.args[0] if operation and operation.name in ACTIVATIONS else y


def _ends(call: ModuleCall) -> Iterator[tuple[Value, Value]]:
    """Inputs and outputs of a module that may be a stream's."""
    for y in call.outputs:
        for x in dict.fromkeys(call.inputs):
            floats = x.tensor.is_floating_point() and y.tensor.is_floating_point()
            if floats and x is not y and x.tensor.numel() == y.tensor.numel() > 1:
                yield x, y


def _is_product(value: Value) -> bool:
    """Whether a matrix made a value, as it does a sub-layer's output."""
    while value.operation is not None and passed_on(value.operation) is not None:
        value = value.operation.args[0]
    return value.operation is not None and value.operation.name in PRODUCTS


def _is_own_sum(value: Value, depending: Set[Value]) -> bool:
    """Whether a value is a sum of which one side is made from the other."""
    while value.operation is not None and passed_on(value.operation) is not None:
        value = value.operation.args[0]
    sides = (added(value.operation) if value.operation else None) or []
    ends = [side for side, _ in sides if side in depending]
    return len(ends) == 2 and any(_is_made_of(ends[i], ends[1 - i]) for i in (0, 1))


def _is_made_of(value: Value, origin: Value) -> bool:
    waiting, seen = [value], {value}
    while waiting:
        read = waiting.pop()
        if read is origin:
            return True
        before = read.operation.values() if read.operation else ()
        more = [v for v in before if v.index >= origin.index and v not in seen]
        seen.update(more)
        waiting += more
    return False


def loses_its_stream(recording: Recording, pieces: Sequence[NormPiece], call: ModuleCall) -> bool:
    """Whether sums stand in a call of which what comes out has lost what came in.

    It ends in a sub-layer that reads a sum of its input and is added to nothing, or in a sum of
    what such a sub-layer has made.
    """
    values, held = recording.values[call.start : call.end], {piece.end for piece in pieces}
    if held.isdisjoint(values):
        return False
    for x, y in _ends(call):
        stream = Stream(values, pieces, x, y, call.name)
        if y not in stream.depending or stream.carries(y):
            continue
        if (stream.branches and _is_product(y)) or _is_own_sum(y, stream.depending):
            return True
    return False
