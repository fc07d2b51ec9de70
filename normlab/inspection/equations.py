"""The wiring of one layer as equations: "n1 = norm(x)", "f1 = f(n1)", "y = x + f1"."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.recording import Value
from normlab.inspection.stream import Stream
from normlab.inspection.terms import Term


@dataclass(frozen=True)
class Equations:
    """What `equations_of` finds.

    Attributes:
        lines: the equations, in the order of the run.
        norms: the norms n1, n2, … on the wiring.
        sublayers: the values f1, f2, …
        inner: the norms inside the sub-layers.
        stream: what the lines were read from.
        reads: the sums that each sub-layer reads.
    """

    lines: tuple[str, ...]
    norms: tuple[NormPiece, ...]
    sublayers: tuple[Value, ...]
    inner: tuple[NormPiece, ...]
    stream: Stream
    reads: Mapping[Value, list[list[Term]]]

    def shape(self) -> tuple[str, ...]:
        """The lines without factors."""
        return tuple(re.sub(r"(-?\d+\.\d+ |[agm]+·)", "", line) for line in self.lines)


def equations_of(stream: Stream) -> Equations:
    """Read what leads from x to y, along a stream that carries y."""
    return _Reader(stream).equations()


class _Reader:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._norms: dict[Value, list[Term]] = {}
        self._sublayers: dict[Value, list[list[Term]]] = {}
        self._inner: dict[Value, NormPiece] = {}

    def equations(self) -> Equations:
        stream = self._stream
        self._visit()
        names = self._names
        lines = [(v.index, f"{names[v]} = norm({_sum(t, names)})") for v, t in self._norms.items()]
        lines += [(v.index, self._line(v)) for v in self._sublayers]
        lines.sort()
        last = f"y = {_sum(stream.terms(stream.y), names)}"
        return Equations(
            (*(line for _, line in lines), last),
            tuple(stream.norms[value] for value in sorted(self._norms, key=_index)),
            tuple(sorted(self._sublayers, key=_index)),
            tuple(
                p
                for v, p in sorted(self._inner.items(), key=lambda item: item[0].index)
                if v not in self._norms
            ),
            stream,
            self._sublayers,
        )

    def _visit(self) -> None:
        """Norms and sub-layers on the way to y; a sub-layer is what is added to the stream."""
        stream = self._stream
        sums = [stream.terms(stream.y)]
        reads: dict[Value, list[list[Term]]] = {}
        waiting = [term.value for term in sums[0]]
        while waiting:
            value = waiting.pop()
            if value in self._norms or value in reads or value is stream.x:
                continue
            if value in stream.norms:
                self._norms[value] = stream.terms(stream.norms[value].source)
                sums.append(self._norms[value])
                waiting += [term.value for term in self._norms[value]]
            elif value in stream.depending:
                found, inner = stream.reads(value)
                self._inner |= {piece.end: piece for piece in inner}
                reads[value] = [stream.terms(read) for read in found]
                waiting += [term.value for terms in reads[value] for term in terms]
        added = {term.value for terms in sums for term in terms if term.value in reads}
        self._sublayers = {value: self._through(reads[value], reads, added) for value in added}
        self._take_inside({term.value for terms in sums for term in terms})

    def _take_inside(self, summed: Set[Value]) -> None:
        """A norm of a norm's output belongs to the sub-layer that reads that output besides."""
        for value, terms in [*self._norms.items()]:
            source = terms[0].value if len(terms) == 1 else None
            readers = [v for v in self._sublayers if value in self._read_by(v)]
            besides = readers and all(source in self._read_by(v) for v in readers)
            if source in self._norms and besides and value not in summed:
                del self._norms[value]
                self._inner[value] = self._stream.norms[value]
                for reader in readers:
                    parts = self._sublayers[reader]
                    self._sublayers[reader] = [p for p in parts if [t.value for t in p] != [value]]

    def _read_by(self, sublayer: Value) -> set[Value]:
        """What a sub-layer reads alone, not in a sum."""
        return {part[0].value for part in self._sublayers[sublayer] if len(part) == 1}

    def _through(
        self, terms: list[list[Term]], reads: Mapping[Value, list[list[Term]]], added: set[Value]
    ) -> list[list[Term]]:
        """What is read, with the reads of what is never added in its place: a shifted token's."""
        found: list[list[Term]] = []
        waiting, seen = list(terms), set()
        while waiting:
            part = waiting.pop(0)
            inside = [t.value for t in part if t.value in reads and t.value not in added]
            found.append([term for term in part if term.value not in inside])
            waiting += [more for value in inside if value not in seen for more in reads[value]]
            seen.update(inside)
        return found

    @cached_property
    def _names(self) -> dict[Value, str]:
        names = {self._stream.x: "x"}
        names |= {v: f"n{i}" for i, v in enumerate(sorted(self._norms, key=_index), 1)}
        return names | {v: f"f{i}" for i, v in enumerate(sorted(self._sublayers, key=_index), 1)}

    def _line(self, value: Value) -> str:
        sums = [_sum(terms, self._names, plain=True) for terms in self._sublayers[value]]
        return f"{self._names[value]} = f({', '.join(dict.fromkeys(s for s in sums if s))})"


def _index(value: Value) -> int:
    return value.index


def _sum(terms: Sequence[Term], names: dict[Value, str], plain: bool = False) -> str:
    """The terms in the order x, n1, f1, n2, …; what is no term of x is "c"."""
    known = [term for term in terms if term.value in names]
    known.sort(key=lambda term: _place(names[term.value]))
    texts = [_factored(term, names[term.value], plain) for term in known]
    if len(known) < len(terms) and not plain:
        texts.append("c")
    return " + ".join(texts).replace("+ -", "− ")


def _factored(term: Term, name: str, plain: bool) -> str:
    factor = term.factor
    number = "" if abs(factor.number - 1) < 1e-4 else f"{factor.number:.3f} "
    number = "-" if abs(factor.number + 1) < 1e-4 else number
    letters = f"{factor.letters}·" if factor.letters else ""
    return name if plain else f"{number}{letters}{name}"


def _place(name: str) -> tuple[int, int]:
    """x first, then by number, norms before sub-layers."""
    return int(name[1:] or 0), "xnf".index(name[0])
