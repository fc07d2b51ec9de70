"""How much mean the norms of a trained model find in its residual stream.

`normlab remake stream_means` trains the models again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from normlab.chapters.rms_norm.centering import mean_share
from normlab.models.transformer import Transformer
from normlab.norms import FloatArray
from normlab.probes import watched_inputs
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import joined, read_rows, split, write_rows
from normlab.tools.timing import one_thread
from normlab.training.config import TrainConfig
from normlab.training.run import Run

STORED = Path(__file__).with_name("stream_means.csv")
CONFIG = TrainConfig(
    task="characters", decoder_layers=6, placement="pre-norm", d_model=64, d_ff=256, tokens=32,
    batch=16, steps=1500, learning_rate=2e-3, warmup_steps=100,
)  # fmt: skip
SEEDS, SHORT = (0, 1, 2), 200
NAMES = {"layer_norm": "LayerNorm", "rms_norm": "RMSNorm"}
TIMES = ("initial", "trained")


@dataclass(frozen=True)
class StreamMeans:
    """The mean share of what each norm of a pre-norm model reads, before and after training.

    Attributes:
        width: features D of the stream.
        layers: how many layers lie below each norm (P,); 0.5 is after a layer's attention, and
            the last is the final norm.
        shares: by (norm, "initial" or "trained"): one row for each seed (S, P). Each is the mean
            of mean(x)²/mean(x²) over the tokens of a batch that was not trained on.
        losses: by norm, the loss at the end of training, in nats, for each seed.
        chance: the loss of guessing without reading.
    """

    width: int
    layers: FloatArray
    shares: Mapping[tuple[str, str], FloatArray]
    losses: Mapping[str, Sequence[float]]
    chance: float

    def over_seeds(self, norm: str, when: str) -> FloatArray:
        """The least, the mean and the greatest share of the seeds at each place (3, P)."""
        shares = self.shares[norm, when]  # (S, P)
        return np.stack([shares.min(0), shares.mean(0), shares.max(0)])  # (S, P) -> (P,) each


def load_stream_means() -> StreamMeans:
    """The stored shares.

    >>> load_stream_means().width
    64
    """
    rows = read_rows(STORED)
    shares = {
        (name, time): np.array(
            [split(row["shares"]) for row in rows if (row["norm"], row["when"]) == (name, time)]
        )
        for name in NAMES.values()
        for time in TIMES
    }
    ends = [row for row in rows if row["when"] == "trained"]
    return StreamMeans(
        width=int(rows[0]["d_model"]),
        layers=np.array(split(rows[0]["layers"])),
        shares=shares,
        losses={n: [float(r["loss"]) for r in ends if r["norm"] == n] for n in NAMES.values()},
        chance=float(rows[0]["chance"]),
    )


def stream_shares(
    run: Run, kinds: tuple[type[nn.Module], ...] = (nn.LayerNorm, nn.RMSNorm)
) -> list[float]:
    """The mean share of what each norm of these kinds reads, in the order of the forward pass.

    The batch is the one that the run's next step would train on: the run has not seen it.
    """
    norms = [m for m in run.model.decoder.modules() if isinstance(m, kinds)]
    batch = run.task.batch(run.config.batch, run.config.seed, len(run.losses))
    with torch.no_grad(), watched_inputs(norms) as read:
        run.model(torch.tensor(batch.inputs))
    tokens = [x.flatten(0, 1).double().numpy() for x in read]  # (B, T, D) -> (B·T, D)
    return [float(mean_share(rows).mean()) for rows in tokens]  # (B·T,) -> ()


def train_and_watch(config: TrainConfig) -> list[dict[str, object]]:
    """Two rows of the stored result: the run at its start, and at its end."""
    run = Run(config, torch.device("cpu"))
    rows = [_row(run, "initial")]
    _train(run)
    return [*rows, _row(run, "trained")]


def _train(run: Run) -> None:
    title = f"{run.config.norm}, seed {run.config.seed}"
    for _ in progress_bar(range(run.config.steps), title, note=run.note):
        run.step()


def means_with(norm: type[nn.Module], steps: int = SHORT) -> StreamMeans:
    """The stored shares of LayerNorm, and those of one short run with another norm for RMSNorm.

    Args:
        norm: `norm(dim)` makes one.
        steps: of its training, from the stored runs' first seed.
    """
    config = replace(CONFIG, norm="rms_norm", steps=steps)
    run = Run(
        config,
        torch.device("cpu"),
        Transformer(replace(config.model(), norm=norm), config.seed),
    )
    shares = {("RMSNorm", "initial"): np.array([stream_shares(run, (norm,))])}
    _train(run)
    shares["RMSNorm", "trained"] = np.array([stream_shares(run, (norm,))])
    stored, last = load_stream_means(), run.losses[-50:]
    losses = {**stored.losses, "RMSNorm": [sum(last) / len(last)]}
    return replace(stored, shares={**stored.shares, **shares}, losses=losses)


def _row(run: Run, when: str) -> dict[str, object]:
    config, last = run.config, run.losses[-50:]
    places = np.arange(2 * config.decoder_layers + 1) / 2  # of 2L norms and the final one
    return {
        "norm": NAMES[config.norm],
        "seed": config.seed,
        "when": when,
        "steps": len(run.losses),
        "d_model": config.d_model,
        "layers": joined(places),
        "shares": joined(stream_shares(run)),
        "loss": f"{sum(last) / len(last):.3f}" if last else "",
        "chance": f"{run.task.chance:.3f}",
    }


def write_stream_means(path: Path, seeds: Sequence[int] = SEEDS, steps: int = CONFIG.steps) -> None:
    """Train every seed with either norm, and write what its norms read."""
    runs = [replace(CONFIG, norm=norm, seed=s, steps=steps) for norm in NAMES for s in seeds]
    with one_thread():
        rows = [row for config in runs for row in train_and_watch(config)]
    write_rows(path, rows, "normlab remake stream_means")
