"""Where the norms stand: post-norm, pre-norm, DeepNorm and their relatives.

A placement wires the sub-layers f of one block, the norms and the residual stream x. What it
wires is said once, in `step` (for one sub-layer) or `forward` (for the whole block). The model
runs that code on tensors; `wiring`, beside this file, runs the same code on symbols and draws
what it did.

To add a placement, write one class here and name it in `PLACEMENTS`.
"""

import math
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from normlab.models.placement.base import Factor, Gains, Gate, Placement, Site, TensorMap
from normlab.models.placement.deepnorm_constants import deepnorm_constants


class NoNorm(Placement):
    """x + f(x): the residual stream alone. Its variance grows exponentially with depth."""

    def parts(self, site: Site) -> list[nn.Module]:
        return []

    def step(self, x: Tensor, f: TensorMap) -> Tensor:
        return x + f(x)


class PostNorm(Placement):
    """norm(x + f(x)). Vaswani et al. 2017, §3.1, arXiv:1706.03762."""

    def step(self, x: Tensor, f: TensorMap, norm: TensorMap) -> Tensor:
        return norm(x + f(x))


class PreNorm(Placement):
    """x + f(norm(x)), and a norm at the end. Xiong et al. 2020, Table 1, arXiv:2002.04745."""

    final_norm = True

    def step(self, x: Tensor, f: TensorMap, norm: TensorMap) -> Tensor:
        return x + f(norm(x))


class DeepNorm(Placement):
    """norm(αx + f(x)), with the weights of FFN, value and output projection scaled by β.

    Wang et al. 2022, §4.1 and Figure 2, arXiv:2203.00555.
    """

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        constants = deepnorm_constants(site.encoder_layers, site.decoder_layers)[site.stack]
        assert constants is not None  # a block's own stack has at least one layer
        alpha, beta = constants
        self.alpha: float = Factor(alpha, "α")
        self.gains = Gains(query_key=1.0, value_output=beta, feed_forward=beta)

    def step(self, x: Tensor, f: TensorMap, norm: TensorMap) -> Tensor:
        return norm(self.alpha * x + f(x))


class PeriNorm(Placement):
    """x + norm(f(norm(x))): before and after each sub-layer, and at the end.

    Kim et al. 2025 (Peri-LN), arXiv:2502.02732; the same wiring as Sandwich-LN in CogView,
    Ding et al. 2021, arXiv:2105.13290.
    """

    final_norm = True

    def parts(self, site: Site) -> list[nn.Module]:
        return [site.norm(), site.norm()]

    def step(self, x: Tensor, f: TensorMap, norm_in: TensorMap, norm_out: TensorMap) -> Tensor:
        return x + norm_out(f(norm_in(x)))


class ReorderedNorm(Placement):
    """x + norm(f(x)), and a norm at the end. OLMo et al. 2024 (OLMo 2), arXiv:2501.00656."""

    final_norm = True

    def step(self, x: Tensor, f: TensorMap, norm: TensorMap) -> Tensor:
        return x + norm(f(x))


class LayerNormScaling(Placement):
    """x + f(norm(x)/√l) in layer l. Sun et al. 2025, arXiv:2502.05795."""

    final_norm = True

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.scale = Factor(1 / math.sqrt(site.layer), "1/√l")

    def step(self, x: Tensor, f: TensorMap, norm: TensorMap) -> Tensor:
        return x + f(self.scale * norm(x))


class BottomToTop(Placement):
    """Post-norm, with the block's input added once more before the last norm (B2T).

    Takase et al. 2022, arXiv:2206.00330.
    """

    def forward(self, x: Tensor, sublayers: Sequence[TensorMap]) -> Tensor:
        bottom = x
        for f, (norm,) in zip(sublayers, self.site_parts, strict=True):
            x = x + f(x)
            if f is sublayers[-1]:
                x = x + bottom
            x = norm(x)
        return x


class MixNorm(Placement):
    """Post-norm in the first quarter of the layers, pre-norm above (Mix-LN).

    Li et al. 2024, arXiv:2412.13795.
    """

    final_norm = True
    post_norm_share: ClassVar[float] = 0.25

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.post_norm = site.layer <= self.post_norm_share * site.layers

    def step(self, x: Tensor, f: TensorMap, norm: TensorMap) -> Tensor:
        return norm(x + f(x)) if self.post_norm else x + f(norm(x))


class ReZero(Placement):
    """x + a·f(x), where the learned number a starts at 0. Bachlechner et al. 2020,
    arXiv:2003.04887.
    """

    def parts(self, site: Site) -> list[nn.Module]:
        return [Gate((), 0.0)]

    def step(self, x: Tensor, f: TensorMap, gate: TensorMap) -> Tensor:
        return x + gate(f(x))


class LayerScale(Placement):
    """x + λ ⊙ f(norm(x)), where the learned λ (D,) starts small. Touvron et al. 2021
    (CaiT), arXiv:2103.17239.
    """

    final_norm = True

    def parts(self, site: Site) -> list[nn.Module]:
        return [site.norm(), Gate((site.d_model,), 1e-4)]

    def step(self, x: Tensor, f: TensorMap, norm: TensorMap, gate: TensorMap) -> Tensor:
        return x + gate(f(norm(x)))


class ParallelBlock(Placement):
    """x + Attention(norm(x)) + FFN(norm(x)), with one norm for both (GPT-J, Wang and
    Komatsuzaki 2021)."""

    final_norm = True

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.site_parts = nn.ModuleList(self.parts(site))

    def forward(self, x: Tensor, sublayers: Sequence[TensorMap]) -> Tensor:
        normed = self.site_parts[0](x)
        for f in sublayers:
            x = x + f(normed)
        return x


PLACEMENTS: dict[str, type[Placement]] = {
    "none": NoNorm,
    "post-norm": PostNorm,
    "pre-norm": PreNorm,
    "deepnorm": DeepNorm,
    "peri-norm": PeriNorm,
    "reordered-norm": ReorderedNorm,
    "layernorm-scaling": LayerNormScaling,
    "b2t": BottomToTop,
    "mix-norm": MixNorm,
    "rezero": ReZero,
    "layerscale": LayerScale,
    "parallel": ParallelBlock,
}


def find_placement(name: str) -> type[Placement]:
    """The placement of that name.

    >>> find_placement("pre-norm").final_norm
    True

    Raises:
        ValueError: if there is none.
    """
    if name not in PLACEMENTS:
        raise ValueError(f"placement is {name!r}; expected one of {', '.join(PLACEMENTS)}.")
    return PLACEMENTS[name]
