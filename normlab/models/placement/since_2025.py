"""Placements of models since 2025 with one residual stream, as definitions that run.

Like `normlab.models.placement.in_the_wild`, which has the others and names them all.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from normlab.models.placement.base import Factor, Gate, Placement, Site, TensorMap, lettered
from normlab.models.placement.standard import PeriNorm


class NormedSphere(Placement):
    """n = norm(x), then (1 − λ) ⊙ n + λ ⊙ norm(f(n)), and a norm at the end.

    The hypersphere of nGPT with a norm in place of x/‖x‖, so √D times as far out, and cut in
    front of the norm instead of behind it. λ (D,) is learned and starts at 0.05. Loshchilov et al.
    2024, arXiv:2410.01131; Dory: `transformers/models/dory/modeling_dory.py`, `DoryDecoderLayer`,
    v5.24.0.

    >>> from normlab.models.placement.formula import block_formula
    >>> print(block_formula(NormedSphere))
    x′ = norm(x)
    x ← (1−λ) ⊙ x′ + λ ⊙ norm(f(x′))
    """

    final_norm = True

    def parts(self, site: Site) -> list[nn.Module]:
        return [site.norm(), site.norm(), Gate((site.d_model,), 0.05)]

    def step(
        self, x: Tensor, f: TensorMap, norm_in: TensorMap, norm_out: TensorMap, gate: Gate
    ) -> Tensor:
        n = norm_in(x)
        kept, new = lettered(1 - gate.weight, "(1−λ)"), lettered(gate.weight, "λ")
        return kept * n + new * norm_out(f(n))


class DepthScaledPeriNorm(PeriNorm):
    """√(1−1/k)·x + norm(f(norm(x)))/√k at the k-th sum, and a norm at the end.

    The embedding counts as the first summand, so k = 2l in layer l at attention and 2l + 1 at the
    FFN. Where the summands are unlike, the mean square of the stream stays what it is. Beam 1.0:
    `transformers/models/beam/modeling_beam.py`, `depth_scaled_residual_add`, v5.24.0.

    >>> from normlab.models.placement.formula import block_formula
    >>> print(block_formula(DepthScaledPeriNorm))
    x′ = √(1−1/k) x + norm(Attention(norm(x)))/√k
    x ← √(1−1/k) x′ + norm(FFN(norm(x′)))/√k
    """

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.first = site.sublayers * (site.layer - 1) + 2

    def forward(self, x: Tensor, sublayers: Sequence[TensorMap]) -> Tensor:
        pairs = zip(sublayers, self.site_parts, strict=True)
        for k, (f, (norm_in, norm_out)) in enumerate(pairs, self.first):
            kept = Factor((1 - 1 / k) ** 0.5, "√(1−1/k)")
            x = kept * x + Factor(k**-0.5, "1/√k") * norm_out(f(norm_in(x)))
        return x


class GatedPeriNorm(Placement):
    """√(1 − β²) ⊙ x + β ⊙ norm(f(norm(x))), and a norm at the end.

    β (D,) is learned; it starts at ½. Where the summands are unlike and have the same mean
    square, the stream keeps it. Muse Spark: `MuseSparkResidualGate` in
    `transformers/models/muse_spark/modeling_muse_spark.py`, v5.24.0, where β = σ(w) stands beside
    √(σ(−w)(1 + σ(w))), which is √(1 − β²).

    >>> from normlab.models.placement.formula import block_formula
    >>> block_formula(GatedPeriNorm)
    'x ← √(1−β²) ⊙ x + β ⊙ norm(f(norm(x)))'
    """

    final_norm = True

    def parts(self, site: Site) -> list[nn.Module]:
        return [site.norm(), site.norm(), Gate((site.d_model,), 0.5)]

    def step(
        self, x: Tensor, f: TensorMap, norm_in: TensorMap, norm_out: TensorMap, gate: Gate
    ) -> Tensor:
        beta = gate.weight
        kept = lettered((1 - beta**2).sqrt(), "√(1−β²)")
        return kept * x + lettered(beta, "β") * norm_out(f(norm_in(x)))


class PreNormNormedFfn(Placement):
    """x + Attention(norm(x)), then x + norm(FFN(norm(x))), and a norm at the end.

    A.X-K1 in its layers with experts: `transformers/models/axk1/modeling_axk1.py`, `AXK1MoE`,
    v5.24.0.

    >>> from normlab.models.placement.formula import block_formula
    >>> print(block_formula(PreNormNormedFfn))
    x′ = x + Attention(norm(x))
    x ← x′ + norm(FFN(norm(x′)))
    """

    final_norm = True

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.site_parts[-1].append(site.norm())

    def forward(self, x: Tensor, sublayers: Sequence[TensorMap]) -> Tensor:
        for f, (norm, *behind) in zip(sublayers, self.site_parts, strict=True):
            branch = f(norm(x))
            for norm_out in behind:
                branch = norm_out(branch)
            x = x + branch
        return x


class ReorderedEveryFourth(Placement):
    """x + norm(f(x)) in every fourth layer, x + f(norm(x)) in the others, and a norm at the end.

    OLMo Hybrid, whose every fourth layer has full attention and whose others have linear
    attention: `transformers/models/olmo_hybrid/modeling_olmo_hybrid.py`, v5.24.0.

    >>> from normlab.models.placement.formula import block_formula
    >>> print(block_formula(ReorderedEveryFourth, layers=4))
    x ← x + f(norm(x)), l ≤ 3
    x ← x + norm(f(x)), l > 3
    """

    final_norm = True

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.reordered = site.layer % 4 == 0

    def step(self, x: Tensor, f: TensorMap, norm: TensorMap) -> Tensor:
        return x + norm(f(x)) if self.reordered else x + f(norm(x))
