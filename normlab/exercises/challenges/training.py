"""The training that a challenge pays for: one model a seed, and one progress bar for all."""

from dataclasses import replace

import torch

from normlab.exercises.challenges.challenge import Budget
from normlab.tools.progress_bar import progress_bar
from normlab.tools.timing import one_thread
from normlab.training.config import TrainConfig
from normlab.training.run import Run

LAST = 10
"""A final loss is the mean over so many steps: one batch alone is a noisy measure."""


def train_all(config: TrainConfig, budget: Budget) -> list[Run]:
    """One run for each seed of the budget, until its steps are done or it is given up.

    A run is given up when its loss diverges, as `normlab.training.why_diverged` says.
    """
    runs = [Run(replace(config, seed=seed), torch.device("cpu")) for seed in budget.seeds]
    steps = [run for run in runs for _ in range(budget.steps)]
    with one_thread():
        for run in progress_bar(steps, f"{len(runs)} models of {budget.layers} layers"):
            if not run.reason:
                run.step()
    return runs


def final_loss(run: Run) -> float:
    """The mean loss of the last ten steps; chance if the run was given up.

    A model that has failed can still guess.
    """
    tail = run.losses[-LAST:]
    return run.task.chance if run.reason else sum(tail) / len(tail)


def mean_loss(run: Run) -> float:
    """The mean of min(loss, chance) over all steps; what was not trained counts as chance."""
    chance = run.task.chance
    kept = run.losses[:-1] if run.reason else run.losses
    least = [min(loss, chance) for loss in kept]
    return (sum(least) + chance * (run.config.steps - len(least))) / run.config.steps
