"""QK-norm: what normed queries and keys do to the attention logits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from normlab.models.transformer import Transformer, TransformerConfig
from normlab.norms import FloatArray
from normlab.probes import random_batch
from normlab.tools.table import Table
from normlab.torch_norms import rms_norm


@dataclass(frozen=True)
class LogitSizes:
    """Attention logits by the scale of the weights, without and with QK-norm.

    Attributes:
        scales: what all weights are multiplied by (N,).
        largest: max |logit| over tokens and heads, "plain" and "QK-norm" (N,).
        entropy: of the attention weights, the mean over tokens and heads, over ln T (N,); 1 is
            uniform, 0 looks at one token.
        bound: √d_h.
    """

    scales: Sequence[float]
    largest: dict[str, FloatArray]
    entropy: dict[str, FloatArray]
    bound: float

    def table(self) -> Table:
        """One row per scale."""
        columns = ("weights ×", *(f"max |logit|, {n}" for n in self.largest))
        columns += tuple(f"entropy, {n}" for n in self.entropy)
        rows = []
        for i, scale in enumerate(self.scales):
            largest = [f"{values[i]:.3g}" for values in self.largest.values()]
            entropy = [f"{values[i]:.2f}" for values in self.entropy.values()]
            rows.append([f"{scale:g}", *largest, *entropy])
        return Table(columns, rows)


def logit_sizes(
    scales: Sequence[float], norm: str = "rms_norm", heads: int = 4, seed: int = 0
) -> LogitSizes:
    """Measure qᵀk/√d_h in the first layer of untrained pre-norm models of width 64.

    With unit gains, a normed q or k of d_h features has length at most √d_h. So |qᵀk|/√d_h is at
    most √d_h, whatever the weights (Cauchy–Schwarz).

    Source: Henry et al. 2020, arXiv:2010.04245 (with L2 norms); Dehghani et al. 2023 (ViT-22B,
    with LayerNorm), §2, arXiv:2302.05442.

    Example:
        >>> sizes = logit_sizes([1.0, 10.0])
        >>> bool((sizes.largest["QK-norm"] <= sizes.bound).all())
        True
    """
    measured = {
        name: [_logits(scale, norm, heads, qk_norm, seed) for scale in scales]
        for name, qk_norm in (("plain", False), ("QK-norm", True))
    }
    return LogitSizes(
        tuple(scales),
        {n: np.array([x.abs().max().item() for x in xs]) for n, xs in measured.items()},
        {n: np.array([_relative_entropy(x) for x in xs]) for n, xs in measured.items()},
        math.sqrt(64 / heads),
    )


def _logits(scale: float, norm: str, heads: int, qk_norm: bool, seed: int) -> Tensor:
    """(B, H, T, T) logits of the first layer."""
    config = TransformerConfig(
        encoder_layers=1, norm=norm, heads=heads, qk_norm=qk_norm, init_scale=scale
    )
    model, kept = Transformer(config, seed).double(), []
    attention = model.encoder.blocks[0].attention
    for part in (attention.query_norm, attention.key_norm):
        part.register_forward_hook(lambda module, inputs, output: kept.append(output))
    with torch.no_grad():
        model(random_batch(config, seed).tokens)
    q, k = kept  # (B, H, T, d_h) each
    return q @ k.transpose(2, 3) / math.sqrt(q.shape[3])  # (B, H, T, T)


def _relative_entropy(logits: Tensor) -> float:
    logs = logits.log_softmax(3)  # (B, H, T, T)
    return -(logs.exp() * logs).sum(3).mean().item() / math.log(logits.shape[3])  # -> (B, H, T)


@torch.no_grad()
def largest_logits(
    scales: Sequence[float], heads: int = 4, head_dim: int = 16, latents: int = 16, seed: int = 0
) -> Table:
    """The largest |qᵀk|/√d_h that three kinds of QK-norm let through, gains 1, by scale of weights.

    - per head: d_h numbers have length √d_h, so √d_h is the bound.
    - all heads: H·d_h numbers have length √(H·d_h), and all of it can lie in one head: H√d_h.
    - latents: q = A c and k = B c′ with c, c′ normed, of r numbers: r ‖AᵀB‖₂/√d_h, which grows with
      the square of the scale.

    Args:
        scales: what all matrices are multiplied by.
        heads, head_dim, latents: H, d_h and r.
        seed: of the matrices, N(0, 1/columns).

    Source: Cauchy–Schwarz; OLMo 2 norms all heads together, DeepSeek-V2 and V3 the latents
    (arXiv:2405.04434, §2.1).

    Example:
        >>> print(largest_logits([1, 10]))
        QK-norm    bound      × 1     × 10
        ---------  -------  -----  -------
        per head   4            4        4
        all heads  16          16       16
        latents    none       8.5  8.5e+02
    """
    width, rng = heads * head_dim, torch.Generator().manual_seed(seed)
    one_head = torch.zeros(width, dtype=torch.float64)
    one_head[:head_dim] = torch.randn(head_dim, generator=rng)
    square, up, other = (
        torch.randn(rows, columns, generator=rng).double() / math.sqrt(columns)
        for rows, columns in ((width, width), (head_dim, latents), (head_dim, latents))
    )
    token = torch.linalg.solve(square, one_head)  # its query lies in one head: (D, D), (D,) -> (D,)
    rows: list[list[object]] = []
    for kind, size, bound in (("per head", head_dim, 1), ("all heads", width, heads)):
        queries = [rms_norm((s * square @ token)[:size], size, eps=0.0)[:head_dim] for s in scales]
        found = [float(q @ q) / math.sqrt(head_dim) for q in queries]
        rows.append([kind, f"{bound * math.sqrt(head_dim):g}", *(f"{x:.2g}" for x in found)])
    product = float(torch.linalg.matrix_norm(up.T @ other, 2))  # (r, d_h) (d_h, r) -> ()
    found = [latents * s**2 * product / math.sqrt(head_dim) for s in scales]
    rows.append(["latents", "none", *(f"{x:.2g}" for x in found)])
    return Table(("QK-norm", "bound", *(f"× {scale:g}" for scale in scales)), rows)
