"""What the final norm does to the loss of a model before any training."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from normlab.models.placement.base import Placement
from normlab.models.placement.standard import PostNorm, PreNorm
from normlab.models.transformer import Transformer, TransformerConfig
from normlab.norms import FloatArray
from normlab.probes import random_batch
from normlab.tools.error_bars import standard_error, with_error
from normlab.tools.table import Table


class PreNormWithoutFinalNorm(PreNorm):
    """What is left of pre-norm when the final norm is forgotten."""

    final_norm = False


@dataclass(frozen=True)
class InitialLosses:
    """The loss of untrained decoders at random targets, by placement and depth.

    Attributes:
        depths: layers of the models (N,).
        losses: of each seed (seeds, N), by the name of the model.
        chance: ln(vocab_size), the loss of guessing.
    """

    depths: Sequence[int]
    losses: Mapping[str, FloatArray]
    chance: float

    def table(self) -> Table:
        """One row per depth: the mean over seeds, and its standard error where there are more."""
        rows = [
            [depth, *(_mean(losses[:, i]) for losses in self.losses.values())]
            for i, depth in enumerate(self.depths)
        ]
        return Table(("layers", *self.losses), rows)


def _mean(losses: FloatArray) -> str:
    return with_error(float(losses.mean()), standard_error(losses))  # (seeds,) -> ()


def initial_losses(depths: Sequence[int], seeds: Sequence[int]) -> InitialLosses:
    """Cross-entropy of untrained decoders of width 64, with the final norm and without it.

    Example:
        >>> losses = initial_losses([1, 16], seeds=[0])
        >>> without = losses.losses["pre-norm, no final norm"][0]
        >>> bool(without[1] > 1.5 * losses.chance)
        True
    """
    models: dict[str, type[Placement]] = {
        "post-norm": PostNorm,
        "pre-norm": PreNorm,
        "pre-norm, no final norm": PreNormWithoutFinalNorm,
    }
    losses = {
        name: np.array([[_initial_loss(placement, n, seed) for n in depths] for seed in seeds])
        for name, placement in models.items()
    }
    return InitialLosses(depths, losses, math.log(TransformerConfig(decoder_layers=1).vocab_size))


def _initial_loss(placement: type[Placement], layers: int, seed: int) -> float:
    config = TransformerConfig(decoder_layers=layers, placement=placement)
    with torch.no_grad():
        return random_batch(config, seed, sequences=8).loss(Transformer(config, seed)).item()
