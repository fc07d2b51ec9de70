"""Placements that models have and chapter 05 leaves out, as definitions that run.

Like `normlab.models.placement.standard`, which has the others; `ZOO_PLACEMENTS` names them all.
"""

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from normlab.models.placement.base import Gate, Placement, Site, TensorMap
from normlab.models.placement.since_2025 import (
    DepthScaledPeriNorm,
    GatedPeriNorm,
    NormedSphere,
    PreNormNormedFfn,
    ReorderedEveryFourth,
)
from normlab.models.placement.standard import PLACEMENTS, ParallelBlock


class ParallelTwoNorms(ParallelBlock):
    """x + Attention(norm₁(x)) + FFN(norm₂(x)): parallel, with a norm for each sub-layer.

    GPT-NeoX-20B, Black et al. 2022, §2.1, arXiv:2204.06745; Falcon 40B.
    """

    def parts(self, site: Site) -> list[nn.Module]:
        return [site.norm() for _ in range(site.sublayers)]

    def forward(self, x: Tensor, sublayers: Sequence[TensorMap]) -> Tensor:
        branches = [f(norm(x)) for f, norm in zip(sublayers, self.site_parts, strict=True)]
        for branch in branches:
            x = x + branch
        return x


class ShiftedPostNorm(Placement):
    """n = norm(x), then αn + f(n), and a norm at the end.

    The norm stands in front of the sub-layer, but its output is also the shortcut. From the
    first norm to the final one that is post-norm, norm(αn + f(n)), with the layers cut in front
    of the norm instead of behind it. With α = (2N)^½: GLM-130B, Zeng et al. 2022, §2.1,
    arXiv:2210.02414; with α = (2N)^¼: MiniMax-Text-01, arXiv:2501.08313.
    """

    final_norm = True
    power: ClassVar[float] = 0.0

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.alpha = (2 * site.layers) ** self.power

    def step(self, x: Tensor, f: TensorMap, norm: TensorMap) -> Tensor:
        x = norm(x)
        return self.alpha * x + f(x)


class ShiftedGlm(ShiftedPostNorm):
    """α = (2N)^½."""

    power = 0.5


class ShiftedDeepNorm(ShiftedPostNorm):
    """α = (2N)^¼."""

    power = 0.25


class HyperSphere(Placement):
    """h ← unit(h + a ⊙ (unit(f(h)) − h)), where unit(x) = x/‖x‖: the stream stays on a sphere.

    The learned step a (D,) starts at 0.05. nGPT also keeps each row of each weight matrix at
    length 1 and normalizes queries and keys; that is not part of the wiring. Loshchilov et al.
    2024, Eq. 10 and 11, arXiv:2410.01131; the authors' code: NVIDIA/ngpt, `model.py`.
    """

    def parts(self, site: Site) -> list[nn.Module]:
        return [Gate((site.d_model,), 0.05)]

    def step(self, x: Tensor, f: TensorMap, gate: TensorMap) -> Tensor:
        x = unit(x)
        return unit(x + gate(unit(f(x)) - x))


def unit(x: Tensor) -> Tensor:
    """x/‖x‖ over the last dimension: (..., D) -> (..., D).

    >>> import torch
    >>> unit(torch.tensor([3.0, 4.0]))
    tensor([0.6000, 0.8000])
    """
    return x / x.norm(dim=-1, keepdim=True)  # (..., D) / (..., 1)


ZOO_PLACEMENTS: dict[str, type[Placement]] = PLACEMENTS | {
    "parallel, two norms": ParallelTwoNorms,
    "shifted post-norm": ShiftedPostNorm,
    "shifted deepnorm": ShiftedDeepNorm,
    "shifted GLM": ShiftedGlm,
    "normed sphere": NormedSphere,
    "depth-scaled peri-norm": DepthScaledPeriNorm,
    "gated peri-norm": GatedPeriNorm,
    "pre-norm, normed FFN": PreNormNormedFfn,
    "reordered every 4th": ReorderedEveryFourth,
}
"""The placements of chapter 05, and those of this module and `since_2025` that models have."""
