"""Where the course's notebooks stand, and where the learner's copies do."""

import os
from dataclasses import dataclass
from pathlib import Path

COURSE = Path(__file__).parents[2]
IN_COURSE = (COURSE / "exercises" / "01_layer_norm.ipynb").exists()
"""Whether this runs in the course's own folder, and not as an installed package."""
SOURCES = COURSE if IN_COURSE else COURSE / "normlab" / "handed_out"
EXERCISES = SOURCES / "exercises"
_NAMED = os.path.expanduser(os.environ.get("NORMLAB_WORK", ""))
WORK = Path(_NAMED or (COURSE if IN_COURSE else Path.cwd()) / "work").absolute()
"""The learner's folder: `work/` of the course, or of the folder where one stands."""
FIRST = "00_start_here.ipynb"


@dataclass(frozen=True)
class Shelf:
    """A folder of the course, and what becomes of it in the learner's.

    Attributes:
        name: of the course's folder.
        place: in the learner's folder.
        links: (in the course's folder, in the learner's): how links begin that leave the folder.
    """

    name: str
    place: str
    links: tuple[str, str]


SHELVES = (
    Shelf("notebooks", ".", ("../exercises/", "exercises/")),
    Shelf("exercises", "exercises", ("../notebooks/", "../")),
    Shelf("solutions", "solutions", ("../notebooks/", "../")),
)
