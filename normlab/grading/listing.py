"""`normlab grade --list`: who handed in what, before anything is graded."""

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
    except (ValueError, OSError) as error:
        print(f"normlab grade: {error}", file=sys.stderr)
        return WRONG
    print(what_is_there(collection, submissions))
    print(collection.who_handed_in_what())
    tell_troubles(collection)
    return int(bool(collection.troubles))


def tell_troubles(collection: Collection) -> None:
    """Print what somebody has to look after."""
    if collection.troubles:
        print(what_cannot_be_assigned(collection), file=sys.stderr)


def roster_of(path: Path | None) -> Roster | None:
    """The roster in a file, if one is given."""
    return read_roster(path) if path else None
