"""What the kernels compute, written out in tensor operations that can be differentiated.

Rows are (N, D) and statistics (N, 1). Second derivatives and forward-mode derivatives take this
form, and so does every device that has no kernels.
"""

import torch
from torch import Tensor

LARGEST = {torch.float32: 2.0**40, torch.float64: 2.0**400}
"""Squares of numbers up to this one, and down to its inverse, are far from overflow and underflow
in sums of any length."""


def dtype_of_statistics(x: Tensor) -> torch.dtype:
    """float32, or float64 for float64."""
    return torch.promote_types(x.dtype, torch.float32)


def widened(x: Tensor) -> Tensor:
    """float16 and bfloat16 as float32; float32 and float64 as they are."""
    return x.to(dtype_of_statistics(x))


def greatest(rows: Tensor) -> Tensor:
    """The greatest absolute value of each row: (N, D) -> (N, 1)."""
    return rows.detach().abs().amax(-1, keepdim=True)


def scale_for(sizes: Tensor, eps: float) -> Tensor:
    """By what to divide rows of these greatest values (N, 1) so that their squares neither overflow
    nor vanish: 1 but for sizes above `LARGEST`, or, where ε does not hide them, below its inverse.
    """
    largest = LARGEST[sizes.dtype]
    needed = (sizes > largest) & sizes.isfinite()
    if eps < largest**-2:
        needed = needed | ((sizes < 1 / largest) & (sizes > 0))
    least = max(eps**0.5, torch.finfo(sizes.dtype).tiny)  # else 1/scale, or ε/scale², overflows
    return torch.where(needed, sizes.clamp(min=least), 1.0)


def affine(normalized: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """γ ⊙ x̂ + β, in one pass where both are there."""
    if weight is not None and bias is not None:
        return torch.addcmul(bias, normalized, weight)
    scaled = normalized if weight is None else normalized * weight
    return scaled if bias is None else scaled + bias


def standardize(rows: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """x̂ (N, D) and 1/σ_ε (N, 1). Two passes: first μ, then the variance.

    Rounding μ leaves a small mean behind, up to 0.03 at an offset of 1e6 in float32; centering
    once more removes it. Both passes are scaled where their numbers are very great or small.
    """
    rows = widened(rows)
    first = scale_for(greatest(rows), 0.0)
    rows = rows / first
    nearly = rows - rows.mean(-1, keepdim=True)  # (N, D) - (N, 1)
    centered = nearly - nearly.mean(-1, keepdim=True)  # (N, D) - (N, 1)
    sizes = (greatest(centered) * first).clamp(max=torch.finfo(rows.dtype).max)
    scale = scale_for(sizes, eps)
    centered = centered * (first / scale)
    variance = centered.square().mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    inverse_std = torch.rsqrt(variance + eps / scale / scale)
    return centered * inverse_std, inverse_std / scale


def rescale(rows: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """x̂ = x/r_ε (N, D) and 1/r_ε (N, 1); scaled where its numbers are very great or small."""
    rows = widened(rows)
    scale = scale_for(greatest(rows), eps)
    rows = rows / scale
    mean_square = rows.square().mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    inverse_rms = torch.rsqrt(mean_square + eps / scale / scale)
    return rows * inverse_rms, inverse_rms / scale


def layer_norm_tangent(u: Tensor, normalized: Tensor, inverse_std: Tensor) -> Tensor:
    """(1/σ_ε) [u − mean(u) − x̂ · mean(u ⊙ x̂)] (N, D)."""
    mean_u = u.mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    mean_ux = (u * normalized).mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    return inverse_std * torch.addcmul(u - mean_u, normalized, mean_ux, value=-1)


def rms_norm_tangent(u: Tensor, normalized: Tensor, inverse_rms: Tensor) -> Tensor:
    """(1/r_ε) [u − x̂ · mean(u ⊙ x̂)] (N, D)."""
    mean_ux = (u * normalized).mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    return inverse_rms * torch.addcmul(u, normalized, mean_ux, value=-1)
