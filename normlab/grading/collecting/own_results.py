"""What earlier runs have left below the folder of submissions: no submission of anybody."""

import re
from collections.abc import Iterable, Iterator

from normlab.grading.collecting.handed_in import HandedIn

MARK = "grades.sqlite"
"""In every folder of results."""
OF_A_RUN = re.compile(
    r"grades\.sqlite.*|overview\.html|overrides\.toml"
    r"|(gradebook|canvas|moodle|nbgrader|changes|alike|files)\.csv|feedback-(canvas|moodle)\.zip"
    r"|students/[^/]+/(feedback\.html|results\.json(\..*)?)"
)
"""Paths in a folder of results. A notebook or .py file is never among them."""


def without_results(files: Iterable[HandedIn]) -> Iterator[HandedIn]:
    """All files but those that a run of the grader has written, and its overrides."""
    there = list(files)
    homes = {file.folders for file in there if file.name == MARK}
    return (file for file in there if not _is_of_a_run(file, homes))


def _is_of_a_run(file: HandedIn, homes: set[tuple[str, ...]]) -> bool:
    path = (*file.folders, file.name)
    homes_around = (n for n in range(len(path)) if path[:n] in homes)
    return any(OF_A_RUN.fullmatch("/".join(path[n:])) for n in homes_around)
