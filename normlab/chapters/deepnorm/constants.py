"""DeepNorm's constants by depth and architecture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normlab.models.placement.deepnorm_constants import deepnorm_constants
from normlab.tools.table import Table


@dataclass(frozen=True)
class DeepNormConstants:
    """(α, β) of a stack by its architecture's name, for as many layers in each stack."""

    layers: Sequence[int]
    constants: Mapping[str, Sequence[tuple[float, float]]]

    def table(self) -> Table:
        """One row per depth, α and β of each architecture."""
        columns = ["layers", *(f"{c}, {name}" for name in self.constants for c in ("α", "β_w"))]
        rows = [
            [n, *(f"{c:.4g}" for pairs in self.constants.values() for c in pairs[i])]
            for i, n in enumerate(self.layers)
        ]
        return Table(columns, rows)


def constants_by_depth(layers: Sequence[int]) -> DeepNormConstants:
    """DeepNorm's constants for every architecture; an encoder–decoder has so many in each stack.

    Example:
        >>> constants = constants_by_depth([500]).constants
        >>> [round(c, 4) for c in constants["decoder of two"][0]]
        [6.2233, 0.1136]
    """
    both = [deepnorm_constants(n, n) for n in layers]
    found = {
        "one stack": [deepnorm_constants(n, 0)["encoder"] for n in layers],
        "encoder of two": [pair["encoder"] for pair in both],
        "decoder of two": [pair["decoder"] for pair in both],
    }
    constants = {name: [c for c in pairs if c] for name, pairs in found.items()}
    return DeepNormConstants(tuple(layers), constants)
