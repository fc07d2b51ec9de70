"""The fused norms as functions, for tensors that have kernels."""

import torch
from torch import Tensor

from normlab.fused_norms.norm import Norm
from normlab.fused_norms.operators import LAYER_NORM, RMS_NORM
from normlab.fused_norms.paths import applies, has_kernels
from normlab.fused_norms.tiles import LONGEST


def layer_norm(
    x: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    offset: float = 0.0,
) -> Tensor:
    """LayerNorm over the last dimension, in one kernel forward and two backward.

    Formula: y = (offset + weight) ⊙ (x − μ)/√(Var + ε) + bias

    Args:
        x: (*, D), float16, bfloat16, float32 or float64; D up to 65,536.
        weight, bias: (D,) or None, which means a gain of 1 and no shift.
        eps: ≥ 0, inside the root.
        offset: what the gain is counted from: 1 where a model stores γ − 1 (Gemma), else 0.

    Returns:
        A tensor like x; float32 under autocast. Statistics are float32, or float64 for float64. A
        row has the same bits alone and among others that lie as far apart, and gradients have the
        same in each run.

    Raises:
        RuntimeError: where there are no kernels.
        ValueError: for shapes, dtypes or an ε that do not fit.

    Source: Ba, Kiros & Hinton 2016, Eq. 3 and 4 (arXiv:1607.06450).

    >>> layer_norm(torch.ones(2, 4))  # on a CPU
    Traceback (most recent call last):
    RuntimeError: x is torch.float32 on cpu, which has no kernels; expected a CUDA tensor, ...
    """
    return _normalized(LAYER_NORM, x, weight, bias, eps, offset)


def rms_norm(
    x: Tensor, weight: Tensor | None = None, eps: float = 1e-6, offset: float = 0.0
) -> Tensor:
    """RMSNorm over the last dimension, in one kernel forward and two backward.

    Formula: y = (offset + weight) ⊙ x/√(mean(x²) + ε)

    Args, Returns and Raises: as `layer_norm`.

    Source: Zhang & Sennrich 2019, Eq. 4 (arXiv:1910.07467); for the offset Gemma Team 2024
    (arXiv:2403.08295).

    >>> rms_norm(torch.ones(2, 4))  # on a CPU
    Traceback (most recent call last):
    RuntimeError: x is torch.float32 on cpu, which has no kernels; expected a CUDA tensor, ...
    """
    return _normalized(RMS_NORM, x, weight, None, eps, offset)


def add_layer_norm(
    x: Tensor,
    residual: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    offset: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """The stream x + residual and its LayerNorm, without reading the stream in between.

    Formula: s = x + residual; y = `layer_norm(s)`

    Args:
        residual: of the shape and dtype of x. The others as in `layer_norm`.

    Returns:
        s and y. The norm is that of s as it is rounded to the dtype.

    Raises:
        as `layer_norm`.

    >>> add_layer_norm(torch.ones(2, 4), torch.ones(2, 4))  # on a CPU
    Traceback (most recent call last):
    RuntimeError: x is torch.float32 on cpu, which has no kernels; expected a CUDA tensor, ...
    """
    return _add_normalized(LAYER_NORM, x, residual, weight, bias, eps, offset)


def add_rms_norm(
    x: Tensor,
    residual: Tensor,
    weight: Tensor | None = None,
    eps: float = 1e-6,
    offset: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """The stream x + residual and its RMSNorm, without reading the stream in between.

    Formula: s = x + residual; y = `rms_norm(s)`

    Args, Returns and Raises: as `add_layer_norm`.

    >>> add_rms_norm(torch.ones(2, 4), torch.ones(2, 4))  # on a CPU
    Traceback (most recent call last):
    RuntimeError: x is torch.float32 on cpu, which has no kernels; expected a CUDA tensor, ...
    """
    return _add_normalized(RMS_NORM, x, residual, weight, None, eps, offset)


def _normalized(
    norm: Norm, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, offset: float
) -> Tensor:
    _check(x, eps, weight=weight, bias=bias)
    rows = x.reshape(-1, x.shape[-1])  # (*, D) -> (N, D)
    given = weight, bias, float(eps), float(offset), _dtype_of_result(x)
    if applies(x, weight, bias):
        y: Tensor = norm.forward(rows, *given)[0]
    else:
        y = norm.written_out(rows, *given)
    return y.reshape(x.shape)


def _add_normalized(
    norm: Norm,
    x: Tensor,
    residual: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    offset: float,
) -> tuple[Tensor, Tensor]:
    _check(x, eps, weight=weight, bias=bias)
    if residual.shape != x.shape or residual.dtype != x.dtype:
        raise ValueError(
            f"residual is {residual.dtype} of shape {tuple(residual.shape)}; expected what x is, "
            f"{x.dtype} of shape {tuple(x.shape)}: use residual.to(x.dtype)."
        )
    rows, others = (each.reshape(-1, x.shape[-1]) for each in (x, residual))  # (*, D) -> (N, D)
    given = weight, bias, float(eps), float(offset), _dtype_of_result(x)
    if applies(x, residual, weight, bias):
        total, y, _ = norm.add_forward(rows, others, *given)
    else:
        total = rows + others
        y = norm.written_out(total, *given)
    return total.reshape(x.shape), y.reshape(x.shape)


def _dtype_of_result(x: Tensor) -> torch.dtype:
    """CUDA's autocast has norms return float32; here the kernel writes it, and no copy is made."""
    autocast = x.device.type == "cuda" and torch.is_autocast_enabled("cuda")
    return torch.promote_types(x.dtype, torch.float32) if autocast else x.dtype


def _check(x: Tensor, eps: float, **parameters: Tensor | None) -> None:
    if not has_kernels(x.device, x.dtype):
        raise RuntimeError(
            f"x is {x.dtype} on {x.device}, which has no kernels; expected a CUDA tensor, and "
            "Triton (`pip install 'normlab[kernels]'`, on Linux): use normlab.torch_norms here."
        )
    if not (x.dim() and 0 < x.shape[-1] <= LONGEST):
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected rows of 1 to {LONGEST} elements: "
            "use normlab.torch_norms for others."
        )
    if not eps >= 0:
        raise ValueError(f"eps is {eps}; expected a number ≥ 0, for instance 1e-5.")
    for name, parameter in parameters.items():
        if parameter is not None and parameter.shape != x.shape[-1:]:
            raise ValueError(
                f"{name} has shape {tuple(parameter.shape)}; expected ({x.shape[-1]},)."
            )
