"""What a placement does to the residual stream of an untrained model, before any training."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from normlab.models.placement.base import Placement
from normlab.models.placement.standard import PostNorm, PreNorm
from normlab.models.transformer import Transformer, TransformerConfig
from normlab.norms import FloatArray
from normlab.probes import random_batch
from normlab.tools.table import Table


@dataclass(frozen=True)
class StreamGrowth:
    """The residual stream of an encoder after each of its L blocks.

    Attributes:
        placement, init, init_scale, tokens: what was measured.
        mean_square: ‖x_l‖²/D for l = 0 … L, over all tokens (L + 1,).
        change: ‖x_{l+1} − x_l‖/‖x_l‖ of each block (L,); 0 is an identity.
    """

    placement: str
    init: str
    init_scale: float
    tokens: int
    mean_square: FloatArray
    change: FloatArray

    def lemma_2(self) -> tuple[FloatArray, FloatArray]:
        """Between which two lines Lemma 2 of Xiong et al. 2020 holds a pre-norm stream: (L + 1,).

        1 + l/2 for tokens that have nothing in common, 1 + 3l/2 for tokens that are all the same.
        """
        layers = np.arange(len(self.mean_square))
        return 1 + layers / 2, 1 + 3 * layers / 2

    def table(self) -> Table:
        """One row per block."""
        rows = zip(range(1, len(self.mean_square)), self.mean_square[1:], self.change, strict=True)
        return Table(("layer", "‖x‖²/D after it", "change by it"), [list(row) for row in rows])


def stream_growth(
    placement: str | type[Placement],
    *,
    init: str = "xavier",
    init_scale: float = 1.0,
    norm: str = "layer_norm",
    layers: int = 24,
    d_model: int = 256,
    tokens: int = 16,
    seed: int,
) -> StreamGrowth:
    """Measure an untrained encoder on 4 random sequences.

    The FFN is 4 d_model wide. The stream is float64, so that no placement overflows.

    Example:
        >>> growth = stream_growth("peri-norm", layers=6, d_model=64, seed=0)
        >>> float(growth.mean_square[-1].round())  # theory: 1 + 2·6
        13.0

    Raises:
        ValueError: if `TransformerConfig` refuses the arguments.
    """
    config = TransformerConfig(
        encoder_layers=layers,
        placement=placement,
        norm=norm,
        d_model=d_model,
        d_ff=4 * d_model,
        init=init,
        init_scale=init_scale,
        max_tokens=tokens,
    )
    model = Transformer(config, seed).double()
    with torch.no_grad():
        streams = [model.embed(random_batch(config, seed, tokens=tokens).tokens)]  # (B, T, D)
        for block in model.encoder.blocks:
            streams.append(block(streams[-1]))
    changes = [(after - before).norm() / before.norm() for before, after in pairwise(streams)]
    return StreamGrowth(
        placement if isinstance(placement, str) else placement.__name__,
        init,
        init_scale,
        tokens,
        np.array([x.square().mean().item() for x in streams]),
        np.array([change.item() for change in changes]),
    )


def average_growth(
    seeds: Sequence[int], placement: str | type[Placement], **arguments: Any
) -> StreamGrowth:
    """The mean of `stream_growth` over seeds: theory speaks of the mean over random weights."""
    growths = [stream_growth(placement, seed=seed, **arguments) for seed in seeds]
    return replace(
        growths[0],
        mean_square=np.mean(
            [growth.mean_square for growth in growths], axis=0
        ),  # (S, L+1) -> (L+1,)
        change=np.mean([growth.change for growth in growths], axis=0),  # (S, L) -> (L,)
    )


def compare_growth(growths: Sequence[StreamGrowth], layers: Sequence[int]) -> Table:
    """‖x_l‖²/D after some layers: one row per measurement."""
    columns = ("placement", "init", *(f"after layer {layer}" for layer in layers))
    rows = [
        [g.placement, g.init, *(f"{g.mean_square[layer]:.2g}" for layer in layers)] for g in growths
    ]
    return Table(columns, rows)


def compare_change(growths: Sequence[StreamGrowth], layers: Sequence[int]) -> Table:
    """‖x_{l+1} − x_l‖/‖x_l‖ of some blocks: one row per measurement."""
    columns = ("placement", "init", *(f"block {layer}" for layer in layers))
    rows = [
        [g.placement, g.init, *(f"{g.change[layer - 1]:.2g}" for layer in layers)] for g in growths
    ]
    return Table(columns, rows)


class PreNormWithoutFinalNorm(PreNorm):
    """What is left of pre-norm when the final norm is forgotten."""

    final_norm = False


@dataclass(frozen=True)
class InitialLosses:
    """The loss of untrained decoders at random targets, by placement and depth.

    Attributes:
        depths: layers of the models (N,).
        losses: (N,) by the name of the model.
        chance: ln(vocab_size), the loss of guessing.
    """

    depths: Sequence[int]
    losses: Mapping[str, FloatArray]
    chance: float

    def table(self) -> Table:
        """One row per depth."""
        rows = [
            [depth, *(f"{loss[i]:.1f}" for loss in self.losses.values())]
            for i, depth in enumerate(self.depths)
        ]
        return Table(("layers", *self.losses), rows)


def initial_losses(depths: Sequence[int], seed: int) -> InitialLosses:
    """Cross-entropy of untrained decoders of width 64, with the final norm and without it.

    Example:
        >>> losses = initial_losses([1, 16], seed=0)
        >>> without = losses.losses["pre-norm, no final norm"]
        >>> bool(without[1] > 1.5 * losses.chance)
        True
    """
    models: dict[str, type[Placement]] = {
        "post-norm": PostNorm,
        "pre-norm": PreNorm,
        "pre-norm, no final norm": PreNormWithoutFinalNorm,
    }
    losses = {
        name: np.array([_initial_loss(placement, depth, seed) for depth in depths])
        for name, placement in models.items()
    }
    return InitialLosses(depths, losses, math.log(TransformerConfig(decoder_layers=1).vocab_size))


def _initial_loss(placement: type[Placement], layers: int, seed: int) -> float:
    config = TransformerConfig(decoder_layers=layers, placement=placement)
    with torch.no_grad():
        return random_batch(config, seed, sequences=8).loss(Transformer(config, seed)).item()
