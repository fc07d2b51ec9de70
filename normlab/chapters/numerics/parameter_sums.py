"""The gradients of gain and shift in bfloat16: how far their long sums are off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from normlab import torch_norms
from normlab.norms import FloatArray
from normlab.tools import one_thread

BFLOAT16_LAYERS: Mapping[str, type[nn.Module]] = {
    "nn.LayerNorm": nn.LayerNorm,
    "normlab.torch_norms": torch_norms.LayerNorm,
}


@dataclass(frozen=True)
class GradientSums:
    """Relative errors of dγ and dβ in bfloat16, for n = `counts` (C,) rows."""

    counts: FloatArray
    errors: Mapping[tuple[str, str], FloatArray]
    """By the norm and "dγ" or "dβ": (C,)."""

    @property
    def of_a_running_sum(self) -> FloatArray:
        """Theory for a running sum of n terms of both signs: 0.3·u·√n, with u = 2⁻⁸ (C,).

        The sum after k terms is of size √k. Rounding it errs by 0.42 u of its size, in the mean
        square over a binade; n such errors of either sign add up to 0.42 u·√(Σ k) ≈ 0.3 u·n.
        """
        return np.asarray(0.3 * 2.0**-8 * np.sqrt(self.counts))


def gradient_sums(counts: Sequence[int], features: int = 128, seed: int = 0) -> GradientSums:
    """Send random gradients back through both norms, and compare with float64, on one thread.

    >>> sums = gradient_sums([8, 4096])
    >>> bool(sums.errors["nn.LayerNorm", "dβ"][1] > 0.04)
    True
    >>> bool(sums.errors["normlab.torch_norms", "dβ"][1] < 0.003)
    True
    """
    errors: dict[tuple[str, str], list[float]] = {}
    generator = torch.Generator().manual_seed(seed)
    with one_thread():  # several threads sum a part each
        for count in counts:
            x, dy = (torch.randn(count, features, generator=generator) for _ in range(2))
            x, dy = x.bfloat16(), dy.bfloat16()
            exact = parameter_gradients(nn.LayerNorm, x.double(), dy.double())
            for name, norm in BFLOAT16_LAYERS.items():
                for which, sums in parameter_gradients(norm, x, dy).items():
                    error = (sums.double() - exact[which]).norm() / exact[which].norm()
                    errors.setdefault((name, which), []).append(error.item())
    return GradientSums(
        np.asarray(counts, np.float64), {key: np.array(row) for key, row in errors.items()}
    )


def parameter_gradients(norm: type[nn.Module], x: Tensor, dy: Tensor) -> dict[str, Tensor]:
    """dγ and dβ (D,) of a norm at x (N, D), for the upstream gradient dy (N, D)."""
    module = norm(x.shape[-1], dtype=x.dtype)
    module(x).backward(dy)
    parameters = dict(module.named_parameters())
    gradients = {name: parameters[key].grad for name, key in (("dγ", "weight"), ("dβ", "bias"))}
    return {name: grad for name, grad in gradients.items() if grad is not None}
