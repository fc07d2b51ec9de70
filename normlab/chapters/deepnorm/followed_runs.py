"""The stored changes of chapter 08 that are followed through 32 layers.

`normlab remake followed_changes` makes them again, in two minutes on one core.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from normlab.chapters.deepnorm.one_step import study_config
from normlab.chapters.deepnorm.seeds import plus_minus, standard_error, typical
from normlab.norms import FloatArray
from normlab.probes import follow_change
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
        sizes: ‖Δx‖/‖x‖ after each layer, (seeds, L), by stack, tokens in a sequence, and change.
    """

    sizes: Mapping[tuple[str, int, str], FloatArray]

    def growth(self, stack: str, tokens: int, kind: str) -> FloatArray:
        """The change over what it was after layer 1 (seeds, L)."""
        sizes = self.sizes[stack, tokens, kind]
        return sizes / sizes[:, :1]

    def said_growth(self, stack: str, tokens: int, kind: str) -> str:
        """Its geometric mean at the top, with the standard error."""
        last = self.growth(stack, tokens, kind)[:, -1]
        value = float(typical(last))
        return plus_minus(value, value * standard_error(np.log(last)))

    def table(self) -> Table:
        """One row per stack, tokens and change: its growth, and at the end its standard error."""
        layers = (2, 4, 8, 16)
        columns = ("stack", "tokens", "what changes", "size", *(f"layer {n}" for n in layers))
        rows = []
        for (stack, tokens, kind), sizes in self.sizes.items():
            grown = typical(self.growth(stack, tokens, kind))
            first = f"{typical(sizes)[0]:.2g}"
            cells = [f"{grown[n - 1]:.2g}" for n in layers]
            said = self.said_growth(stack, tokens, kind)
            rows.append([stack, tokens, KINDS[kind], first, *cells, said])
        return Table((*columns, f"layer {sizes.shape[1]}"), rows)


def load_followed() -> FollowedChanges:
    """The changes that come with the package.

    Example:
        >>> followed = load_followed()
        >>> followed.growth("DeepNorm", 16, "sgd").shape
        (12, 32)
    """
    seeds: dict[tuple[str, int, str], list[list[float]]] = {}
    for row in read_rows(STORED):
        seeds.setdefault((row["stack"], int(row["tokens"]), row["change"]), []).append(
            split(row["sizes"])
        )
    return FollowedChanges({key: np.array(sizes) for key, sizes in seeds.items()})


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
