"""Which norm does a formula compute? Found by running it on probes."""

import math

import torch
from torch import Tensor

from normlab.inspection.norm_formula import Fill, Formula, constant, random_fill
from normlab.inspection.norm_probes import LARGE, Probes, affine_form, centered, regression
from normlab.inspection.norm_reading import (
    Affine,
    EpsPlace,
    Kind,
    NormReading,
    NotANorm,
    of_length_one,
)

DECADES = range(-20, 5)
"""Powers of ten of the scales at which ε is looked for."""


def read_formula(formula: Formula) -> NormReading:
    """Run a formula on probes, and find the norm that explains all its outputs.

    What is looked for is y = γ ⊙ c (x − m)/√(v + ε) + β with m the mean and v the variance, or
    m = 0 and v the mean square, over any axes; v may be unbiased, ε may stand outside the root.

    Raises:
        NotANorm: if no such norm explains the outputs; it says what was tried.
    """
    probes = Probes(formula)
    kind, gain, bias = probes.fit(LARGE, random_fill)
    affine, scale, power = _read_affine(probes, kind)
    eps, place = _read_eps(probes, kind, gain, bias, random_fill)
    size = probes.rows.size
    unbiased = size > 1 and math.isclose(scale, math.sqrt((size - 1) / size), rel_tol=1e-6)
    if unbiased or of_length_one(scale, size):  # the sum of squares is divided by less than size
        eps = eps / scale**2 if place == "inside" else eps / scale
    return NormReading(
        kind,
        float(f"{eps:.3g}"),
        affine,
        size,
        place,
        unbiased,
        1.0 if unbiased else float(f"{scale:.6g}"),
        power,
        probes.rows.axes,
        formula.shape,
        probes.rows.groups,
    )


def _read_affine(probes: Probes, kind: Kind) -> tuple[Affine, float, int]:
    """The affine form, the constant factor, and the power of the gain."""
    n = torch.stack([probes.normed(kind, x) for x in probes.inputs])
    fits = []
    for number in (0.0, 1.0, 2.0):
        y = torch.stack([probes.formula(LARGE * x, constant(number)) for x in probes.inputs])
        fits.append(regression(n, y)[:2])
    return affine_form(fits)


def _read_eps(
    probes: Probes, kind: Kind, gain: Tensor, bias: Tensor, fill: Fill
) -> tuple[float, EpsPlace]:
    """From how small rows shrink: y − β = ρ γ ⊙ n, with ρ = √(v/(v + ε)) or σ/(σ + ε)."""
    x = probes.inputs[0]
    full = gain * probes.normed(kind, x)
    counted = full.abs() > 0.1 * full.abs().amax()
    sigma = centered(probes.rows.of(x), kind).square().mean(-1).sqrt()  # (N, size) -> (N,)
    spread = sigma[:, None].expand(-1, probes.rows.size)  # (N,) -> (N, size)
    sigmas = probes.rows.back(spread, probes.formula.shape)[counted]

    def shrinking(scale: float) -> Tensor:
        return ((probes.formula(scale * x, fill) - bias) / full)[counted]

    def middle(scale: float) -> float:
        return shrinking(scale).median().item()

    if middle(10.0 ** DECADES[0]) > 0.999:
        return 0.0, "inside"
    low, high = float(DECADES[0]), float(DECADES[-1])
    for _ in range(40):
        half = (low + high) / 2
        low, high = (half, high) if middle(10.0**half) < 0.5 else (low, half)
    scale = 10.0**low
    return _fit_eps(sigmas, scale, {s: shrinking(s * scale) for s in (0.3, 1.0, 3.0, 10.0)})


def _fit_eps(sigmas: Tensor, scale: float, seen: dict[float, Tensor]) -> tuple[float, EpsPlace]:
    """The ε and its place that explain how rows shrink at four scales."""
    rho, sigma = seen[1.0], sigmas * scale
    inside = (sigma.square() * (1 / rho.square() - 1)).median().item()
    outside = (sigma * (1 / rho - 1)).median().item()
    greatest = (sigma / rho)[rho < 0.999].median().item()
    places: dict[EpsPlace, float] = {"inside": inside, "outside": outside, "greatest of": greatest}

    def error_of(place: EpsPlace) -> float:
        shrunk = {s: _shrunk(place, places[place], s * sigma) for s in seen}
        return max((shrunk[s] - seen[s]).abs().amax().item() for s in seen)  # (N,) -> ()

    place = min(places, key=error_of)
    error, eps = error_of(place), places[place]
    if not error < 1e-4:
        raise NotANorm(
            f"it is a norm on large rows, but no ε explains its outputs on small ones: with "
            f"{eps:.3g} {place} the root they differ by {error:.2g}"
        )
    return eps, place


def _shrunk(place: EpsPlace, eps: float, sigma: Tensor) -> Tensor:
    if place == "inside":
        return sigma / (sigma.square() + eps).sqrt()
    if place == "outside":
        return sigma / (sigma + eps)
    return sigma / sigma.clamp_min(eps)
