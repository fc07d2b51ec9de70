"""What an upload answers: a look into it, whose cost is bounded."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from normlab.checks.cells import UnreadableFile, notebook_cells, python_cells
from normlab.exercises import FUNCTIONS
from normlab.grading.collecting.budget import Budget, TooMuch
from normlab.grading.collecting.handed_in import HandedIn, unpacked
from normlab.grading.collecting.names import (
    EXERCISE_NAMES,
    OLD,
    is_archive,
    is_graded,
    read_name,
)
from normlab.grading.collecting.uploads import Trouble, Upload

MOST_CODE, MOST_CELLS = 2**20, 2000
"""Characters of code, and cells, in a file of which only what it defines tells the exercise."""
OLD_THING = -2
"""The version of what lies in a folder for old things; a copy's is -1."""
SYSTEMS_OWN = "an editor's or a system's own file"
NOT_ASKED = "neither a notebook nor a .py file"
NO_EXERCISE = "neither its name nor what it defines belongs to an exercise"
FOR_A_ZIP = "unpack it here, or ask for a zip file"
FOR_A_NOTEBOOK = "ask for the notebook alone"


@dataclass(frozen=True)
class Answer:
    """A file that answers an exercise.

    Args:
        upload: that it came in.
        exercise: such as "01_layer_norm".
        file: itself.
        named: whether its name says the exercise.
        version: of its name, -1 for copies, `OLD_THING` for what lies among old things.
    """

    upload: Upload
    exercise: str
    file: HandedIn
    named: bool
    version: int


@dataclass
class Found:
    """What a look into an upload has found.

    Args:
        answers: files that answer an exercise.
        others: (origin, why it is not graded).
        troubles: what could not be opened.
        files: notebooks, .py files and archives in it.
    """

    answers: list[Answer] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    files: int = 0


def answers_in(upload: Upload) -> Found:
    """Look into an upload; zip files are opened, within the budget that an upload has."""
    found, budget = Found(), Budget()
    try:
        for file in _opened(upload, budget):
            _sort(file, upload, budget, found)
    except TooMuch as error:
        origin = upload.files[0].origin
        reason = f"{error}; what lies before that is graded"
        found.troubles.append(Trouble(origin, reason, FOR_A_NOTEBOOK))
    return found


def _opened(upload: Upload, budget: Budget) -> Iterator[HandedIn]:
    for file in upload.files:
        if not file.is_zip or file.is_junk:
            yield file
            continue
        for inner in unpacked(file, budget):
            yield replace(inner, folders=(*file.folders, *inner.folders))


def _sort(file: HandedIn, upload: Upload, budget: Budget, found: Found) -> None:
    name = file.name.lower()
    if file.is_junk:
        found.others.append((file.origin, SYSTEMS_OWN))
    elif is_graded(name):
        found.files += 1
        _read(file, upload, budget, found)
    elif is_archive(name):
        found.files += 1
        found.troubles.append(Trouble(file.origin, _why_closed(file), FOR_A_ZIP))
    elif name:
        found.others.append((file.origin, NOT_ASKED))


def _why_closed(file: HandedIn) -> str:
    if not file.name.lower().endswith(".zip"):
        return "it is an archive of a kind that is not opened"
    if file.is_zip:
        return "it is a zip file, too deep in others"
    try:
        file.read()
    except UnreadableFile as error:
        return str(error).removeprefix(f"{file.origin} ").rstrip(".")
    return "it is no zip file"


def _read(file: HandedIn, upload: Upload, budget: Budget, found: Found) -> None:
    name = read_name(_own_name(file, upload))
    try:
        exercise = name.exercise or _by_content(file, budget)
    except TooMuch:
        raise
    except UnreadableFile as error:
        found.others.append((file.origin, str(error).removeprefix(f"{file.origin} ")))
        return
    if not exercise:
        found.others.append((file.origin, NO_EXERCISE))
        return
    old = any(folder.lower() in OLD for folder in file.folders)
    version = OLD_THING if old else name.version
    found.answers.append(Answer(upload, exercise, file, bool(name.exercise), version))


def _own_name(file: HandedIn, upload: Upload) -> str:
    """The name that the student gave the file, without what a system put before it."""
    is_upload = file.name == upload.name and not file.folders
    return upload.owners[0].rest or file.name if is_upload else file.name


def _by_content(file: HandedIn, budget: Budget) -> str:
    """The exercise of which a file defines most functions, "" if it defines none."""
    data = file.read()
    budget.spend(bytes_read=len(data))
    read = notebook_cells if file.name.lower().endswith(".ipynb") else python_cells
    cells = read(file.name, data)
    if len(cells) > MOST_CELLS or sum(len(cell.source) for cell in cells) > MOST_CODE:
        raise UnreadableFile(f"holds more than {MOST_CODE / 2**20:.0f} MB or {MOST_CELLS:,} cells")
    defined = {name for cell in cells for name in cell.defines()}
    counts = [len(defined & set(functions)) for functions in FUNCTIONS.values()]
    return EXERCISE_NAMES[counts.index(max(counts))] if max(counts) else ""
