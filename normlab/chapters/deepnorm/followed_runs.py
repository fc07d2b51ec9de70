"""The stored changes of chapter 08 that are followed through 32 layers.

`normlab remake followed_changes` makes them again, in two minutes on one core.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from normlab.chapters.deepnorm.one_step import study_config
from normlab.probes import DepthSweep, follow_change
from normlab.tools.error_bars import typical
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import joined, read_rows, split, write_rows
from normlab.tools.table import Table
from normlab.tools.timing import one_thread

STORED = Path(__file__).with_name("followed_changes.csv")
WIDTH, LAYERS = 128, 32
SEEDS = tuple(range(12))
STACKS = ("post-norm", "DeepNorm")
TOKENS = (16, 1)
KINDS = {
    "sgd": "SGD's step on layer 1",
    "random": "a random step on layer 1",
    "stream": "a random change of the stream",
}


@dataclass(frozen=True)
class FollowedChanges:
    """What becomes of small changes in layer 1, seed by seed.

    Attributes:
        sizes: ‖Δx‖/‖x‖ after each layer, by change, for each stack and tokens in a sequence.
    """

    sizes: Mapping[tuple[str, int], DepthSweep]

    def growth(self, stack: str, tokens: int) -> DepthSweep:
        """The changes over what they were after layer 1."""
        sizes = self.sizes[stack, tokens]
        grown = {kind: size / size[:, :1] for kind, size in sizes.measured.items()}
        return replace(sizes, measured=grown)

    def said_growth(self, stack: str, tokens: int, kind: str) -> str:
        """The typical one at the top, with its standard error."""
        return typical(self.growth(stack, tokens).measured[kind][:, -1])

    def table(self) -> Table:
        """One row per stack, tokens and change: its growth, and at the end its standard error."""
        layers = (2, 4, 8, 16)
        columns = ("stack", "tokens", "what changes", *(f"layer {n}" for n in layers), "layer 32")
        rows = []
        for stack, tokens in self.sizes:
            for kind, grown in self.growth(stack, tokens).values.items():
                cells = [f"{grown[n - 1]:.1f}" for n in layers]
                said = self.said_growth(stack, tokens, kind)
                rows.append([stack, tokens, KINDS[kind], *cells, said])
        return Table(columns, rows)


def load_followed_changes() -> FollowedChanges:
    """The changes that come with the package.

    Example:
        >>> followed = load_followed_changes()
        >>> followed.growth("DeepNorm", 16).measured["sgd"].shape
        (12, 32)
    """
    seeds: dict[tuple[str, int], dict[str, list[list[float]]]] = {}
    for row in read_rows(STORED):
        kinds = seeds.setdefault((row["stack"], int(row["tokens"])), {})
        kinds.setdefault(row["change"], []).append(split(row["sizes"]))
    layers = range(1, LAYERS + 1)
    return FollowedChanges(
        {
            model: DepthSweep(layers, {kind: np.array(sizes) for kind, sizes in kinds.items()})
            for model, kinds in seeds.items()
        }
    )


def measure_followed(
    stack: str, tokens: int, seed: int, layers: int = LAYERS
) -> list[dict[str, object]]:
    """The rows of one model, 64 tokens in all: one for each kind of change."""
    config = replace(study_config(stack, layers), d_model=WIDTH, d_ff=4 * WIDTH)
    followed = asdict(follow_change(config, seed, 64 // tokens, tokens))
    model = {"stack": stack, "tokens": tokens, "d_model": WIDTH, "seed": seed}
    return [{**model, "change": kind, "sizes": joined(followed[kind])} for kind in KINDS]


def write_followed(path: Path, layers: int = LAYERS, seeds: Sequence[int] = SEEDS) -> None:
    """Follow every kind of change through every stack, and write one row for each seed."""
    runs = [(stack, tokens, seed) for stack in STACKS for tokens in TOKENS for seed in seeds]
    with one_thread():
        measured = [measure_followed(*run, layers) for run in progress_bar(runs, "followed")]
    rows = [row for rows in measured for row in rows]
    write_rows(path, rows, "normlab remake followed_changes")
