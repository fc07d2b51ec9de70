"""One model in four lanes, layer by layer, from its first update to its last.

Post-norm without warmup and with it, pre-norm and DeepNorm learn the same task from the same
seeds. The quantities are those of DeepNet's Figures 3 and 4 (Wang et al. 2022, arXiv:2203.00555):
the update of the model, what enters the norms, and the gradient. `normlab remake training_steps`
makes the stored runs again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from normlab.chapters.warmup.layer_looks import look_at_layers, stream
from normlab.chapters.warmup.rate_map import TRAINED
from normlab.norms import FloatArray
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import joined, read_rows, split, write_rows
from normlab.tools.table import Table
from normlab.tools.timing import one_thread
from normlab.training.config import TrainConfig
from normlab.training.run import Run

STORED = Path(__file__).with_name("training_steps.csv")
CONFIG = TrainConfig(
    task="copy", decoder_layers=12, d_model=32, d_ff=128, batch=16, learning_rate=2e-3
)
WARMUP = 200
LANES = {
    "post-norm": replace(CONFIG, placement="post-norm"),
    f"post-norm, warmup {WARMUP}": replace(CONFIG, placement="post-norm", warmup_steps=WARMUP),
    "pre-norm": replace(CONFIG, placement="pre-norm"),
    "DeepNorm": replace(CONFIG, placement="deepnorm"),
}
"""What differs: the placement, and the warmup of one."""
STOPS = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 400, 600)
"""After how many updates the model is looked at."""
SEEDS = (0, 1, 2, 3, 4, 5)
_NUMBERS = ("loss", "logit_spread", "mean_square", "norm_inputs", "gradients", "moved")


@dataclass(frozen=True)
class Lane:
    """What was seen of one lane: R runs, each looked at U times, with L layers and S sub-layers.

    Attributes:
        loss, logit_spread: (R, U), as in `layer_looks.LayerLook`.
        mean_square: of the stream, at layers 0 … L (R, U, L + 1).
        norm_inputs: σ of what enters the norm of each sub-layer (R, U, S).
        gradients: ‖∂ℒ/∂θ_l‖ over the weights of layer l (R, U, L).
        moved: ‖Δx_l‖/‖x_l‖, how far the next update moves the stream after layer l, over all
            tokens of one batch (R, U, L + 1): DeepNet's model update, layer by layer.
    """

    loss: FloatArray
    logit_spread: FloatArray
    mean_square: FloatArray
    norm_inputs: FloatArray
    gradients: FloatArray
    moved: FloatArray

    def trained(self, chance: float) -> int:
        """How many runs end below the share of chance that `rate_map.outcome` calls trained."""
        return int((self.loss[:, -1] < TRAINED * chance).sum())  # over runs: (R,) -> ()


@dataclass(frozen=True)
class TrainingSteps:
    """The lanes by name, each seen after the same numbers of updates.

    Attributes:
        updates: after how many updates each look was taken.
        lanes: by name, in the order of the file.
        chance: the loss of guessing.
    """

    updates: Sequence[int]
    lanes: Mapping[str, Lane]
    chance: float

    @property
    def seeds(self) -> int:
        """How many runs each lane has."""
        return min(len(lane.loss) for lane in self.lanes.values())

    def at(self, updates: int) -> int:
        """Where a look stands in the arrays.

        Raises:
            ValueError: if the model was not looked at after so many updates.
        """
        if updates not in self.updates:
            raise ValueError(f"got {updates} updates; expected one of {[*self.updates]}.")
        return self.updates.index(updates)

    def table(self, updates: int) -> Table:
        """One row per lane, medians over its runs, after so many updates."""
        look = self.at(updates)
        columns = ("lane", "loss", "σ of the norms", "first layer's gradient", "last layer moves")
        rows = [
            [name, *(f"{value:.2g}" for value in _middles(lane, look))]
            for name, lane in self.lanes.items()
        ]
        return Table(columns, rows)


def _middles(lane: Lane, look: int) -> list[float]:
    sigma = np.exp(np.log(lane.norm_inputs[:, look]).mean(1))  # geometric: (R, S) -> (R,)
    seen = (lane.loss[:, look], sigma, lane.gradients[:, look, 0], lane.moved[:, look, -1])
    return [float(np.median(values)) for values in seen]  # over runs: (R,) -> ()


def follow_layers(config: TrainConfig, stops: Sequence[int] = STOPS) -> list[dict[str, object]]:
    """Train, and look at all layers after each number of updates: one row for each.

    >>> rows = follow_layers(replace(CONFIG, decoder_layers=1), stops=[0, 2])
    >>> [(row["updates"], len(split(str(row["moved"])))) for row in rows]
    [(0, 2), (2, 2)]
    """
    run, rows = Run(config, torch.device("cpu")), list[dict[str, object]]()
    for updates in stops:
        while len(run.losses) < updates:
            run.step()
        look, before = look_at_layers(run), stream(run)
        run.step()  # the next update, of which `moved` tells
        moved = (stream(run) - before).flatten(1).norm(dim=1)  # (L + 1, B, T, D) -> (L + 1,)
        numbers = vars(look) | {"moved": moved / before.flatten(1).norm(dim=1)}
        cells = {name: joined(np.atleast_1d(numbers[name]).tolist()) for name in _NUMBERS}
        rows.append({"updates": updates, "chance": f"{run.task.chance:.4f}", **cells})
    return rows


def write_training_steps(
    path: Path,
    layers: int = CONFIG.decoder_layers,
    seeds: Sequence[int] = SEEDS,
    stops: Sequence[int] = STOPS,
) -> None:
    """Train every lane with every seed, and write one row for each look."""
    runs = [(name, seed) for name in LANES for seed in seeds]
    rows: list[dict[str, object]] = []
    with one_thread():
        for name, seed in progress_bar(runs, "training steps"):
            config = replace(LANES[name], decoder_layers=layers, seed=seed)
            rows += [{"lane": name, "seed": seed, **row} for row in follow_layers(config, stops)]
    write_rows(path, rows, "normlab remake training_steps")


def load_training_steps() -> TrainingSteps:
    """The runs that come with the package.

    >>> steps = load_training_steps()
    >>> steps.lanes["pre-norm"].trained(steps.chance) == len(SEEDS)
    True
    """
    return read_training_steps(STORED)


def read_training_steps(path: Path) -> TrainingSteps:
    """The runs in a file that `write_training_steps` wrote.

    Raises:
        OSError: if there is no such file.
    """
    rows = read_rows(path)
    updates = sorted({int(row["updates"]) for row in rows})
    names = dict.fromkeys(row["lane"] for row in rows)
    lanes = {
        name: _lane([row for row in rows if row["lane"] == name], len(updates)) for name in names
    }
    return TrainingSteps(updates, lanes, float(rows[0]["chance"]))


def _lane(rows: Sequence[Mapping[str, str]], looks: int) -> Lane:
    """Rows by seed, then by updates: R·U of them -> (R, U, …)."""
    arrays = [np.array([split(row[name]) for row in rows]) for name in _NUMBERS]
    loss, spread, *layers = (a.reshape(-1, looks, a.shape[1]) for a in arrays)  # -> (R, U, n)
    return Lane(loss[:, :, 0], spread[:, :, 0], *layers)
