"""What a placement does to the residual stream of an untrained model, before any training."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from normlab.models.placement.base import Placement
from normlab.models.transformer import Transformer, TransformerConfig
from normlab.norms import FloatArray
from normlab.probes import random_batch
from normlab.tools.error_bars import with_error
from normlab.tools.table import Table


@dataclass(frozen=True)
class StreamGrowth:
    """The residual stream of an encoder after each of its L blocks.

    Attributes:
        placement, init, init_scale, tokens: what was measured.
        mean_square: ‖x_l‖²/D for l = 0 … L, over all tokens (L + 1,).
        change: ‖x_{l+1} − x_l‖/‖x_l‖ of each block (L,); 0 is an identity.
        draws: over how many draws of weights and tokens both are means.
        spread, change_spread: their standard deviations over the draws, if there are several.
    """

    placement: str
    init: str
    init_scale: float
    tokens: int
    mean_square: FloatArray
    change: FloatArray
    draws: int = 1
    spread: FloatArray | None = None
    change_spread: FloatArray | None = None

    def lemma_2(self) -> tuple[FloatArray, FloatArray]:
        """Between which two lines Lemma 2 of Xiong et al. 2020 holds a pre-norm stream: (L + 1,).

        1 + l/2 for tokens that have nothing in common, 1 + 3l/2 for tokens that are all the same.

        Raises:
            ValueError: if the weights are not those of the paper.
        """
        if (self.init, self.init_scale) != ("xiong", 1.0):
            raise ValueError(
                f"the stream has weights {self.init!r} × {self.init_scale:g}; Lemma 2 is about "
                "'xiong' × 1. For others see normlab.probes.flow_theory."
            )
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
    """The mean of `stream_growth` over seeds: theory speaks of the mean over random weights.

    >>> growth = average_growth(range(3), "post-norm", layers=2, d_model=16)
    >>> growth.draws, growth.spread.shape, growth.change_spread.shape
    (3, (3,), (2,))
    """
    growths = [stream_growth(placement, seed=seed, **arguments) for seed in seeds]
    squares = np.array([growth.mean_square for growth in growths])  # (N, L + 1)
    changes = np.array([growth.change for growth in growths])  # (N, L)
    several = len(growths) > 1
    return replace(
        growths[0],
        mean_square=squares.mean(axis=0),  # (N, L + 1) -> (L + 1,)
        change=changes.mean(axis=0),  # (N, L) -> (L,)
        draws=len(growths),
        spread=squares.std(axis=0, ddof=1) if several else None,  # (N, L + 1) -> (L + 1,)
        change_spread=changes.std(axis=0, ddof=1) if several else None,  # (N, L) -> (L,)
    )


def _cells(growth: StreamGrowth, places: Sequence[int], of_change: bool) -> list[str]:
    means = growth.change if of_change else growth.mean_square
    spreads = growth.change_spread if of_change else growth.spread
    if spreads is None:
        return [f"{means[i]:.2g}" for i in places]
    return [with_error(means[i], spreads[i] / math.sqrt(growth.draws)) for i in places]


def compare_growth(growths: Sequence[StreamGrowth], layers: Sequence[int]) -> Table:
    """‖x_l‖²/D after some layers, a mean with its standard error: one row per measurement."""
    columns = ("placement", "init", "tokens", *(f"after layer {layer}" for layer in layers))
    rows = [
        [growth.placement, growth.init, growth.tokens, *_cells(growth, layers, of_change=False)]
        for growth in growths
    ]
    return Table(columns, rows)


def compare_change(growths: Sequence[StreamGrowth], layers: Sequence[int]) -> Table:
    """‖x_{l+1} − x_l‖/‖x_l‖ of some blocks, likewise: one row per measurement."""
    columns = ("placement", "init", *(f"block {layer}" for layer in layers))
    rows = [
        [growth.placement, growth.init, *_cells(growth, [b - 1 for b in layers], of_change=True)]
        for growth in growths
    ]
    return Table(columns, rows)
