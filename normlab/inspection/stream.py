"""The residual stream between two values of a recording: which sums, scalings and norms lead on.

A value belongs to the stream if it is x, the norm of a stream value, a stream value times something
that does not depend on x, or a sum of which one side is of the stream. All else that depends on x
is the work of sub-layers.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.operators import SHAPE_ONLY
from normlab.inspection.recording import Operation, Value, passed_on
from normlab.inspection.terms import ONE, Factor, Term, added, factor_of

Across = Literal["factors", "gates", "mixtures"]
MIXING = frozenset({"mm", "bmm", "sum", "select", "slice", "cat", "stack", "unbind", "split"})
"""What takes one of several streams, or a weighted sum of them."""


MOST_STREAMS = range(2, 17)
"""That a layer may have side by side."""


class Stream:
    """What happens to x on its way to y.

    `branches` counts the sums of the stream and something that is computed from it.

    Args:
        values: what was computed between the two, in order.
        pieces: the norms among them.
        x, y: input and output.
        scope: the name of the module whose sums are taken apart; sums of modules in it are theirs.
        across: what the stream may go through beside sums and constant factors: "gates", values
            that depend on x (a highway's), or "mixtures" of the streams that x holds too
            (hyper-connections').
        x_beside, y_beside: what is to be added to x and to y, where a layer hands on two addends.
    """

    def __init__(
        self,
        values: Sequence[Value],
        pieces: Sequence[NormPiece],
        x: Value,
        y: Value,
        scope: str,
        across: Across = "factors",
        x_beside: Sequence[Value] = (),
        y_beside: Sequence[Value] = (),
    ) -> None:
        self.x, self.y, self.scope = x, y, scope
        self.values, self.pieces = values, pieces
        self.across = across
        self.norms = {piece.end: piece for piece in pieces}
        hidden = {value for piece in pieces for value in piece.inside()} - set(self.norms)
        self._ends = {x, *x_beside}
        self._same = set(_copied_from(x))
        self.y_beside = tuple(y_beside)
        self.branches = 0
        self.depending = set(self._ends)
        self._stream = self._ends | self._same
        for value in values:
            if value in self._ends or value.operation is None or value.operation.name in SHAPE_ONLY:
                continue
            if self.depending.isdisjoint(value.operation.values()):
                continue
            self.depending.add(value)
            if value in self.norms:
                if self.norms[value].source in self._stream:
                    self._stream.add(value)
            elif value not in hidden and self._continues(value.operation):
                self._stream.add(value)

    @property
    def plain(self) -> bool:
        """Whether it is a path of sums and constant factors, without gates and mixtures."""
        return self.across == "factors"

    def carries(self, value: Value) -> bool:
        """Whether a value is of the stream."""
        return value in self._stream

    def _continues(self, operation: Operation) -> bool:
        carried = self._carried(operation)
        if carried is not None:
            return carried in self._stream
        sides = self._added(operation)
        if sides is not None:
            of_stream = [value in self._stream for value, _ in sides]
            of_branch = [self._depends(value) and value not in self._stream for value, _ in sides]
            self.branches += any(of_stream) and any(of_branch)
            return any(of_stream)
        if self._mixtures(operation):
            return True
        scaled = self._scaled(operation)
        return scaled is not None and scaled[0] in self._stream

    def _carried(self, operation: Operation) -> Value | None:
        """The value that an operator hands on: all of it, or the rows that are chosen."""
        if operation.name in ("index", "index_select"):
            return operation.args[0]
        if operation.name in ("add", "sub") and not isinstance(operation.args[1], Value):
            return operation.args[0]  # and a number
        if operation.name == "index_put" and not self._depends(operation.args[0]):
            return operation.args[2]
        return passed_on(operation)

    def _mixtures(self, operation: Operation) -> list[tuple[Value, Factor]] | None:
        """The streams that an operator mixes, and those that it reads of several."""
        if self.across != "mixtures" or operation.name not in MIXING:
            return None
        streams = [value for value in operation.values() if value in self._stream]
        products = operation.name in ("mm", "bmm")
        if not streams or (products and not self._mixes(operation, streams)):
            return None
        return [(value, Factor(letters="m")) for value in dict.fromkeys(streams)]

    def _mixes(self, operation: Operation, streams: Sequence[Value]) -> bool:
        """Whether a product sums over streams: one factor holds them, and its features stay."""
        if len(streams) != 1:
            return False
        one, other = operation.args[:2]
        summed = one.shape[-1] if one is streams[0] else other.shape[-2]
        return summed in MOST_STREAMS and summed != self.x.shape[-1]

    def _added(self, operation: Operation) -> list[tuple[Value, Factor]] | None:
        """What is added: by a sum, or by a sum with the product of a branch and a constant."""
        if operation.name != "addcmul":
            return added(operation)
        stream, one, other = operation.args[:3]
        branch, held = (other, one) if self._depends(other) else (one, other)
        if self._depends(held):
            return None
        size = Factor(float(operation.kwargs.get("value", 1.0)))
        return [(stream, ONE), (branch, factor_of(held).times(size))]

    def _scaled(self, operation: Operation) -> tuple[Value, Factor] | None:
        """A value and what it is multiplied by, which does not depend on x."""
        if operation.name not in ("mul", "div", "neg", "where", "masked_fill"):
            return None
        if operation.name == "neg":
            return operation.args[0], Factor(-1.0)
        if operation.name == "masked_fill":
            return operation.args[0], _mask(operation.args[1], False)
        if operation.name == "where":
            return self._chosen(operation)
        one, other = operation.args[:2]
        if operation.name == "mul" and not self._depends(one):
            one, other = other, one
        if not isinstance(one, Value) or not self._depends(one):
            return None
        if self._depends(other):
            if self.plain or operation.name != "mul":
                return None
            stream, gate = (one, other) if one in self._stream else (other, one)
            return (stream, Factor(letters="g")) if gate not in self._stream else None
        return one, factor_of(other, inverse=operation.name == "div")

    def _chosen(self, operation: Operation) -> tuple[Value, Factor] | None:
        """`where` with one side that depends on x is a mask."""
        condition, *sides = operation.args
        kept = [self._depends(side) for side in sides]
        if kept.count(True) != 1 or self._depends(condition):
            return None
        return sides[kept.index(True)], _mask(condition, kept[0])

    def _depends(self, argument: object) -> bool:
        return isinstance(argument, Value) and argument in self.depending

    def terms(self, value: Value) -> list[Term]:
        """The sum that a value is; y's is that of both addends."""
        merged: dict[Value, Term] = {}
        addends = [value, *(self.y_beside if value is self.y else ())]
        for term in (term for addend in addends for term in self._terms(addend, ONE)):
            if term.value in merged:
                term = Term(merged[term.value].factor.plus(term.factor), term.value)
            merged[term.value] = term
        return [t for t in merged.values() if t.factor.letters or abs(t.factor.number) > 1e-9]

    def _terms(self, value: Value, factor: Factor) -> Iterator[Term]:
        waiting = [(value, factor, self.scope)]
        while waiting:
            value, factor, scope = waiting.pop()
            if value is not self.x and value in self._ends:
                continue  # it is added to x, and is named with it
            if value in self._same:
                value = self.x
            if value is self.x or value in self.norms or value.operation is None:
                yield Term(factor, value)
                continue
            if not self._depends(value):
                yield Term(factor, value)
                continue
            parts = self._parts(value, scope)
            if parts is None:
                yield Term(factor, value)
                continue
            scope = value.operation.module if self.carries(value) else scope
            waiting += [(part, factor.times(own), scope) for part, own in reversed(parts)]

    def _parts(self, value: Value, scope: str) -> list[tuple[Value, Factor]] | None:
        """What a value of the stream, or the end of a branch, is made of; None for a sub-layer."""
        operation = value.operation
        assert operation is not None
        carried = self._carried(operation)
        if carried is not None:
            return [(carried, ONE)]
        of_stream, own = value in self._stream, operation.module in (self.scope, scope)
        if of_stream and (mixtures := self._mixtures(operation)):
            return mixtures
        sides = self._added(operation)
        if sides is not None and (of_stream or (own and self._all_depend(sides))):
            return sides
        scaled = self._scaled(operation)
        if scaled is None or (not self.plain and not of_stream and "g" in scaled[1].letters):
            return None
        return [scaled] if of_stream or own or scaled[1].letters else None

    def _all_depend(self, sides: Sequence[tuple[Value, Factor]]) -> bool:
        return all(self._depends(value) for value, _ in sides)

    def reads(self, value: Value) -> tuple[list[Value], list[NormPiece]]:
        """The stream values that a sub-layer is computed from, and the norms inside it."""
        found: set[Value] = set()
        inner: list[NormPiece] = []
        seen: set[Value] = set()
        waiting = list(self._inputs(value))
        while waiting:
            read = waiting.pop()
            if read in seen or read not in self.depending:
                continue
            seen.add(read)
            if read in self._stream:
                found.add(read)
                continue
            if read in self.norms:
                inner.append(self.norms[read])
            waiting += self._inputs(read)
        order = {piece.end: piece.end.index for piece in inner}
        inner.sort(key=lambda piece: order[piece.end])
        return sorted(found, key=lambda read: read.index), inner

    def _inputs(self, value: Value) -> tuple[Value, ...]:
        """What an operator reads the numbers of."""
        operation = value.operation
        return () if operation is None or operation.name in SHAPE_ONLY else operation.values()


def _copied_from(value: Value) -> Iterator[Value]:
    """What a value is another name of: a norm may be read from there."""
    while value.operation is not None and value.operation.name == "alias":
        value = value.operation.args[0]
        yield value


def _mask(condition: Value, keeps: bool) -> Factor:
    """A factor for a mask: 1 where it lets everything through."""
    through = condition.tensor if keeps else ~condition.tensor
    return ONE if bool(through.all()) else Factor(letters="g")
