"""Small honest training runs: one config and one seed give one record.

A run sees every batch once, so its training loss is its loss on unseen data too. On a CPU, with
the same number of threads, the same config gives the same losses to the last bit, whether or not
the run was broken off and went on from its checkpoint.

The number of threads is the caller's business (`normlab.tools.one_thread`). Models as small as
these gain nothing from a second thread, and many runs share the cores better with one each.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from normlab.models.transformer import Transformer
from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table
from normlab.training.config import TrainConfig
from normlab.training.run import Run, Schedule, warmup_lr


@dataclass(frozen=True)
class TrainRecord:
    """What a run gave.

    Args:
        config: of the run.
        steps: the recorded steps, counted from 0.
        losses: of each recorded step, the mean loss of its batch in nats, before its update.
        diverged_at: the step at which the run was given up, or None.
        reason: why it was given up, in words; "" if it was not.
        seconds: spent in training, over all parts of a run that was broken off.
        chance: the task's loss of guessing without reading.
        final_loss: mean over the last 10 steps that were run, recorded or not; one batch alone
            is a noisy measure.
    """

    config: TrainConfig
    steps: list[int]
    losses: list[float]
    diverged_at: int | None
    reason: str
    seconds: float
    chance: float
    final_loss: float

    def table(self) -> Table:
        """One row per recorded step: the loss, and how far it is from chance."""
        rows = [
            [step, f"{loss:.4f}", f"{loss - self.chance:+.4f}"]
            for step, loss in zip(self.steps, self.losses, strict=True)
        ]
        return Table(("step", "loss", "loss − chance"), rows)


def train(
    config: TrainConfig,
    device: str = "cpu",
    checkpoint: Path | None = None,
    every: int = 1,
    checkpoint_every: int = 50,
    model: Transformer | None = None,
    schedule: Schedule = warmup_lr,
) -> TrainRecord:
    """Train one model, with a progress bar, until its steps are done or its loss diverges.

    Args:
        config: the run.
        device: "cpu", "cuda", or another that torch knows.
        checkpoint: a file to save the run to, and to go on from if it is there. It is written
            under another name and then renamed, so that a kill leaves the last whole one.
        every: record every so many steps; the last is recorded always.
        checkpoint_every: save every so many steps; the last is saved always.
        model: what is trained; by default the untrained model of the config.
        schedule: the learning rate of a step.

    Raises:
        ValueError: if the checkpoint is of another config, or a count is below 1.

    Example:
        >>> record = train(TrainConfig(task="copy", decoder_layers=1, d_model=16, steps=5), every=2)
        >>> record.steps, record.diverged_at
        ([0, 2, 4], None)
    """
    if min(every, checkpoint_every) < 1:
        raise ValueError(
            f"got every = {every} and checkpoint_every = {checkpoint_every}; expected at least 1."
        )
    run = Run(config, torch.device(device), model, schedule)
    if checkpoint is not None:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        if checkpoint.exists():
            run.restore(checkpoint)
    title = f"{config.placement}, {config.task}"
    for _ in progress_bar(range(len(run.losses), config.steps), title, note=run.note):
        if run.reason:
            break
        run.step()
        done = len(run.losses) == config.steps or run.reason
        if checkpoint is not None and (done or len(run.losses) % checkpoint_every == 0):
            run.save(checkpoint)
    return make_record(run, every)


def make_record(run: Run, every: int) -> TrainRecord:
    """What the run gave so far, with every so many steps and the last."""
    last = len(run.losses) - 1
    steps = [step for step in range(last + 1) if step % every == 0 or step == last]
    tail = run.losses[-10:]
    return TrainRecord(
        config=run.config,
        steps=steps,
        losses=[run.losses[step] for step in steps],
        diverged_at=last if run.reason else None,
        reason=run.reason,
        seconds=run.seconds,
        chance=run.task.chance,
        final_loss=sum(tail) / len(tail),
    )
