"""Small changes made in the first layer, followed up the stack."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from normlab.models.transformer import Transformer, TransformerConfig
from normlab.norms import FloatArray
from normlab.probes.batch import Batch, find_stack, last_stack, random_batch
from normlab.probes.watch import replaced_outputs, watched_outputs
from normlab.tools.table import Table

STEP = 1e-6


@dataclass(frozen=True)
class FollowedChange:
    """‖Δx‖/‖x‖ after each of L layers, where x is the stream; (L,) each.

    Attributes:
        sgd: of an SGD step on the weights of layer 1, in units of the learning rate η, as η → 0.
        random: of a step that moves each of these matrices as far in a random direction.
        stream: of a random change of the stream after layer 1, as long as the stream.
    """

    sgd: FloatArray
    random: FloatArray
    stream: FloatArray

    def table(self) -> Table:
        """One row per layer."""
        columns = ("layers below", "SGD's step, per η", "a random step", "a random change of x")
        rows = zip(self.sgd.tolist(), self.random.tolist(), self.stream.tolist(), strict=True)
        return Table(columns, [[layer, *row] for layer, row in enumerate(rows, start=1)])


def follow_change(
    config: TransformerConfig, seed: int, sequences: int = 4, tokens: int = 16
) -> FollowedChange:
    """Change an untrained model a little in layer 1, and compare the streams above.

    Let J be the derivative of the upper stream by the stream after layer 1. A random change z
    comes out as Jz, and its mean square is Σσ²/n over the n singular values σ of J. The gradient
    came down through Jᵀ, so the step that follows it comes out as JJᵀc: each σ counts twice, and
    the greatest the most. The two are alike only if all σ are.

    Args:
        config, seed: of the model; the same seed draws tokens, targets and directions.
        sequences, tokens: of `random_batch`.

    Example:
        >>> config = TransformerConfig(encoder_layers=8, placement="deepnorm", d_model=16)
        >>> followed = follow_change(config, seed=0)
        >>> round(float(followed.sgd[-1] / followed.sgd[0]), 1)
        1.0
    """
    model = Transformer(config, seed).double()
    batch = random_batch(config, seed, sequences, tokens)
    block = find_stack(model, last_stack(config)).blocks[0]
    weights = [w for w in block.parameters() if w.ndim == 2]
    gradients = torch.autograd.grad(batch.loss(model), weights)
    before = _streams(model, batch)
    rng = torch.Generator().manual_seed(seed)

    def after_step(directions: Sequence[Tensor]) -> FloatArray:
        with torch.no_grad():
            for weight, direction in zip(weights, directions, strict=True):
                weight += STEP * direction
            moved = _streams(model, batch)
            for weight, direction in zip(weights, directions, strict=True):
                weight -= STEP * direction
        return _relative(moved, before)

    pushed = before[0] + STEP * _as_long_as(before[0], rng)
    with replaced_outputs([block], lambda _, __: pushed):
        stream = _relative(_streams(model, batch), before)
    return FollowedChange(
        after_step([-g for g in gradients]),
        after_step([_as_long_as(g, rng) for g in gradients]),
        stream,
    )


@torch.no_grad()
def _streams(model: Transformer, batch: Batch) -> Tensor:
    """The stream after each layer of the last stack (L, B, T, D)."""
    blocks = find_stack(model, last_stack(model.config)).blocks
    with watched_outputs(blocks) as outputs:
        model(batch.tokens, batch.source)
    return torch.stack(outputs)


def _relative(moved: Tensor, before: Tensor) -> FloatArray:
    """‖Δx‖/‖x‖ over all tokens, per unit of the step: (L, B, T, D) twice -> (L,)."""
    change = (moved - before).flatten(1).norm(dim=1)  # (L, B, T, D) -> (L, B·T·D) -> (L,)
    size = before.flatten(1).norm(dim=1)  # (L, B, T, D) -> (L, B·T·D) -> (L,)
    relative: FloatArray = (change / size / STEP).numpy()
    return relative


def _as_long_as(x: Tensor, rng: torch.Generator) -> Tensor:
    """A random direction with the norm of x."""
    z = torch.randn(x.shape, generator=rng).to(x)
    return z * (x.norm() / z.norm())
