"""Build me this model's block: its norms at their places, around small sub-layers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from normlab.chapters.norms_in_the_wild.zoo import ZooModel, find_model
from normlab.inspection.norm_reading import Affine, Kind
from normlab.models.placement.in_the_wild import ZOO_PLACEMENTS
from normlab.models.transformer import Block, TransformerConfig
from normlab.torch_norms import layer_norm, rms_norm


class ZooNorm(nn.Module):
    """y = γ ⊙ (x − c)/√(v + ε) + β in any form that a model of the zoo has.

    Args:
        size: D; input and output are (..., D).
        kind: "LayerNorm" (c the mean, v the variance) or "RMSNorm" (c = 0, v the mean square).
        eps: ε.
        affine: γ is w, 1 + w with w = 0 at the start, or 1; β is there if it says "bias".

    Example:
        >>> ZooNorm(4, "RMSNorm", 1e-6, "1 + weight").weight.tolist()  # and γ is 1
        [0.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, size: int, kind: Kind, eps: float, affine: Affine) -> None:
        super().__init__()
        self.size, self.kind, self.eps, self.affine = size, kind, eps, affine
        self.offset = 1.0 if affine.startswith("1 + ") else 0.0
        start = torch.full((size,), 1.0 - self.offset)
        self.weight = nn.Parameter(start) if affine != "none" else None
        self.bias = nn.Parameter(torch.zeros(size)) if affine.endswith("bias") else None

    def forward(self, x: Tensor) -> Tensor:
        weight = None if self.weight is None else self.offset + self.weight
        if self.kind == "RMSNorm":
            return rms_norm(x, self.size, weight, self.eps)
        return layer_norm(x, self.size, weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.size}, {self.kind}, eps={self.eps:g}, {self.affine}"


@dataclass(frozen=True)
class ZooConfig(TransformerConfig):
    """A model of the course with the norms of a model of the zoo."""

    model: ZooModel | None = None

    def make_norm(self, size: int) -> nn.Module:
        """Also called for the norms of q and k, which may be of another kind."""
        assert self.model is not None
        kind = self.model.norm
        if size != self.d_model and self.model.qk_norm != "no":
            kind = _qk_kind(self.model)
        return _norm(self.model, size, kind)


def zoo_config(model: ZooModel | str, d_model: int = 32, layers: int = 12) -> ZooConfig:
    """An encoder of the course whose norms are those of a model.

    Args:
        model: a row of the zoo, or its name.
        d_model: width of the stream; 4 heads, an FFN 4 d_model wide.
        layers: in the stack; α of DeepNorm depends on it.

    Raises:
        ValueError: if there is no such model, its layer is not one attention and one FFN, or it
            has several residual streams; it says what the model has.
    """
    row = find_model(model) if isinstance(model, str) else model
    if row.streams != "one":
        raise ValueError(
            f"{row.name} has not one residual stream ({row.streams}); expected one that has."
        )
    if row.wiring:
        raise ValueError(
            f"a layer of {row.name} is not one attention and one FFN: {'; '.join(row.wiring)}; "
            "expected a model whose layer is."
        )
    return ZooConfig(
        encoder_layers=layers,
        placement=ZOO_PLACEMENTS[row.placement],
        d_model=d_model,
        d_ff=4 * d_model,
        qk_norm=row.qk_norm.endswith("per head"),
        model=row,
    )


def build_block(
    model: ZooModel | str, d_model: int = 32, layers: int = 12, seed: int = 0, layer: int = 1
) -> Block:
    """A block of a small model with the norms of a model of the zoo.

    The norms are those of the row: kind, ε (1e-5 where nothing states it), affine form, places,
    how many, those of q, k and v, and those of SubLN. Where a model's norms differ among
    themselves, its row has the one in front of attention. Attention and FFN are the course's own,
    without biases, positions, gates or a sparse attention's indexer, so the numbers are not the
    model's.

    Args:
        model: a row of the zoo, or its name.
        d_model, layers: of `zoo_config`.
        seed: of the weights.
        layer: which block, from 1; it matters where a placement changes with depth.

    Shape:
        The block maps (B, T, D) to (B, T, D).

    Raises:
        ValueError: as `zoo_config`.

    Example:
        >>> block = build_block("Gemma 2")
        >>> block(torch.zeros(1, 3, 32)).shape, len(block.placement.site_parts[0])
        (torch.Size([1, 3, 32]), 2)
    """
    config = zoo_config(model, d_model, layers)
    block = Block(config, config.site("encoder", layer))
    block.initialize(config, torch.Generator().manual_seed(seed))
    row = config.model
    assert row is not None
    attention: Any = block.attention
    if row.qk_norm.endswith("all heads"):
        attention.query = nn.Sequential(attention.query, _norm(row, d_model, _qk_kind(row)))
        attention.key = nn.Sequential(attention.key, _norm(row, d_model, _qk_kind(row)))
    elif "latents" in row.qk_norm:
        latents = (
            [("key", "value")] if row.qk_norm.endswith("of k") else [("query",), ("key", "value")]
        )
        _norm_latents(attention, lambda: _norm(row, d_model // 2, _qk_kind(row)), latents, seed)
    elif row.qk_norm == "no" and row.inner == 2:  # SubLN: in front of each last matrix
        ffn: Any = block.feed_forward
        attention.output = nn.Sequential(_norm(row, d_model, row.norm), attention.output)
        ffn.outer = nn.Sequential(_norm(row, config.d_ff, row.norm), ffn.outer)
    if row.v_norm:
        heads = ZooNorm(d_model // config.heads, row.norm, row.eps, "none")
        attention.value = nn.Sequential(attention.value, _PerHead(heads))
    return block


class _PerHead(nn.Module):
    """A norm over the features of each head."""

    def __init__(self, norm: ZooNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        heads = x.reshape(*x.shape[:-1], -1, self.norm.size)  # (B, T, D) -> (B, T, H, D/H)
        return self.norm(heads).flatten(-2)  # (B, T, H, D/H) -> (B, T, D)


def _norm_latents(
    attention: Any, make_norm: Callable[[], nn.Module], latents: Sequence[Sequence[str]], seed: int
) -> None:
    """What is named together comes from one normed latent vector of half the width."""
    rng, d_model = torch.Generator().manual_seed(seed), attention.query.in_features
    size = d_model // 2

    def latent(width: int) -> nn.Linear:
        linear = nn.Linear(width, size if width == d_model else d_model, bias=False)
        nn.init.normal_(linear.weight, 0, width**-0.5, rng)
        return linear

    for names in latents:
        down = nn.Sequential(latent(d_model), make_norm())
        for name in names:
            setattr(attention, name, nn.Sequential(down, latent(size)))


def _norm(row: ZooModel, size: int, kind: Kind) -> ZooNorm:
    eps = 1e-5 if math.isnan(row.eps) else row.eps
    return ZooNorm(size, kind, eps, row.affine)


def _qk_kind(row: ZooModel) -> Kind:
    return "LayerNorm" if row.qk_norm.startswith("LayerNorm") else "RMSNorm"
