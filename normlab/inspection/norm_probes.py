"""Inputs that tell norms apart, and what a formula makes of them."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from normlab.inspection.norm_formula import Fill, Formula, random_fill
from normlab.inspection.norm_reading import Affine, Kind, NotANorm

AFFINE: Mapping[tuple[str, bool], Affine] = {
    ("none", False): "none",
    ("weight", False): "weight",
    ("weight", True): "weight, bias",
    ("1 + weight", False): "1 + weight",
    ("1 + weight", True): "1 + weight, bias",
}
"""By gain, and whether there is a bias."""
LARGE = 1e4
"""A scale of probes at which ε does not count."""


class Rows:
    """The numbers of a tensor as rows (N, size), each of which is normalized by itself.

    Which they are is seen from what else changes when one number of the input does.

    Attributes:
        axes: that a row goes along.
        groups: into how many parts the first of them is cut.
        size: how many numbers a row has.
    """

    def __init__(self, formula: Formula, probe: Tensor, fill: Fill) -> None:
        if not probe.numel():
            raise NotANorm("it ran on no numbers")
        middle = tuple(n // 2 for n in formula.shape)
        moved = probe.clone()
        moved[middle] += 1.0 + probe[middle].abs()
        before, after = formula(probe, fill), formula(moved, fill)
        if not (before.isfinite().all() and after.isfinite().all()):
            raise NotANorm("it gives inf or NaN for ordinary numbers")
        # one number changes what shares statistics with it
        changed = (after - before).abs() > 1e-9 * before.abs().amax()
        if changed.sum() < 2:
            raise NotANorm("no number of its output depends on another number of its input")
        spans = [sorted(set(places.tolist())) for places in changed.nonzero().T]
        self._split = tuple(len(span) for span in spans)
        self.axes = tuple(axis for axis, span in enumerate(spans) if len(span) > 1)
        self.size = math.prod(self._split)
        pairs = zip(formula.shape, self._split, strict=True)
        cut = [n // k for n, k in pairs if k > 1]
        self.groups = math.prod(cut)
        uneven = [(n, k) for n, k in zip(formula.shape, self._split, strict=True) if n % k]
        if uneven or int(changed.sum()) != self.size:
            raise NotANorm("what shares statistics is no block of its input")

    def of(self, x: Tensor) -> Tensor:
        """(*shape) -> (N, size)."""
        apart = x.reshape(
            [m for n, k in zip(x.shape, self._split, strict=True) for m in (n // k, k)]
        )
        outer, inner = range(0, apart.ndim, 2), range(1, apart.ndim, 2)
        return apart.permute(*outer, *inner).reshape(-1, self.size)  # (n0, …, k0, …) -> (N, size)

    def back(self, rows: Tensor, shape: tuple[int, ...]) -> Tensor:
        """(N, size) -> (*shape)."""
        outer = [n // k for n, k in zip(shape, self._split, strict=True)]
        apart = rows.reshape(*outer, *self._split)
        order = [place for axis in range(len(shape)) for place in (axis, len(shape) + axis)]
        return apart.permute(*order).reshape(shape)  # (n0, k0, n1, k1, …) -> (*shape)


class Probes:
    """A few inputs whose rows have means of their own, and what the formula makes of them."""

    def __init__(self, formula: Formula, count: int = 6) -> None:
        self.formula = formula
        rng = torch.Generator().manual_seed(0)
        shape = (count, *formula.shape)
        drawn = torch.randn(shape, generator=rng, dtype=torch.float64)
        self.rows = Rows(formula, drawn[0], random_fill)
        means = torch.linspace(-3, 3, count, dtype=torch.float64)
        self.inputs = [z + mean for z, mean in zip(drawn, means, strict=True)]

    def normed(self, kind: Kind, x: Tensor) -> Tensor:
        """The norm without ε and gain."""
        rows = centered(self.rows.of(x), kind)
        normed = rows * torch.rsqrt(rows.square().mean(-1, keepdim=True))  # (N, 1)
        return self.rows.back(normed, self.formula.shape)

    def fit(self, scale: float, fill: Fill) -> tuple[Kind, Tensor, Tensor]:
        """Which norm it is on large rows, and its γ and β for each number of the output."""
        y = torch.stack([self.formula(scale * x, fill) for x in self.inputs])  # (count, *shape)
        kinds: tuple[Kind, Kind] = ("LayerNorm", "RMSNorm")
        found = {
            kind: regression(torch.stack([self.normed(kind, x) for x in self.inputs]), y)
            for kind in kinds
        }
        kind = min(kinds, key=lambda name: found[name][2])
        gain, bias, error = found[kind]
        if not error < 1e-6:
            raise NotANorm(
                f"on rows of scale {scale:g} its outputs are those of neither LayerNorm nor "
                f"RMSNorm; they differ from {kind}'s by {error:.2g} of the greatest output"
            )
        return kind, gain, bias


def centered(rows: Tensor, kind: Kind) -> Tensor:
    """Rows (N, size), without their means if the norm takes them away."""
    return rows - rows.mean(-1, keepdim=True) if kind == "LayerNorm" else rows  # (N, 1)


def regression(n: Tensor, y: Tensor) -> tuple[Tensor, Tensor, float]:
    """γ and β of y = γ ⊙ n + β for each number of the output, and the greatest error, relative.

    Args:
        n, y: (count, *shape), the same outputs before and after gain and bias.
    """
    n_apart, y_apart = n - n.mean(0), y - y.mean(0)  # (count, *shape) - (*shape)
    gain = (n_apart * y_apart).sum(0) / n_apart.square().sum(0)  # (count, *shape) -> (*shape)
    bias = y.mean(0) - gain * n.mean(0)
    error = (gain * n + bias - y).abs().amax() / y.abs().amax().clamp_min(1e-300)
    return gain, bias, error.item()


def affine_form(fits: list[tuple[Tensor, Tensor]]) -> tuple[Affine, float, int]:
    """The affine form, a constant factor and the power of the gain.

    Args:
        fits: γ and β where every parameter is 0, 1 and 2.

    Raises:
        NotANorm: if no such form explains them.
    """
    for gain, _ in fits:
        if (gain - gain.mean()).abs().amax() > 1e-6 * max(1.0, gain.abs().amax().item()):
            raise NotANorm("it multiplies by numbers that are no parameter")
    none, one, two = (gain.mean().item() for gain, _ in fits)
    has_bias = fits[1][1].abs().amax().item() > 1e-6
    if abs(one - none) < 1e-9 and abs(two - none) < 1e-9:
        form, scale, power = "none", one, 1.0
    elif abs(none) < 1e-6 * abs(one):
        form, scale, power = "weight", one, math.log2(abs(two / one))
    else:
        form, scale, power = "1 + weight", none, math.log2(abs(one / none))
    if abs(power - round(power)) > 1e-6 or round(power) < 1:
        raise NotANorm(f"its gain for parameters 0, 1 and 2 is {none:.3g}, {one:.3g}, {two:.3g}")
    if (form, has_bias) not in AFFINE:
        raise NotANorm("it adds a parameter, and multiplies by none")
    return AFFINE[form, has_bias], scale, round(power)


def keeps_its_size(formula: Formula) -> bool:
    """Whether outputs stay as they are, or shrink as fast, where the input grows."""
    rng = torch.Generator().manual_seed(0)
    x = LARGE * torch.randn(formula.shape, generator=rng, dtype=torch.float64)
    once, grown = formula(x, random_fill), formula(10 * x, random_fill)
    scale = once.abs().amax()
    if not (scale > 0 and once.isfinite().all() and grown.isfinite().all()):
        return False
    return any(bool((grown * by - once).abs().amax() < 1e-6 * scale) for by in (1, 10))
