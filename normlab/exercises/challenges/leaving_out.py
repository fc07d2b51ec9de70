"""How much each layer of a trained model matters: the rise of the loss when it is left out."""

from dataclasses import replace

import torch
from torch import Tensor

from normlab.training.config import TrainConfig
from normlab.training.run import Run, batch_loss
from normlab.training.tasks import Batch

HELD_OUT = 256
"""Sequences on which a trained model is measured; it has seen none of them."""


def rises_without_each_layer(run: Run) -> list[float]:
    """The held-out loss with one block silent, minus that with none, for each block in turn.

    The blocks are of a placement that can be silent
    (`normlab.exercises.challenges.deep_layers.changed_pre_norm`).
    """
    whole, rises = held_out_loss(run), []
    for block in run.model.decoder.blocks:
        block.placement.silent = True
        rises.append(held_out_loss(run) - whole)
        block.placement.silent = False
    return rises


def held_out_loss(run: Run) -> float:
    """The loss of a batch that comes after those of the training."""
    batch = held_out(run)
    loss = batch_loss(logits(run), torch.tensor(batch.targets), torch.tensor(batch.mask))
    return loss.item()


def output_moved(changed: TrainConfig, plain: TrainConfig, seed: int) -> float:
    """‖F − F₀‖/‖F₀‖ of the logits of two untrained models with the same weights.

    It is chapter 08's measure of a training step, here of a change of the model.
    """
    device = torch.device("cpu")
    ours, theirs = (logits(Run(replace(c, seed=seed), device)) for c in (changed, plain))
    return ((ours - theirs).norm() / theirs.norm()).item()  # over all entries: (B, T, V) -> ()


def held_out(run: Run) -> Batch:
    return run.task.batch(HELD_OUT, run.config.seed, run.config.steps)


def logits(run: Run) -> Tensor:
    """What the model says of the held-out batch (B, T, V)."""
    with torch.no_grad():
        output: Tensor = run.model(torch.tensor(held_out(run).inputs))
    return output
