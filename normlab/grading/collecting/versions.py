"""Of several files of one student for one exercise: which one counts, and why not the others."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from normlab.checks.cells import UnreadableFile
from normlab.grading.collecting.answers_in import OLD_THING, Answer
from normlab.grading.collecting.names import read_name
from normlab.grading.collecting.owners import FILE_NAMES, GOOGLE, Owner
from normlab.grading.collecting.uploads import ALONE, Trouble

Claim: TypeAlias = tuple[Answer, Owner]
BY_STUDENTS = (FILE_NAMES, GOOGLE)
"""Here a student chooses the whole name of his or her file, and could choose another's."""
KEEP_ONE = "remove all but one, or put each student's files into a folder of their own"


@dataclass
class Chosen:
    """What is graded.

    Args:
        answers: (student, exercise) -> the file, and its owner.
        others: (origin, why it is not graded).
        troubles: where nothing tells which file counts.
    """

    answers: dict[tuple[str, str], Claim] = field(default_factory=dict)
    others: list[tuple[str, str]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


def chosen_of(answers: Iterable[Answer], student_of: Callable[[Owner], str]) -> Chosen:
    """One file for each student and exercise: the newest.

    An attempt that the system says to be later counts for more than an earlier one, a file that is
    called as its exercise for more than one that only defines the functions, and what is no copy
    and not among old things for more than what is.
    """
    claims: dict[tuple[str, str], list[Claim]] = defaultdict(list)
    for answer in answers:
        for owner in answer.upload.owners:
            claims[student_of(owner), answer.exercise].append((answer, owner))
    chosen = Chosen()
    for (student, exercise), claimed in claims.items():
        ordered = sorted(claimed, key=lambda claim: _age(*claim), reverse=True)
        files = [answer.file.origin for answer, _ in ordered]
        if _is_contested(ordered):
            reason = f"several files say to be {exercise} of {student}, and nothing tells which is"
            chosen.troubles += [Trouble(file, reason, KEEP_ONE) for file in dict.fromkeys(files)]
            continue
        chosen.answers[student, exercise] = ordered[0]
        older = f"another version counts: {files[0]}"
        chosen.others += [(file, older) for file in files[1:] if file != files[0]]
    return chosen


def _age(answer: Answer, owner: Owner) -> tuple[bool, float, bool, bool, float, int, float, str]:
    attempt = 0.0 if owner.system == "Canvas" else owner.order  # Canvas has numbers of files
    changed = answer.file.changed
    return (
        *(answer.version > OLD_THING, attempt, answer.version >= 0, answer.named, owner.order),
        *(answer.version, changed, answer.file.origin),
    )


def _is_contested(ordered: Sequence[Claim]) -> bool:
    """Whether two students may have called their files alike, or nothing tells the last attempt."""
    if any(owner.system in BY_STUDENTS for _, owner in ordered):
        return len(ordered) > 1 and not _are_copies(ordered)
    current = [claim for claim in ordered if claim[0].version >= 0]
    if len(current) < 2:
        return False
    (first, owner), (second, other) = current[:2]
    if owner.system == ALONE:
        return first.named == second.named and _called(first) != _called(second)
    if owner.system == other.system == "Canvas":
        return owner.name != other.name
    undated = owner.system == other.system == "Brightspace" and not owner.order * other.order
    return undated and first.upload.name != second.upload.name


def _are_copies(claims: Sequence[Claim]) -> bool:
    """Whether all files are the same to the byte."""
    try:
        first = claims[0][0].file.read()
        return all(answer.file.read() == first for answer, _ in claims[1:])
    except UnreadableFile:
        return False


def _called(answer: Answer) -> tuple[str, ...]:
    name = read_name(answer.file.name)
    own = (name.before, name.exercise, name.after) if answer.named else (answer.file.name,)
    return (*answer.file.folders, *own)
