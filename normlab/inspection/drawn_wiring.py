"""The diagram of a wiring that was read from outside."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from normlab.models.placement.wiring import Kind, Step, Wiring, arrange

TERM = re.compile(r"([-−] ?)?(\d+\.\d+ )?(?:([agm]+)·)?\b(x|c|[nf]\d+)\b")
"""A sign, a number, letters of factors that are no numbers, and what they multiply."""


class Term(NamedTuple):
    """What is added: its factor, as a box says it ("" for 1), and its name."""

    factor: str
    name: str


Terms = tuple[Term, ...]
X = (Term("", "x"),)


def diagram(equations: Sequence[str], labels: Mapping[str, str] | None = None) -> Wiring:
    """The equations of a layer as boxes and lines, for `draw_wiring`.

    What a sub-layer reads is drawn as one sum if another equation adds the same terms, and else
    as lines of their own. What is no part of the stream, "c", is a box on it.

    Args:
        equations: "n1 = norm(x)", "f1 = f(n1)", …, "y = x + f1", in the order of the run.
        labels: what stands in a box, by the left side of its equation; "norm" and "f1" by default.

    Example:
        >>> pre_norm = ("n1 = norm(x)", "f1 = f(n1)", "y = x + 0.500 a·f1")
        >>> [node.label for node in diagram(pre_norm).nodes]
        ['x', 'norm', 'f1', '× 0.5 a', '+', 'output']
    """
    pairs = [equation.split(" = ") for equation in equations]
    sketch = _Sketch({_terms(right) for _, right in pairs if ", " not in right})
    for name, right in pairs:
        kind, label = _box(name, right)
        sketch.box(name, kind, (labels or {}).get(name, label), _read(right))
    return Wiring(tuple(arrange(sketch.steps)))


def _box(name: str, right: str) -> tuple[Kind, str]:
    if right.startswith("norm("):
        return "norm", "norm"
    return ("sub-layer", name) if right.startswith("f(") else ("output", "output")


def _read(right: str) -> list[Terms]:
    """The sums that a box reads."""
    return [terms for part in right.split(", ") if (terms := _terms(part))]


def _terms(text: str) -> Terms:
    """The terms of "norm(4.899 n1 + f1)", "f(x)" or "x − a·f1 + c"."""
    return tuple(
        Term(_factor(sign, number, letters), name)
        for sign, number, letters, name in TERM.findall(text)
    )


def _factor(sign: str, number: str, letters: str) -> str:
    digits = f"{float(number):.3g}" if number else "" if letters or not sign else "1"
    return " ".join(filter(None, [("−" if sign else "") + digits, letters]))


class _Sketch:
    """Steps so far, and where in them each term and each sum stands.

    Args:
        sums: those that equations write down.
    """

    def __init__(self, sums: set[Terms]) -> None:
        self.steps: list[Step] = [("input", "x", ())]
        self._sums = {terms[:end] for terms in sums for end in range(2, len(terms) + 1)}
        self._places: dict[Terms, int] = {X: 0}

    def box(self, name: str, kind: Kind, label: str, read: Sequence[Terms]) -> None:
        joined = tuple(term for terms in read for term in terms)
        read = [joined] if joined in self._sums else read
        self.steps.append((kind, label, tuple(map(self._sum, read))))
        self._places[Term("", name),] = len(self.steps) - 1

    def _sum(self, terms: Terms) -> int:
        """Where a sum stands; its beginning may stand there already."""
        if terms not in self._places:
            *first, last = terms
            if not first:
                place = self._places[Term("", last.name),]
                self.steps.append(("factor", f"× {last.factor}", (place,)))
            elif last.name == "c":
                self.steps.append(("factor", "+ c", (self._sum(tuple(first)),)))
            else:
                inputs = (self._sum(tuple(first)), self._sum((last,)))
                self.steps.append(("sum", "+", inputs))
            self._places[terms] = len(self.steps) - 1
        return self._places[terms]
