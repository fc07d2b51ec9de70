"""`normlab grade --list`: who handed in what, before anything is graded."""

import os
import sys
from pathlib import Path

from normlab.grading.collect import Collection, collect
from normlab.grading.collecting.roster import Roster
from normlab.grading.collecting.roster_file import read_roster
from normlab.grading.summary import what_cannot_be_assigned, what_is_there

WRONG = 2


def list_command(submissions: Path, roster: Path | None) -> int:
    """Say who handed in what, and grade nothing.

    0 if everything is somebody's; 1 if something cannot be assigned; 2 if the input was wrong.
    """
    try:
        collection = collect(submissions, roster_of(roster))
        print(what_is_there(collection, submissions))
        need_some(collection, submissions)
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        print(f"normlab grade: {in_words(error)}", file=sys.stderr)
        return WRONG
    print(collection.who_handed_in_what())
    tell_troubles(collection)
    return int(bool(collection.troubles))


def need_some(collection: Collection, submissions: Path) -> None:
    """Raise a ValueError if there is nothing to grade, after all that is to be said of it."""
    if not collection.submissions:
        tell_troubles(collection)
        raise ValueError(
            f"there is no submission in {submissions}; expected notebooks or .py files of the "
            "exercises, in a folder or a zip file for each student, or as a platform packs them."
        )


def in_words(error: Exception) -> str:
    """What an error says, a system's without its number.

    >>> in_words(FileNotFoundError(2, "No such file or directory", "policy.toml"))
    'policy.toml: No such file or directory.'
    """
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}."
    return str(error)


def tell_troubles(collection: Collection) -> None:
    """Print what somebody has to look after."""
    if collection.troubles:
        print(what_cannot_be_assigned(collection), file=sys.stderr)


def roster_of(path: Path | None) -> Roster | None:
    """The roster in a file, if one is given."""
    return read_roster(path) if path else None
