"""The diagram of a wiring that was read from outside."""

import re
from collections.abc import Sequence
from typing import TypeAlias

from normlab.inspection.wiring_reading import LayerWiring
from normlab.models.placement.wiring import Kind, Step, Wiring, arrange

Term: TypeAlias = tuple[float, str]
"""A factor, and what it multiplies: "x", "n1", "f1", …"""


def diagram(wiring: LayerWiring) -> Wiring:
    """The equations of a layer as boxes and lines, for `draw_wiring` of chapter 05.

    A sub-layer that depends on several terms is drawn as reading their sum.

    Example:
        >>> pre_norm = LayerWiring(("n1 = norm(x)", "f1 = f(n1)", "y = x + f1"), ("n",), ("f",), ())
        >>> [node.label for node in diagram(pre_norm).nodes]
        ['x', 'norm', 'f1', '+', 'output']
    """
    sketch = _Sketch()
    for equation in wiring.equations:
        name, right = equation.split(" = ")
        if right.startswith("norm("):
            sketch.box(name, "norm", "norm", _terms(right))
        elif right.startswith("f("):
            sketch.box(name, "sub-layer", name, _terms(right))
        else:
            sketch.box(name, "output", "output", _terms(right))
    return Wiring(tuple(arrange(sketch.steps)))


def _terms(text: str) -> tuple[Term, ...]:
    """The terms of "norm(4.899 n1 + f1)", "f(x, n1)" or "x + f1"."""
    found = re.findall(r"(\d+\.\d+ )?\b(x|[nf]\d+)\b", text)
    return tuple((float(factor or 1), name) for factor, name in found)


class _Sketch:
    """Steps so far, and where in them each term and each sum stands."""

    def __init__(self) -> None:
        self.steps: list[Step] = [("input", "x", ())]
        self._places: dict[tuple[Term, ...], int] = {((1.0, "x"),): 0}

    def box(self, name: str, kind: Kind, label: str, terms: Sequence[Term]) -> None:
        self.steps.append((kind, label, (self._sum(tuple(terms)),)))
        self._places[((1.0, name),)] = len(self.steps) - 1

    def _sum(self, terms: tuple[Term, ...]) -> int:
        """Where a sum stands; its beginning may stand there already."""
        if terms not in self._places:
            *first, (factor, name) = terms
            if first:
                inputs = (self._sum(tuple(first)), self._sum(terms[-1:]))
                self.steps.append(("sum", "+", inputs))
            else:
                self.steps.append(("factor", f"× {factor:.3g}", (self._places[((1.0, name),)],)))
            self._places[terms] = len(self.steps) - 1
        return self._places[terms]
