"""Layers of a model that holds the sums itself: `for attn, ff in layers: x = attn(x) + x`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from normlab.inspection.layer import Layer
from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.norm_search import sources
from normlab.inspection.recording import ModuleCall, Recording, Value, passed_on
from normlab.inspection.stream import Stream
from normlab.inspection.terms import added, leaves

UP_TO_NUMBER = re.compile(r"^([^.]*\d+|.*?\.\d+)(\.|$)")
NUMBER = re.compile(r"\d+$")


@dataclass(frozen=True, eq=False)
class _Sum:
    """A sum of a stream and a branch that is computed from it."""

    value: Value
    stream: Value
    branch: Value


def find_loose_layers(
    recording: Recording, pieces: Sequence[NormPiece], call: ModuleCall
) -> list[Layer]:
    """The residual layers of the longest chain of sums in a call, grouped by numbers in names.

    A sum belongs to a chain if one side is computed from the other, and the other is an earlier
    sum, or the norm of one. Where another chain runs beside it, as in reversible layers, there is
    no one stream, and none is read.
    """
    search = _Search(recording, pieces, call)
    chain = search.longest_chain()
    if search.has_rival(chain):
        return []
    groups = search.groups(chain)
    return [layer for layer in search.layers(groups) if layer is not None]


class _Search:
    def __init__(self, recording: Recording, pieces: Sequence[NormPiece], call: ModuleCall) -> None:
        self._recording, self._call = recording, call
        self._pieces = [p for p in pieces if call.start <= p.end.index < call.end]
        self._ends = {piece.end: piece for piece in self._pieces}
        self._live = recording.depending_on(sources(recording))
        hidden = {value for piece in pieces for value in piece.inside()}
        values = [v for v in recording.values[call.start : call.end] if v not in hidden]
        self._sums = {sum_.value: sum_ for value in values for sum_ in self._sum(value)}

    def _sum(self, value: Value) -> Iterator[_Sum]:
        sides = added(value.operation) if value.operation else None
        if sides is None or value not in self._live:
            return
        (one, _), (other, _) = sides
        for stream, branch in ((one, other), (other, one)):
            base = self._base(stream)
            if base in self._live and branch in self._live and self._made_from(branch, base):
                yield _Sum(value, base, branch)
                return

    def _base(self, value: Value) -> Value:
        """The value behind views, copies and constant factors."""
        while value.operation is not None and value not in self._ends:
            carried = passed_on(value.operation)
            if carried is None and value.operation.name in ("mul", "div"):
                live = [read for read in value.operation.values() if read in self._live]
                whole = [read for read in live if read.tensor.numel() == value.tensor.numel()]
                carried = whole[0] if len(whole) == 1 else None
            if carried is None or carried not in self._live:
                break
            value = carried
        return value

    def _made_from(self, branch: Value, base: Value) -> bool:
        waiting, seen = [branch], set()
        while waiting:
            value = waiting.pop()
            if value is base:
                return self._base(branch) is not base
            if value.index > base.index and value not in seen and value.operation:
                seen.add(value)
                waiting += value.operation.values()
        return False

    def _work(self, branch: Value) -> Value:
        """The value that a branch ends with, before its norm."""
        value = self._base(branch)
        while value in self._ends:
            value = self._base(self._ends[value].source)
        return value

    def longest_chain(self) -> list[_Sum]:
        """The sums of a model's main stream, in order."""
        return max(self._chains().values(), key=len, default=[])

    def _chains(self) -> dict[Value, list[_Sum]]:
        """For each sum those on the way to it, and itself."""
        chains: dict[Value, list[_Sum]] = {}
        for value, sum_ in self._sums.items():
            before = sum_.stream
            while before in self._ends and before not in self._sums:
                before = self._base(self._ends[before].source)
            chains[value] = [*chains.get(before, []), sum_]
        return chains

    def has_rival(self, chain: Sequence[_Sum]) -> bool:
        """Whether another chain of at least half as many sums is made from this one's, and back."""
        if len(chain) < 2:
            return False
        own = {sum_.value for sum_ in chain}
        made = self._recording.depending_on([chain[0].value])
        for other in self._chains().values():
            values = {sum_.value for sum_ in other}
            long = 2 * len(other) >= len(chain) and own.isdisjoint(values)
            alike = other[-1].value.shape == chain[-1].value.shape
            if long and alike and len(other) > 1 and not made.isdisjoint(values):
                back = self._recording.depending_on([other[0].value])
                if not back.isdisjoint(own):
                    return True
        return False

    def groups(self, chain: list[_Sum]) -> list[list[_Sum]]:
        """The sums of each layer: those with the same number, if two layers have alike weights."""
        numbers = {sum_.value: NUMBER.findall(self.number(sum_.branch)) for sum_ in chain}
        groups = [list(group) for _, group in groupby(chain, lambda sum_: numbers[sum_.value])]
        alike = [tuple(shape for sum_ in group for shape in self._shapes(sum_)) for group in groups]
        if all(numbers.values()) and len(set(alike)) < len(alike):
            return groups
        return [chain] if chain else []

    def _shapes(self, sum_: _Sum) -> Iterator[tuple[int, ...]]:
        """Of the weights with which a branch ends."""
        operation = self._work(sum_.branch).operation
        for read in operation.values() if operation else []:
            if read not in self._live:
                yield tuple(read.shape)

    def layers(self, groups: Sequence[Sequence[_Sum]]) -> Iterator[Layer | None]:
        """One layer for each group of sums."""
        for place, group in enumerate(groups):
            last = groups[place + 1][0].stream if place + 1 < len(groups) else self._end(groups)
            yield self._layer(group[0].stream, last, len(groups) > 1)

    def _end(self, groups: Sequence[Sequence[_Sum]]) -> Value:
        """The last sum; or its norm, if the other layers end with one."""
        last = groups[-1][-1].value
        normed = [p.end for p in self._pieces if self._base(p.source) is last]
        ends_in_norm = len(groups) > 1 and groups[-1][0].stream in self._ends
        return normed[0] if ends_in_norm and normed else last

    def _layer(self, x: Value, y: Value, grouped: bool) -> Layer | None:
        values = self._recording.values[x.index : y.index + 1]
        scope = y.operation.module if y.operation else ""
        pieces = [piece for piece in self._pieces if x.index < piece.end.index <= y.index]
        stream = Stream(values, pieces, x, y, scope)
        if not stream.carries(y):
            return None
        layer = Layer(self._call.name, y, stream, x.index + 1, y.index + 1)
        if grouped and layer.equations.sublayers:
            return replace(layer, name=self.number(layer.equations.sublayers[0]))
        return layer

    def number(self, branch: Value) -> str:
        """The name of a branch up to its first number: of its module, or of its last weight."""
        scope = f"{self._call.name}." if self._call.name else ""
        operation = self._work(branch).operation
        module = operation.module if operation else ""
        match = UP_TO_NUMBER.match(module.removeprefix(scope))
        if match or operation is None:
            return scope + match[1] if match else ""
        held = [read for read in operation.values() if read not in self._live]
        names = [leaf.name.removeprefix(scope) for read in held for leaf in leaves(read)]
        digits = [part for name in names for part in name.split(".")[1:] if part.isdigit()]
        return scope + digits[0] if digits else ""
