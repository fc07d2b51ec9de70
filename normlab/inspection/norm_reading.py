"""What kind of norm is this? Read from what a module does, not from what it is called."""

import copy
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from normlab.tools.table import Table

Kind = Literal["LayerNorm", "RMSNorm"]
Affine = Literal["none", "weight", "weight, bias", "1 + weight", "1 + weight, bias"]

TINY, LARGE = 1e-7, 1e4
"""Scales of the probes: one where ε decides the output, one where it does not count."""


@dataclass(frozen=True)
class NormReading:
    """A norm over a last dimension of `size`, as its outputs show it.

    Attributes:
        kind: whether the mean is taken away.
        eps: ε inside the root, to three digits.
        affine: the gain, "weight" or "1 + weight", and whether there is a bias.
        size: D.
    """

    kind: Kind
    eps: float
    affine: Affine
    size: int

    def table(self) -> Table:
        """One row."""
        return Table(
            ("norm", "ε", "affine", "size"), [[self.kind, f"{self.eps:g}", self.affine, self.size]]
        )


def read_norm(module: nn.Module, size: int) -> NormReading:
    """Find out what a norm computes by running it on a few rows.

    Formula that is looked for: y = γ ⊙ (x − c)/√(v + ε) + β, with γ = w or 1 + w. c is the mean
    and v the variance (LayerNorm), or c = 0 and v the mean square (RMSNorm). The parameters are
    set in a copy; the module itself is not changed, and may be on the meta device.

    Args:
        module: maps (…, size) to (…, size); its gain may have a row for each head.
        size: D.

    Raises:
        ValueError: if it is not such a norm: a tanh, say, or ε outside the root.

    Example:
        >>> read_norm(nn.RMSNorm(8, eps=1e-6), 8)
        NormReading(kind='RMSNorm', eps=1e-06, affine='weight', size=8)
    """
    probe = copy.deepcopy(module)
    if any(value.is_meta for value in probe.parameters()):
        probe = probe.to_empty(device="cpu")
    probe = probe.float().eval()
    z = torch.randn(4, 1, size, generator=torch.Generator().manual_seed(0))
    z = z + torch.tensor([-3.0, -1.0, 1.0, 3.0]).reshape(4, 1, 1)  # every row has its own mean
    with torch.no_grad():
        affine = _read_affine(probe, z)
        kind = _read_kind(probe, z)
        eps = _read_eps(probe, z, kind)
    return NormReading(kind, float(f"{eps:.3g}"), affine, size)


def _read_affine(probe: nn.Module, z: Tensor) -> Affine:
    """Also leaves the probe with γ = 1 and β = 0."""
    gains = [p for name, p in probe.named_parameters() if not name.endswith("bias")]
    biases = [p for name, p in probe.named_parameters() if name.endswith("bias")]
    for parameter in (*gains, *biases):
        parameter.zero_()
    shifted = bool(probe(z).any())  # γ = 1 + 0, and not 0
    for gain in gains:
        gain.fill_(0.0 if shifted else 1.0)
    if not gains:
        return "none"
    if not biases:
        return "1 + weight" if shifted else "weight"
    return "1 + weight, bias" if shifted else "weight, bias"


def _read_kind(probe: nn.Module, z: Tensor) -> Kind:
    y = probe(LARGE * z)
    kinds: tuple[Kind, Kind] = ("LayerNorm", "RMSNorm")
    errors = {kind: (y - _normed(z, kind, 0.0)).abs().max().item() for kind in kinds}
    kind = min(kinds, key=errors.__getitem__)
    if not errors[kind] < 1e-4:
        raise ValueError(
            f"{type(probe).__name__} is neither LayerNorm nor RMSNorm over the last dimension: on "
            f"rows of scale {LARGE:g} it differs from the nearer one by {errors[kind]:.2g}."
        )
    return kind


def _read_eps(probe: nn.Module, z: Tensor, kind: Kind) -> float:
    """From y = √(v/(v + ε)) · x̂ where v is next to nothing; checked where both count."""
    one_row = TINY * z[:1]
    v = _centered(one_row, kind).square().mean().item()  # (1, 1, D) -> ()
    factor = (probe(one_row) / _normed(one_row, kind, 0.0)).median().item()
    eps = v / factor**2 - v
    x = z * max(eps, 1e-20) ** 0.5
    error = (probe(x) - _normed(x, kind, eps)).abs().max().item()
    if not error < 1e-3:
        raise ValueError(
            f"{type(probe).__name__} is a {kind} on large rows, but no ε inside the root explains "
            f"its outputs on small ones: they differ by {error:.2g}. Is ε outside the root?"
        )
    return eps


def _centered(x: Tensor, kind: Kind) -> Tensor:
    return x - x.mean(-1, keepdim=True) if kind == "LayerNorm" else x  # (4, 1, D) - (4, 1, 1)


def _normed(x: Tensor, kind: Kind, eps: float) -> Tensor:
    centered = _centered(x, kind)
    return centered * torch.rsqrt(centered.square().mean(-1, keepdim=True) + eps)  # ⊙ (4, 1, 1)
