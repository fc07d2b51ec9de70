"""A transformer to experiment on: any placement, any norm, encoder, decoder or both.

The sub-layers know nothing of norms or residuals: those stand in `placement`, beside this file.
There are no biases and no dropout, so that what is measured is what the placement does.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normlab.models.dyt import DyT
from normlab.models.initialization import find_initialization
from normlab.models.placement.base import Placement, Site, TensorMap
from normlab.models.placement.standard import find_placement

NORMS: dict[str, Callable[[int], nn.Module]] = {
    "layer_norm": nn.LayerNorm,
    "rms_norm": partial(nn.RMSNorm, eps=1e-6),
    "dyt": DyT,
}
StackName = Literal["encoder", "decoder"]


@dataclass(frozen=True)
class TransformerConfig:
    """Everything that says what a model is.

    Args:
        encoder_layers, decoder_layers: blocks in each stack. With only one of them the model is
            encoder-only or decoder-only; with both, the decoder attends to the encoder.
        placement: a name in `normlab.models.PLACEMENTS`, or a class of your own.
        norm: "layer_norm", "rms_norm" or "dyt", or a function or class that makes a norm of a
            size.
        d_model, heads, d_ff: width of the stream, heads of attention, width inside the FFN.
        vocab_size, max_tokens: how many tokens there are, and how long a sequence may be.
        qk_norm: whether queries and keys are normalized in each head.
        init: a name in `normlab.models.INITIALIZATIONS`.
        init_scale: multiplies the initial weights of every sub-layer.

    Raises:
        ValueError: if a name is unknown, `heads` does not divide `d_model`, or there is no layer.
    """

    encoder_layers: int = 0
    decoder_layers: int = 0
    placement: str | type[Placement] = "pre-norm"
    norm: str | Callable[[int], nn.Module] = "layer_norm"
    d_model: int = 64
    heads: int = 4
    d_ff: int = 256
    vocab_size: int = 32
    max_tokens: int = 64
    qk_norm: bool = False
    init: str = "xavier"
    init_scale: float = 1.0

    def __post_init__(self) -> None:
        if min(self.encoder_layers, self.decoder_layers) < 0 or not self.layers:
            raise ValueError(
                f"got {self.encoder_layers} encoder and {self.decoder_layers} decoder layers; "
                "expected counts of at least 0, and one of them above 0."
            )
        if self.d_model < 1 or self.d_model % self.heads:
            raise ValueError(
                f"{self.heads} heads do not divide d_model = {self.d_model}; "
                "choose a multiple of the number of heads."
            )
        if isinstance(self.norm, str) and self.norm not in NORMS:
            raise ValueError(f"norm is {self.norm!r}; expected one of {', '.join(NORMS)}.")
        find_initialization(self.init)
        self.placement_class()

    @property
    def layers(self) -> int:
        """Blocks in both stacks."""
        return self.encoder_layers + self.decoder_layers

    @property
    def encoder_decoder(self) -> bool:
        """Whether there are both stacks."""
        return self.encoder_layers > 0 and self.decoder_layers > 0

    def placement_class(self) -> type[Placement]:
        """What `placement` names."""
        return find_placement(self.placement) if isinstance(self.placement, str) else self.placement

    def make_norm(self, size: int) -> nn.Module:
        """A norm over a last dimension of that size."""
        make = NORMS[self.norm] if isinstance(self.norm, str) else self.norm
        return make(size)

    def site(self, stack: StackName, layer: int) -> Site:
        """Where block `layer` of `stack` stands; the first is 1.

        Raises:
            ValueError: if the stack has no such block.
        """
        layers = self.encoder_layers if stack == "encoder" else self.decoder_layers
        if not 1 <= layer <= layers:
            raise ValueError(f"layer is {layer}; expected one of 1 to {layers}.")
        return Site(
            layer=layer,
            stack=stack,
            encoder_layers=self.encoder_layers,
            decoder_layers=self.decoder_layers,
            sublayers=3 if stack == "decoder" and self.encoder_decoder else 2,
            d_model=self.d_model,
            norm=partial(self.make_norm, self.d_model),
        )


class Attention(nn.Module):
    """softmax(q kᵀ / √d_h) v in each head; q from x, and k and v from `memory`, or from x too.

    Written out, since torch's fused attention has no rule for `torch.func.vmap`.
    """

    future: Tensor

    def __init__(self, config: TransformerConfig, causal: bool) -> None:
        super().__init__()
        d_model, d_head = config.d_model, config.d_model // config.heads
        self.heads, self.causal = config.heads, causal
        self.query = nn.Linear(d_model, d_model, bias=False)
        self.key = nn.Linear(d_model, d_model, bias=False)
        self.value = nn.Linear(d_model, d_model, bias=False)
        self.output = nn.Linear(d_model, d_model, bias=False)
        future = torch.full((config.max_tokens, config.max_tokens), -math.inf).triu(1)
        self.register_buffer("future", future if causal else None, persistent=False)
        self.query_norm = config.make_norm(d_head) if config.qk_norm else nn.Identity()
        self.key_norm = config.make_norm(d_head) if config.qk_norm else nn.Identity()

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        source = x if memory is None else memory
        q = self.query_norm(self._split(self.query(x)))
        k = self.key_norm(self._split(self.key(source)))
        v = self._split(self.value(source))
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])  # (B, H, T, S)
        if self.causal:
            scores = scores + self.future[: x.shape[1], : x.shape[1]]
        mixed = scores.softmax(3) @ v  # (B, H, T, S) @ (B, H, S, D/H) -> (B, H, T, D/H)
        return self.output(mixed.transpose(1, 2).flatten(2))  # (B, H, T, D/H) -> (B, T, D)

    def _split(self, x: Tensor) -> Tensor:
        heads = x.reshape(*x.shape[:2], self.heads, -1)  # (B, T, D) -> (B, T, H, D/H)
        return heads.transpose(1, 2)  # (B, T, H, D/H) -> (B, H, T, D/H)


class FeedForward(nn.Module):
    """W_2 ReLU(W_1 x), at each token alone."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.inner: Any = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.outer = nn.Linear(config.d_ff, config.d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(F.relu(self.inner(x)))  # (B, T, D) -> (B, T, d_ff) -> (B, T, D)


class Block(nn.Module):
    """Attention, in a decoder that has an encoder cross-attention, and the FFN, wired."""

    def __init__(self, config: TransformerConfig, site: Site) -> None:
        super().__init__()
        self.attention = Attention(config, causal=site.stack == "decoder")
        self.cross_attention = Attention(config, causal=False) if site.sublayers == 3 else None
        self.feed_forward = FeedForward(config)
        self.placement = config.placement_class()(site)

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        sublayers: list[TensorMap] = [self.attention, self.feed_forward]
        if self.cross_attention is not None:
            sublayers.insert(1, partial(self.cross_attention, memory=memory))
        return self.placement(x, sublayers)

    def initialize(self, config: TransformerConfig, rng: torch.Generator) -> None:
        """Draw the weights of the sub-layers: N(0, (std · gain · init_scale)²)."""
        init, gains = find_initialization(config.init), self.placement.gains
        last = init.output(2 * config.layers)
        attentions = [a for a in (self.attention, self.cross_attention) if a is not None]
        factors = [(self.feed_forward.inner, gains.feed_forward)]
        factors += [(self.feed_forward.outer, gains.feed_forward * last)]
        for attention in attentions:
            factors += [(attention.query, gains.query_key * init.query_key)]
            factors += [(attention.key, gains.query_key * init.query_key)]
            factors += [(attention.value, gains.value_output * gains.value)]
            factors += [(attention.output, gains.value_output * last)]
        for linear, factor in factors:
            std = init.matrix(linear.in_features, linear.out_features)
            nn.init.normal_(linear.weight, 0, std * factor * config.init_scale, rng)


class Stack(nn.Module):
    """Blocks one on the other, and the final norm that their placement asks for."""

    def __init__(self, config: TransformerConfig, stack: StackName) -> None:
        super().__init__()
        layers = config.site(stack, 1).layers
        self.blocks = nn.ModuleList(
            Block(config, config.site(stack, layer)) for layer in range(1, layers + 1)
        )
        placement = config.placement_class()
        self.streams = placement.streams
        final_norm = placement.final_norm
        self.final_norm = config.make_norm(config.d_model) if final_norm else nn.Identity()

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        if self.streams > 1:
            x = x.unsqueeze(2).expand(-1, -1, self.streams, -1)  # (B, T, D) -> (B, T, n, D)
        for block in self.blocks:
            x = block(x, memory)
        if self.streams > 1:
            x = x.sum(2)  # over the streams: (B, T, n, D) -> (B, T, D)
        return self.final_norm(x)


class Transformer(nn.Module):
    """Tokens in, logits out.

    Layer ℓ starts with the same weights whatever the depth, the placement and the norm, as far
    as the initialization and the placement's gains let it.

    Args:
        config: what to build.
        seed: of the initial weights.

    Shape:
        tokens (B, T) -> logits (B, T, vocab_size). With an encoder and a decoder, `source`
        (B, S) goes to the encoder and `tokens` to the decoder.

    Example:
        >>> config = TransformerConfig(decoder_layers=2, placement="post-norm", vocab_size=10)
        >>> Transformer(config, seed=0)(torch.zeros(3, 5, dtype=torch.long)).shape
        torch.Size([3, 5, 10])
    """

    def __init__(self, config: TransformerConfig, seed: int) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embedding = nn.Embedding(config.max_tokens, config.d_model)
        self.encoder: Any = Stack(config, "encoder") if config.encoder_layers else nn.Identity()
        self.decoder: Any = Stack(config, "decoder") if config.decoder_layers else nn.Identity()
        self.head: Any = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self._initialize(seed)

    def forward(self, tokens: Tensor, source: Tensor | None = None) -> Tensor:
        x = self.embed(tokens)
        if (source is not None) != self.config.encoder_decoder:
            raise ValueError(
                f"source is {'missing' if source is None else 'given'}; expected one exactly for "
                "a model with an encoder and a decoder."
            )
        if source is not None:
            return self.head(self.decoder(x, self.encoder(self.embed(source))))
        return self.head(self.decoder(self.encoder(x)))

    def embed(self, tokens: Tensor) -> Tensor:
        """Token plus position embedding: (B, T) -> (B, T, D)."""
        if tokens.shape[1] > self.config.max_tokens:
            raise ValueError(
                f"got {tokens.shape[1]} tokens, but max_tokens is {self.config.max_tokens}; "
                "send shorter sequences or build the model with a greater max_tokens."
            )
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        return self.token_embedding(tokens) + self.position_embedding(positions)

    def _initialize(self, seed: int) -> None:
        """Draw every weight anew, each layer from a seed of its own."""
        config, init = self.config, find_initialization(self.config.init)
        ends = _generator(seed, 0, 0)
        for embedding in (self.token_embedding, self.position_embedding):
            nn.init.normal_(embedding.weight, 0, init.embedding / math.sqrt(2), ends)
        nn.init.normal_(self.head.weight, 0, init.matrix(config.d_model, config.d_model), ends)
        for number, stack in enumerate((self.encoder, self.decoder), start=1):
            for layer, block in enumerate(getattr(stack, "blocks", ()), start=1):
                block.initialize(config, _generator(seed, number, layer))


def _generator(*seeds: int) -> torch.Generator:
    seed = np.random.SeedSequence(seeds).generate_state(1)[0]
    return torch.Generator().manual_seed(int(seed))
