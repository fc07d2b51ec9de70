"""What a wiring is called in the field."""

from typing import Literal

from normlab.inspection.equations import Equations
from normlab.inspection.recording import Value
from normlab.inspection.stream import Stream
from normlab.inspection.terms import Term

PlacementName = Literal[
    "pre-norm",
    "post-norm",
    "peri-norm",
    "reordered-norm",
    "parallel",
    "DeepNorm",
    "sandwich",
    "none",
    "other",
]


def placement_of(found: Equations) -> PlacementName:
    """The name of a wiring, by where its norms stand for each of its sub-layers.

    A sub-layer has a norm in front of it (pre), on its output before the sum (out), or behind the
    sum, on the stream (post).

    - pre alone: pre-norm; parallel, if all sub-layers read x itself
    - post alone: post-norm; DeepNorm, if the stream is multiplied by a constant in front of it
    - pre and out: peri-norm, which CogView calls a sandwich
    - out alone: the reordered norm of OLMo 2, Swin v2's res-post-norm
    - none of them for any: none

    Of several streams, the weights with which they are mixed may be computed without a norm.
    """
    if not found.norms or not found.sublayers:
        return "none"
    sites = _Sites(found)
    kinds = {sites.of(value) for value in found.sublayers}
    if len(kinds) != 1:
        return "other"
    match next(iter(kinds)):
        case (True, False, False):
            return "parallel" if sites.parallel() else "pre-norm"
        case (True, True, False):
            return "peri-norm"
        case (False, True, False):
            return "reordered-norm"
        case (False, False, True) if sites.one_stream():
            return "DeepNorm" if sites.scaled_stream() else "post-norm"
    return "other"


class _Sites:
    """Which norms stand where."""

    def __init__(self, found: Equations) -> None:
        self._found = found
        self._stream: Stream = found.stream
        self._sources = {p.end: self._stream.terms(p.source) for p in found.norms}
        self._last = self._stream.terms(self._stream.y)
        self._reads = found.reads
        self._going_on = self._ends_that_go_on()

    def of(self, value: Value) -> tuple[bool, bool, bool]:
        """pre, out, post of a sub-layer."""
        reads = [term.value for terms in self._read_terms(value) for term in terms]
        in_front = [self._in_front(read) for read in reads]
        pre = any(in_front) if self._stream.across == "mixtures" else bool(reads) and all(in_front)
        out = [end for end, terms in self._sources.items() if self._only(terms, value)]
        ends = {value, *out}
        post = any(
            self._on_stream(end)
            and self._stream.carries(self._stream.norms[end].source)
            and any(term.value in ends for term in terms)
            for end, terms in self._sources.items()
        )
        return pre, bool(out), post

    def _read_terms(self, value: Value) -> list[list[Term]]:
        depending = self._stream.depending
        return [[t for t in terms if t.value in depending] for terms in self._reads[value]]

    def _only(self, terms: list[Term], value: Value) -> bool:
        return len(terms) == 1 and terms[0].value is value

    def _on_stream(self, end: Value) -> bool:
        """Whether a norm's output stays in the stream: in y, or in what is normed next."""
        return end in self._going_on and self._stream.carries(end)

    def _ends_that_go_on(self) -> set[Value]:
        sums = [self._last, *self._sources.values()]
        sums += [t for value in self._reads for t in self._read_terms(value) if len(t) > 1]
        return {term.value for terms in sums for term in terms if term.value in self._sources}

    def _in_front(self, read: Value) -> bool:
        return read in self._sources and self._stream.carries(read) and not self._on_stream(read)

    def parallel(self) -> bool:
        """Whether there are several sub-layers, and each reads x and norms of x alone."""
        of_x = {self._stream.x} | {
            end
            for end, terms in self._sources.items()
            if all(term.value is self._stream.x for term in terms)
        }
        reads = [t.value for v in self._found.sublayers for ts in self._read_terms(v) for t in ts]
        return len(self._found.sublayers) > 1 and all(read in of_x for read in reads)

    def one_stream(self) -> bool:
        """Whether no sum holds two values of the stream: x beside a norm of it, say."""
        sums = [self._last, *self._sources.values()]
        return all(sum(self._stream.carries(t.value) for t in terms) < 2 for terms in sums)

    def scaled_stream(self) -> bool:
        """Whether what a norm reads has another constant in front of the stream than 1."""
        return any(
            abs(term.factor.number - 1) > 1e-4
            for terms in self._sources.values()
            for term in terms
            if term.value not in self._found.sublayers
        )
