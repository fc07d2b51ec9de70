"""DeepNorm by numbers: its constants, and how far one training step moves the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from normlab.models.placement.base import Placement, Site, TensorMap
from normlab.models.placement.deepnorm_constants import deepnorm_constants
from normlab.models.placement.deepnorm_variants import DEEPNORM_VARIANTS
from normlab.models.transformer import Transformer, TransformerConfig
from normlab.norms import FloatArray
from normlab.probes import ModelUpdate, Rule, loglog_slope, model_update
from normlab.probes.depth import summed
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


@dataclass(frozen=True)
class BoundedUpdate:
    """One step's change of the output, and the sum of Theorem 4.2 for the same step.

    Attributes:
        update: what was measured.
        bound: Σ √(v² + w²)/α · ‖Δθ‖ over the sub-layers; to compare with ‖ΔF‖/‖F‖. nan for
            placements that are not of the form norm(αx + f(x)).
    """

    update: ModelUpdate
    bound: float

    def table(self) -> Table:
        """One row."""
        columns = ("‖ΔF‖/‖F‖", "sum of Theorem 4.2")
        return Table(columns, [[self.update.change.relative, self.bound]])


def bounded_update(
    config: TransformerConfig, seed: int, rule: Rule = "sgd", learning_rate: float = 0.05
) -> BoundedUpdate:
    """`normlab.probes.model_update`, and Theorem 4.2's bound beside it, for one stack.

    The theorem has one feature, so v and w are numbers there. Here they are the largest singular
    values of W_v and W_o, or of W_1 and W_2, and Δθ is the change of both as one vector: then
    each term bounds what its own sub-layer changes. That later layers do not enlarge it is an
    assumption of the theorem; where it fails, the measured change may exceed the sum.

    Source: Wang et al. 2022, Theorem 4.2, arXiv:2203.00555.

    Example:
        >>> config = TransformerConfig(encoder_layers=4, placement="deepnorm", d_model=16)
        >>> step = bounded_update(config, seed=0)
        >>> step.update.change.relative < step.bound
        True
    """
    update = model_update(config, seed, rule, learning_rate)
    weights = dict(Transformer(config, seed).named_parameters())
    total = 0.0
    for name, change in update.weight_changes.items():
        pair = {"value": "output", "inner": "outer"}.get(name.split(".")[-2])
        if pair is not None:
            other = name.replace(name.split(".")[-2], pair)
            vw = [torch.linalg.matrix_norm(weights[n].detach(), 2).item() for n in (name, other)]
            total += float(np.hypot(*vw) * np.hypot(change, update.weight_changes[other]))
    return BoundedUpdate(update, total / shortcut_gain(config))


def shortcut_gain(config: TransformerConfig) -> float:
    """α of norm(αx + f(x)), read off the code that runs: how much more x counts than f(x).

    nan if there is no norm behind the sum.

    Example:
        >>> shortcut_gain(TransformerConfig(encoder_layers=8, placement="deepnorm"))
        2.0
    """
    site: Site = config.site("encoder" if config.encoder_layers else "decoder", 1)
    placement: Placement = config.placement_class()(site)
    x, f = torch.eye(2, site.d_model).double().unsqueeze(1)  # (2, D) -> (2, 1, D) -> (1, D) twice
    norms: list[TensorMap] = [torch.zeros_like for _ in placement.site_parts[0]]
    if placement.step(x, lambda z: f, *norms).any():
        return float("nan")
    total = summed(placement.step, x, lambda z: f, tuple(norms))
    return float(total[0, 0] / total[0, 1])


@dataclass(frozen=True)
class UpdateSweep:
    """The change of the output after one step, by depth and variant.

    Attributes:
        rule, learning_rate: of the step.
        depths: (N,) layers of an encoder.
        relative: ‖ΔF‖/‖F‖ by variant (N,); the geometric mean over seeds.
        bounds: the sum of Theorem 4.2 by variant (N,), the same mean.
        seeds: how many.
    """

    rule: Rule
    learning_rate: float
    depths: Sequence[int]
    relative: Mapping[str, FloatArray]
    bounds: Mapping[str, FloatArray]
    seeds: int

    def slope(self, variant: str) -> float:
        """The log–log slope of the measured change over all depths."""
        return loglog_slope(self.depths, self.relative[variant])

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
            rows.append(
                [
                    variant_name(name),
                    *(f"{v:.2g}" for v in values),
                    f"{round(self.slope(name), 2) + 0.0:.2f}",
                    said,
                ]
            )
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
