"""A model in training, layer by layer, on a batch that it is not trained on."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normlab.models.placement.base import Gate
from normlab.norms import FloatArray
from normlab.probes import watched_inputs, watched_outputs
from normlab.training.run import Run, batch_loss

SEQUENCES = 64


@dataclass(frozen=True)
class LayerLook:
    """One look at a decoder of L layers and S = 2L sub-layers.

    Attributes:
        loss: in nats.
        logit_spread: the standard deviation of the logits over sequences, the mean over positions
            and symbols. 0: the answer does not depend on the question.
        mean_square: ‖x_l‖²/D of the stream at layers 0 … L, the mean over tokens (L + 1,).
        norm_inputs: σ, the standard deviation over features of what enters each norm of the
            layers, the geometric mean over tokens. Of post-norm, pre-norm and DeepNorm (S,);
            empty if there are no norms.
        gradients: ‖∂ℒ/∂θ_l‖ over all weights of each layer (L,).
    """

    loss: float
    logit_spread: float
    mean_square: FloatArray
    norm_inputs: FloatArray
    gradients: FloatArray


def look_at_layers(run: Run) -> LayerLook:
    """Look at a run's model as it is now; nothing of it changes.

    >>> from normlab.training import TrainConfig
    >>> run = Run(TrainConfig(decoder_layers=3, d_model=16), torch.device("cpu"))
    >>> look = look_at_layers(run)
    >>> [len(values) for values in (look.mean_square, look.norm_inputs, look.gradients)]
    [4, 6, 3]
    """
    inputs, targets, mask = held_out(run)
    blocks = run.model.decoder.blocks
    with watched_inputs(_norms(blocks)) as read, _watched_stream(blocks) as layers:
        logits = run.model(inputs)
    loss = batch_loss(logits, targets, mask)
    return LayerLook(
        loss.item(),
        logits.std(0).mean().item(),  # over sequences: (B, T, V) -> (T, V) -> ()
        np.array([x.square().mean().item() for x in layers]),  # each (B, T, D) -> ()
        np.array([x.std(-1).log().mean().exp().item() for x in read]),  # (B, T, D) -> (B, T) -> ()
        _gradient_lengths(loss, blocks),
    )


@torch.no_grad()
def stream(run: Run) -> Tensor:
    """What goes into the first layer and comes out of each, on the same batch (L + 1, B, T, D)."""
    with _watched_stream(run.model.decoder.blocks) as layers:
        run.model(held_out(run)[0])
    return torch.stack(layers)  # L + 1 of (B, T, D)


def held_out(run: Run) -> list[Tensor]:
    """Inputs, targets and mask (B, T) of a batch from another seed than the run's."""
    batch = run.task.batch(SEQUENCES, run.config.seed + 1, 0)
    arrays = (batch.inputs, batch.targets, batch.mask)
    return [torch.tensor(array, device=run.device) for array in arrays]


@contextmanager
def _watched_stream(blocks: Any) -> Iterator[list[Tensor]]:
    """What goes into the first layer and comes out of each."""
    layers: list[Tensor] = []
    with watched_inputs(blocks[:1]) as first, watched_outputs(blocks) as others:
        yield layers
    layers += first + others


def _norms(blocks: Iterable[Any]) -> list[nn.Module]:
    """The norms of the placement in every block."""
    parts = [part for block in blocks for site in block.placement.site_parts for part in site]
    return [part for part in parts if not isinstance(part, Gate)]


def _gradient_lengths(loss: Tensor, blocks: Iterable[Any]) -> FloatArray:
    weights = [list(block.parameters()) for block in blocks]
    gradients = iter(torch.autograd.grad(loss, [w for of_block in weights for w in of_block]))
    squares = [sum(next(gradients).square().sum().item() for _ in own) for own in weights]
    return np.array([math.sqrt(square) for square in squares])
