"""The placements of a layer whose sub-layers have different ones."""

import re
from collections.abc import Sequence

from normlab.inspection.report import InspectedLayer

EQUATION = re.compile(r"(?P<name>\w+) = (?:(?P<kind>norm|f)\()?(?P<read>.*?)\)?")
PART = re.compile(r"[xnf]\d*")
OF_PRE_AND_OUT = {
    (True, False): "pre-norm",
    (True, True): "peri-norm",
    (False, True): "reordered-norm",
}
"""By whether a norm stands in front of a sub-layer, and on its output."""


def placement_told(layer: InspectedLayer) -> str:
    """The placement of a layer; where that has no name, those of its sub-layers."""
    return (layer.placement == "other" and placements_in(layer.equations)) or layer.placement


def placements_in(equations: Sequence[str]) -> str:
    """The placements of sub-layers, by the equations of their layer; "" if one has no name.

    >>> lines = ["n1 = norm(x)", "f1 = f(n1)", "f2 = f(x + f1)", "n2 = norm(f2)"]
    >>> placements_in([*lines, "y = x + f1 + n2"])
    'pre-norm and reordered-norm'
    """
    found = [match for line in equations if (match := EQUATION.fullmatch(line))]
    reads = {match["name"]: PART.findall(match["read"]) for match in found}
    norms = {match["name"] for match in found if match["kind"] == "norm"}
    sublayers = [match["name"] for match in found if match["kind"] == "f"]
    on_output = {name: reads[name][0] for name in norms if len(reads[name]) == 1}
    outputs = {name for name, read in on_output.items() if read in sublayers}
    sums = [part for name, parts in reads.items() if name not in sublayers for part in parts]
    if any(part in norms - outputs for part in sums):
        return ""  # the stream itself is normed
    names = []
    for name in sublayers:
        in_front = all(part in norms - outputs for part in reads[name])
        behind = any(on_output[norm] == name for norm in outputs)
        names.append(OF_PRE_AND_OUT.get((in_front, behind), ""))
    return " and ".join(dict.fromkeys(names)) if all(names) else ""
