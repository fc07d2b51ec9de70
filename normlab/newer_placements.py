"""What newer ideas do to an untrained model: QK-norm, nGPT, CogView's norm, and the streams."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from normlab.norms.rows import FloatArray
from normlab.probes import random_batch
from normlab.residual import StreamGrowth
from normlab.table import Table
from normlab.torch_norms import layer_norm
from normlab.transformer import Transformer, TransformerConfig


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


def expected_stream(placement: str, layers: FloatArray) -> FloatArray:
    """What simple counting expects of ‖x_l‖²/d, where each normed branch adds 1.

    Peri-norm and the reordered norm: 1 + 2l, two normed branches a layer. LayerNorm Scaling:
    each layer ℓ adds about 1/ℓ (attention and FFN together), so 1 + H_l, with the harmonic
    number H_l. Pre-norm: 1 + l. Norms on the stream: 1.

    Args:
        placement: one of those.
        layers: numbers l of layers (N,).

    Raises:
        ValueError: if nothing simple is known of the placement.

    Example:
        >>> expected_stream("peri-norm", np.array([1.0, 24.0])).tolist()
        [3.0, 49.0]
    """
    if placement in ("peri-norm", "reordered-norm"):
        return 1 + 2 * layers
    if placement == "pre-norm":
        return 1 + layers
    if placement == "layernorm-scaling":
        return 1 + np.array([sum(1 / n for n in range(1, int(m) + 1)) for m in layers])
    if placement in ("post-norm", "deepnorm", "b2t"):
        return np.ones_like(layers)
    raise ValueError(
        f"placement is {placement!r}; expected peri-norm, reordered-norm, pre-norm, "
        "layernorm-scaling, post-norm, deepnorm or b2t."
    )


def compare_with_expected(growths: Sequence[StreamGrowth], layers: Sequence[int]) -> Table:
    """‖x_l‖²/d measured, and what is expected, after some layers."""
    rows = []
    for growth in growths:
        expected = expected_stream(growth.placement, np.array(layers, np.float64))
        pairs = zip(layers, expected, strict=True)
        cells = [f"{growth.mean_square[layer]:.3g} ({e:.3g})" for layer, e in pairs]
        rows.append([growth.placement, *cells])
    return Table(("measured (expected)", *(f"after layer {layer}" for layer in layers)), rows)


def cogview_norm(x: Tensor, eps: float = 1e-5) -> Tensor:
    """LN(x/(max|x|/8)), where the maximum is over the whole tensor.

    The squares of what is normed are at most 64, so float16 does not overflow in them. The
    scale divides out again, but for ε.

    Args:
        x: (..., D).

    Source: Ding et al. 2021 (CogView), §2.4, arXiv:2105.13290; the authors' code:
    THUDM/CogView, `mpu/sparse_transformer.py`.

    Example:
        >>> cogview_norm(torch.tensor([[30000.0, -30000.0]], dtype=torch.float16)).tolist()
        [[1.0, -1.0]]
    """
    return layer_norm(x / (x.abs().max() / 8), x.shape[-1], eps=eps)
