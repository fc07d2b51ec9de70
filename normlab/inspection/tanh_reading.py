"""Is this DyT? y = γ ⊙ tanh(α x) + β, with a learned α (Zhu et al. 2025, arXiv:2503.10622)."""

import torch
from torch import Tensor

from normlab.inspection.norm_formula import Formula, constant, random_fill
from normlab.inspection.norm_probes import affine_form, regression
from normlab.inspection.norm_reading import NormReading, NotANorm
from normlab.inspection.recording import Value


def read_dyt(formula: Formula, bent: Value) -> NormReading | None:
    """The reading of a DyT; None if it is something else, a tanh without a learned α say.

    Args:
        formula: from the input to what may be its end.
        bent: the tanh in it.
    """
    inside = Formula(formula.source, bent.operation.args[0]) if bent.operation else formula
    alphas = [value for value in inside.parameters if value.tensor.numel() == 1]
    if not alphas or inside.end.shape != formula.source.shape:
        return None
    rng = torch.Generator().manual_seed(0)
    x = torch.randn((6, *formula.shape), generator=rng, dtype=torch.float64)
    scaled = torch.stack([inside(z, random_fill) for z in x])  # 6 of (*shape) -> (6, *shape)
    alpha = scaled / x
    if not (alpha - alpha.mean()).abs().amax() < 1e-9:
        return None
    n = torch.tanh(scaled)

    def outputs(number: float | None) -> Tensor:
        def fill(value: Value) -> Tensor:
            if number is None or value in alphas:
                return random_fill(value)
            return constant(number)(value)

        return torch.stack([formula(z, fill) for z in x])  # 6 of (*shape) -> (6, *shape)

    if not regression(n, outputs(None))[2] < 1e-6:
        return None
    try:
        affine, _, _ = affine_form([regression(n, outputs(k))[:2] for k in (0.0, 1.0, 2.0)])
    except NotANorm:
        return None
    return NormReading("DyT", 0.0, affine, 1, axes=(), shape=formula.shape)
