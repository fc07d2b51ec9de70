"""How far one training step moves a model, by depth, for variants of DeepNorm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from normlab.models.placement.deepnorm_variants import DEEPNORM_VARIANTS
from normlab.models.transformer import TransformerConfig
from normlab.norms import FloatArray
from normlab.probes import DepthSweep, Rule
from normlab.tools.error_bars import typical
from normlab.tools.table import Table

Exponents = tuple[float, float]
EXPONENTS: dict[str, Exponents] = {
    "post-norm": (0, 0),
    "DeepNorm": (1 / 4, -1 / 4),
    "α only": (1 / 4, 0),
    "β only": (0, -1 / 4),
    "α on the branch": (-1 / 4, -1 / 4),
    "β on q and k": (1 / 4, -1 / 4),
    "β not on v": (1 / 4, 0),
    "inverse β": (1 / 4, 1 / 4),
    "GLM-130B": (1 / 2, -1 / 2),
}
"""(a, b) by variant, where α grows like Nᵃ and β like Nᵇ. norm(x + αf) is norm(x/α + f), so α on
the branch is a = −¼. Without β on v, the attention's √(v² + w²) stays near 1, so b = 0."""


def variant_name(variant: str) -> str:
    """A variant as texts and labels have it: β_w for what the paper and the code call β.

    >>> variant_name("β not on v")
    'β_w not on v'
    """
    return variant.replace("β", "β_w")


def predicted_slope(variant: str, rule: Rule) -> float | None:
    """The power of N that the sum of Theorem 4.2 grows with; None where it says nothing.

    Each of the 2N terms is √(v² + w²)/α · ‖Δθ‖, and √(v² + w²) ∝ β. With a sign step ‖Δθ‖ is
    the same in every depth: N · β/α. With SGD it is η times the gradient, and that goes with
    β/α too as long as no gradient grows on its way down: N · β²/α².

    Source: Wang et al. 2022, §4.2 and §4.3, arXiv:2203.00555.

    Example:
        >>> predicted_slope("DeepNorm", "sgd"), predicted_slope("GLM-130B", "sign")
        (0.0, 0.0)
    """
    if variant not in EXPONENTS:
        return None
    a, b = EXPONENTS[variant]
    return 1 + (2 if rule == "sgd" else 1) * (b - a)


@dataclass(frozen=True)
class UpdateSweep:
    """One step, by depth N (layers of an encoder) and variant, seed by seed.

    Attributes:
        rule, learning_rate: of the step.
        changes: ‖ΔF‖/‖F‖.
        sums: the sum of Theorem 4.2.
        effects, moves: its factors; see `BoundedUpdate`.
    """

    rule: Rule
    learning_rate: float
    changes: DepthSweep
    sums: DepthSweep
    effects: DepthSweep
    moves: DepthSweep

    @property
    def depths(self) -> Sequence[int]:
        return self.changes.depths

    @property
    def relative(self) -> Mapping[str, FloatArray]:
        """‖ΔF‖/‖F‖ by variant (N,): the geometric mean over the seeds."""
        return self.changes.values

    @property
    def ratios(self) -> DepthSweep:
        """The sum of Theorem 4.2 over the measured change."""
        changes = self.changes.measured
        ratios = {name: sums / changes[name] for name, sums in self.sums.measured.items()}
        return replace(self.sums, measured=ratios)

    @property
    def moves_by_rate(self) -> DepthSweep:
        """‖Δθ‖/η of a sub-layer."""
        moves = self.moves.measured.items()
        return replace(self.moves, measured={n: move / self.learning_rate for n, move in moves})

    def slope(self, variant: str) -> float:
        """The log–log slope of the measured change over all depths: the mean of the seeds'."""
        return self.changes.slope(variant)

    def said_slope(self, variant: str) -> str:
        """The slope and its standard error: the seeds' standard deviation over √seeds."""
        return self._said_slopes[variant]

    @cached_property
    def _said_slopes(self) -> Mapping[str, str]:
        return {name: self.changes.said_slope(name) for name in self.changes.measured}

    def said_ratio(self, variant: str, layers: int) -> str:
        """The change over DeepNorm's with the same seeds, and its standard error.

        Raises:
            ValueError: if that depth was not measured.
        """
        place = list(self.depths).index(layers)
        changes = self.changes.measured
        return typical(changes[variant][:, place] / changes["DeepNorm"][:, place])

    def predicted_slope(self, variant: str) -> float | None:
        """The slope that theory gives a variant for this step; None where it gives none."""
        return predicted_slope(variant, self.rule)

    def predicted(self, variant: str) -> FloatArray | None:
        """A line with the theory's slope through the first measured point (N,)."""
        slope = self.predicted_slope(variant)
        if slope is None:
            return None
        depths = np.array(self.depths, np.float64)
        return self.relative[variant][0] * (depths / depths[0]) ** slope

    def table(self) -> Table:
        """One row per variant: the change at each depth, its slope, and the theory's."""
        columns = ("variant", *(f"N = {n}" for n in self.depths), "slope", "theory")
        rows = []
        for name, values in self.relative.items():
            theory = self.predicted_slope(name)
            said = "" if theory is None else f"{theory:.2f}"
            cells = (f"{value:.2g}" for value in values)
            rows.append([variant_name(name), *cells, self.said_slope(name), said])
        return Table(columns, rows)


def study_config(variant: str, layers: int) -> TransformerConfig:
    """The encoder that the updates are measured on: D = 32, 4 heads, d_ff = 128, Xavier."""
    return TransformerConfig(
        encoder_layers=layers,
        placement=DEEPNORM_VARIANTS[variant],
        d_model=32,
        d_ff=128,
        max_tokens=16,
    )
