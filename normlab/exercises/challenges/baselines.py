"""What the course's own recipes give under the same budget, trained once and stored.

`normlab remake challenges` makes them again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from normlab.exercises.challenges.challenge import Outcome, read_outcome
from normlab.tools.stored_rows import read_rows

STORED = Path(__file__).with_name("challenges.csv")


@dataclass(frozen=True)
class Baseline:
    """A recipe of the course, and what it gave.

    Args:
        function: of the challenge.
        name: of the recipe.
        outcome: as an attempt's.
    """

    function: str
    name: str
    outcome: Outcome


def load_baselines(function: str) -> list[Baseline]:
    """The stored recipes of a challenge, in the order in which a picture names them.

    >>> [baseline.name for baseline in load_baselines("pre_norm_change")][:2]
    ['pre-norm', 'LayerNorm Scaling']
    """
    return [_baseline(row) for row in read_rows(STORED) if row["challenge"] == function]


def _baseline(row: Mapping[str, str]) -> Baseline:
    return Baseline(row["challenge"], row["recipe"], read_outcome(row["outcome"]))
