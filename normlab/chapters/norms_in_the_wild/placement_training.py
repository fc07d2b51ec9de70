"""Trains eleven designs under one budget, each at the best of the same five learning rates.

`normlab remake trained_placements` makes the stored runs again, in two hours of processor time:
about 70 minutes on two cores. The rate is chosen by two seeds that run at every rate; five others
are reported.
"""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from normlab.chapters.norms_in_the_wild.newer_placements import D_FF, D_MODEL
from normlab.chapters.norms_in_the_wild.trained_placements import TrainedRun
from normlab.models.ngpt import make_ngpt, put_on_sphere
from normlab.models.placement.base import Placement
from normlab.models.placement.hyper_connections import HyperConnections
from normlab.models.transformer import Transformer, TransformerConfig
from normlab.tools.processes import Processes, available_cores
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import write_rows
from normlab.tools.timing import one_thread
from normlab.training.config import TrainConfig
from normlab.training.run import Run, batch_loss
from normlab.training.seeds import RunStack
from normlab.training.tasks import Task

CONFIG = TrainConfig(
    tokens=32, batch=8, d_model=D_MODEL, d_ff=D_FF, steps=500, warmup_steps=50, clip=1.0
)
TASKS, DEPTHS = ("characters", "verse"), (12, 24)
RATES = (1.5e-4, 5e-4, 1.5e-3, 5e-3, 1.5e-2)
CHOOSING, REPORTED = (0, 1), (2, 3, 4, 5, 6)
UNSEEN_PASSAGES = 128
Build = Callable[[TransformerConfig, int], Transformer]


def _placed(placement: str | type[Placement], **changed: Any) -> Build:
    def build(config: TransformerConfig, seed: int) -> Transformer:
        return Transformer(replace(config, placement=placement, **changed), seed)

    return build


DESIGNS: Mapping[str, Build] = {
    "no norm": _placed("none"),
    "post-norm": _placed("post-norm"),
    "B2T": _placed("b2t"),
    "Mix-LN": _placed("mix-norm"),
    "pre-norm": _placed("pre-norm"),
    "QK-norm": _placed("pre-norm", qk_norm=True),
    "LayerNorm Scaling": _placed("layernorm-scaling"),
    "Peri-LN": _placed("peri-norm"),
    "DyT": _placed("pre-norm", norm="dyt"),
    "hyper-connections": _placed(HyperConnections),
    "nGPT": make_ngpt,
}
"""By name; all but nGPT and DyT with LayerNorm. QK-norm and DyT stand in pre-norm models."""


class DesignStack(RunStack):
    """Runs of one design together; on the sphere it puts the weights back after each step."""

    def __init__(self, design: str, config: TrainConfig, seeds: Sequence[int]) -> None:
        configs = [replace(config, seed=seed) for seed in seeds]
        build, device = DESIGNS[design], torch.device("cpu")
        super().__init__([Run(c, device, build(c.model(), c.seed)) for c in configs])
        self.on_sphere = design == "nGPT"

    def step(self) -> None:
        super().step()
        if self.on_sphere:
            put_on_sphere(self.parameters)

    def trained_models(self) -> list[Transformer]:
        """The models of the runs, with the weights that they have now."""
        for place, run in enumerate(self.runs):
            weights = {name: stacked[place] for name, stacked in self.parameters.items()}
            run.model.load_state_dict(weights)
        return [run.model for run in self.runs]


def train_design(
    design: str, config: TrainConfig, seeds: Sequence[int], layer_by_layer: bool = False
) -> list[TrainedRun]:
    """Train all seeds of a design together and measure each on what it has not seen.

    Args:
        design: a name in `DESIGNS`.
        config: of every run, but for its seed and what the design sets.
        seeds: of the runs, at least one.
        layer_by_layer: whether to measure what each layer is worth too.

    Example:
        >>> small = replace(CONFIG, task="verse", decoder_layers=2, steps=2)
        >>> [run.seed for run in train_design("hyper-connections", small, seeds=[3, 4])]
        [3, 4]
    """
    stack = DesignStack(design, config, seeds)
    while len(stack.losses) < config.steps and not all(run.reason for run in stack.runs):
        stack.step()
    layers, rate, chance = config.decoder_layers, config.learning_rate, stack.runs[0].task.chance
    found = []
    for run, model in zip(stack.runs, stack.trained_models(), strict=True):
        key = config.task, layers, design, rate, run.config.seed
        loss = math.nan if run.reason else unseen_loss(model, run.task)
        skipped = range(1, layers + 1 if layer_by_layer else 1)
        without = tuple(unseen_loss(model, run.task, layer) for layer in skipped)
        found.append(TrainedRun(*key, chance, loss, without))
    return found


def unseen_loss(model: Transformer, task: Task, left_out: int | None = None) -> float:
    """The loss of a decoder on passages that it has not seen.

    Args:
        model, task: what was trained, and on what.
        left_out: a layer, 1 the first, that the stream goes past; None for the whole model.
    """
    batch = task.unseen_batch(UNSEEN_PASSAGES)
    inputs, targets, mask = (torch.tensor(a) for a in (batch.inputs, batch.targets, batch.mask))
    with torch.no_grad(), _without(model.decoder.blocks, left_out):
        return batch_loss(model(inputs), targets, mask).item()


@contextmanager
def _without(blocks: nn.ModuleList, layer: int | None) -> Iterator[None]:
    if layer is None:
        yield
        return
    block = blocks[layer - 1]
    blocks[layer - 1] = _GonePast()
    try:
        yield
    finally:
        blocks[layer - 1] = block


class _GonePast(nn.Module):
    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        return x


def write_trained_placements(
    path: Path,
    tasks: Sequence[str] = TASKS,
    depths: Sequence[int] = DEPTHS,
    rates: Sequence[float] = RATES,
    reported: Sequence[int] = REPORTED,
    steps: int = CONFIG.steps,
) -> None:
    """Choose each design's rate by two seeds, train others at it, and store all runs.

    Args:
        path: the file to write.
        tasks, depths, rates, steps: of the runs.
        reported: the seeds that are trained at the best rate alone.
    """
    settings = [
        (design, replace(CONFIG, task=task, decoder_layers=layers, steps=steps))
        for task in tasks
        for layers in depths
        for design in DESIGNS
    ]
    with Processes(min(available_cores(), len(settings))) as processes:
        waiting = [
            processes.submit(_at_best_rate, design, config, rates, reported)
            for design, config in settings
        ]
        found = [future.result() for future in progress_bar(waiting, "designs")]
    rows = [run.row() for runs in found for run in runs]
    write_rows(path, rows, "normlab remake trained_placements")


def _at_best_rate(
    design: str, config: TrainConfig, rates: Sequence[float], reported: Sequence[int]
) -> list[TrainedRun]:
    with one_thread():
        choosing = {
            rate: train_design(design, replace(config, learning_rate=rate), CHOOSING)
            for rate in rates
        }
        best = min(rates, key=lambda rate: _rank(choosing[rate]))
        shown = train_design(design, replace(config, learning_rate=best), reported, True)
    return [*(run for runs in choosing.values() for run in runs), *shown]


def _rank(runs: Sequence[TrainedRun]) -> float:
    """The mean loss, ∞ if a run diverged."""
    mean = statistics.mean(run.loss for run in runs)
    return mean if math.isfinite(mean) else math.inf
