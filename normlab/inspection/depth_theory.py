"""What theory says of the depths of a model: that of the nearest placement which has one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from normlab.inspection.depth_places import BranchSum, DepthPlaces
from normlab.inspection.depth_watch import Look
from normlab.inspection.model_depth import DepthMoment, DepthTheory
from normlab.inspection.placements import PlacementName
from normlab.inspection.recording import Value
from normlab.norms import FloatArray
from normlab.probes.theory import theory_of_branches

FORMULAS: dict[PlacementName, str] = {
    "none": "none",
    "pre-norm": "pre-norm",
    "parallel": "pre-norm",
    "peri-norm": "pre-norm",
    "sandwich": "pre-norm",
    "reordered-norm": "pre-norm",
    "post-norm": "post-norm",
    "DeepNorm": "deepnorm",
}
"""Whose formula serves a placement. A norm at the end of a branch sets what the branch adds, and
that is measured here, so peri-norm and its kin have pre-norm's formula."""

ASSUMED = {
    "none": "each branch adds κ times the stream's mean square, unrelated to the stream",
    "pre-norm": "each branch adds κ to the stream's mean square, unrelated to the stream",
    "post-norm": "each norm brings the stream back to a mean square of 1",
}


class _Branch(NamedTuple):
    """κ and α of one step, and whether it is attention alone."""

    kappa: float
    shortcut: float
    mixes_tokens: bool


def placement_in(places: DepthPlaces) -> PlacementName:
    """The placement that all layers have; "other" if they differ."""
    found = {layer.placement for layer in places.layers}
    return found.pop() if len(found) == 1 else "other"


def theory_of_depth(look: Look, start: DepthMoment) -> tuple[DepthTheory | None, str]:
    """Theory for an untrained model, and a sentence on how near it is.

    κ and α of a sub-layer are the means over all layers, measured at the start; the gradient is
    set to the measured one at the stack's output.

    Args:
        look: at the start.
        start: what was measured there.

    Returns:
        None, and why, where the wiring has no theory here.
    """
    placement = placement_in(look.places)
    if placement not in FORMULAS:
        wirings = dict.fromkeys(str(layer.placement) for layer in look.places.layers)
        return None, f"There is no theory here for this wiring ({', '.join(wirings)})."
    if not all(look.places.sums):
        return None, "There is no theory here for a stream that is changed between its layers."
    formula = FORMULAS[placement]
    branches = _alike_in_all_layers(look, formula)
    tokens = max(s.tokens for step in look.places.sums for s in step)
    both = theory_of_branches(
        formula,
        np.array([branch.kappa for branch in branches]),
        np.array([branch.mixes_tokens for branch in branches]),
        max(tokens, 1),
        float(start.mean_square[0]),
        float(np.mean([branch.shortcut for branch in branches])),  # (S,) -> ()
    )
    end = np.log10(start.gradient[-1]) if start.gradient[-1] > 0 else -np.inf
    logs = (both.unlike.log10_gradient + end, both.alike.log10_gradient + end)
    theory = DepthTheory(placement, both.unlike.mean_square, *(10.0**log for log in logs))
    return theory, _remark(theory, start, formula)


def _alike_in_all_layers(look: Look, formula: str) -> list[_Branch]:
    """The branch of each step (S,), the mean over the steps that stand so in their layers."""
    kinds = [round(depth % 1, 6) for depth in look.places.depths[1:]]
    measured: dict[float, list[_Branch]] = {}
    for kind, place, step in zip(kinds, look.places.places, look.places.sums, strict=False):
        measured.setdefault(kind, []).append(_branch(look, formula, place, step))
    means = {
        kind: _Branch(
            float(np.mean([branch.kappa for branch in found])),
            float(np.mean([branch.shortcut for branch in found])),
            all(branch.mixes_tokens for branch in found),
        )
        for kind, found in measured.items()
    }
    return [means[kind] for kind in kinds]


def _branch(look: Look, formula: str, place: Value, step: Sequence[BranchSum]) -> _Branch:
    before = _mean_square(look, place)
    added = sum(_mean_square(look, part.branch) for part in step)
    kappa = added if formula == "pre-norm" else added / before
    shortcut = (_mean_square(look, step[0].shortcut) / before) ** 0.5
    return _Branch(kappa, shortcut, all(part.tokens for part in step))


def _mean_square(look: Look, value: Value) -> float:
    return float(look.values[value].double().square().mean())  # (…, D) -> ()


def _remark(theory: DepthTheory, start: DepthMoment, formula: str) -> str:
    assumed = ASSUMED["post-norm" if formula == "deepnorm" else formula]
    stream = _farthest(start.mean_square, theory.mean_square, theory.mean_square)
    gradient = _farthest(start.gradient, theory.gradient, theory.gradient_alike)
    return (
        f"Theory of {theory.placement}, for random weights: {assumed}, and gradients pass back "
        "through a branch as signals pass forward. It knows this model's first stream, the mean "
        "of what its sub-layers add at the start, and the gradient at the output. At the start "
        f"the measured mean square is within a factor {_said(stream)} of it, the gradient "
        f"within {_said(gradient)}; of trained weights it says nothing."
    )


def _said(factor: float) -> str:
    return f"{factor:.1f}" if factor < 10 else f"{factor:.2g}"


def _farthest(measured: FloatArray, one: FloatArray, other: FloatArray) -> float:
    """The greatest factor by which the measured numbers lie outside two ends."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.minimum(one, other), np.maximum(one, other)
        outside = np.maximum(measured / high, low / measured)
    return float(max(1.0, np.nanmax(outside)))  # (P,) -> ()
