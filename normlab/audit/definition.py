"""A norm as a formula in float64, which everything else is measured against."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from normlab.inspection.norm_reading import EpsPlace, Kind, NormReading

Claim = Literal["layer_norm", "rms_norm"]
KINDS: Mapping[Claim, Kind] = {"layer_norm": "LayerNorm", "rms_norm": "RMSNorm"}
USUAL_EPS: Mapping[Kind, float] = {"LayerNorm": 1e-5, "RMSNorm": 1e-6}


@dataclass(frozen=True)
class Definition:
    """y = γᵖ ⊙ c (x − m)/√(v + ε) + β, and what implementations make of it.

    Attributes:
        kind: "LayerNorm" takes the mean m away; in "RMSNorm" it is 0.
        eps: ε; None is the machine epsilon of the dtype of the statistics, torch's RMSNorm default.
        eps_place: √(v + ε) is "inside", σ + ε "outside", max(σ, ε) the "greatest of" the two.
        unbiased: whether the sum of squares is divided by D − 1.
        scale: c; 1 in the two norms.
        gain_power: p; 1 in the two norms, 0 if a gain that is there is not applied.
        shifted: whether a β that is there is added.
    """

    kind: Kind
    eps: float | None
    eps_place: EpsPlace = "inside"
    unbiased: bool = False
    scale: float = 1.0
    gain_power: int = 1
    shifted: bool = True

    def eps_for(self, dtype: torch.dtype) -> float:
        """ε for inputs of a dtype."""
        statistics = torch.promote_types(dtype, torch.float32)
        return torch.finfo(statistics).eps if self.eps is None else self.eps

    def exact(self, x: Tensor, gain: Tensor, bias: Tensor, eps: float) -> Tensor:
        """The outputs (..., D) for x (..., D), γ (D,) and β (D,), all float64."""
        if self.kind == "LayerNorm":
            x = x - x.mean(-1, keepdim=True)  # (..., D) - (..., 1)
        size = x.shape[-1]
        divisor = size - 1 if self.unbiased and size > 1 else size
        variance = x.square().sum(-1, keepdim=True) / divisor  # (..., D) -> (..., 1)
        normalized = self.scale * x / self._deviation(variance, eps)
        return normalized * gain**self.gain_power + (bias if self.shifted else 0)

    def _deviation(self, variance: Tensor, eps: float) -> Tensor:
        if self.eps_place == "inside":
            return (variance + eps).sqrt()
        sigma = variance.sqrt()
        return sigma + eps if self.eps_place == "outside" else sigma.clamp_min(eps)

    def said(self) -> str:
        """In a few words.

        >>> Definition("RMSNorm", 1e-6, eps_place="outside").said()
        'RMSNorm, ε = 1e-06 outside the root'
        """
        eps = "the machine epsilon" if self.eps is None else f"{self.eps:g}"
        place = {"inside": "", "outside": " outside the root", "greatest of": " as a lower bound"}
        parts = [self.kind, f"ε = {eps}{place[self.eps_place]}" if self.eps != 0 else "without ε"]
        if self.unbiased:
            parts.append("the sum of squares divided by D − 1")
        if self.scale != 1:
            parts.append(f"outputs multiplied by {self.scale:.4g}")
        if self.gain_power != 1:
            parts.append("γ not applied" if not self.gain_power else "γ applied twice")
        return ", ".join(parts if self.shifted else [*parts, "β not added"])


def as_read(reading: NormReading, eps: float | None, has_gain: bool, has_bias: bool) -> Definition:
    """The formula that was read from a norm.

    Args:
        reading: of the norm.
        eps: ε with all its digits.
        has_gain, has_bias: whether the norm has such a parameter.
    """
    kind = reading.kind
    if kind != "LayerNorm" and kind != "RMSNorm":
        raise ValueError(f"a {kind} was read; expected a LayerNorm or an RMSNorm.")
    power = reading.gain_power if reading.gain != "none" else 0
    return Definition(
        kind,
        eps,
        reading.eps_place,
        reading.unbiased,
        reading.scale,
        power if has_gain else 1,
        reading.bias or not has_bias,
    )
