"""Of several files of one student for one exercise: which one counts, and why not the others."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from normlab.grading.collecting.answers_in import Answer
from normlab.grading.collecting.names import read_name
from normlab.grading.collecting.owners import FILE_NAMES, GOOGLE, Owner
from normlab.grading.collecting.uploads import ALONE, Trouble

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

    answers: dict[tuple[str, str], tuple[Answer, Owner]] = field(default_factory=dict)
    others: list[tuple[str, str]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


def chosen_of(answers: Iterable[Answer], student_of: Callable[[Owner], str]) -> Chosen:
    """One file for each student and exercise: the newest.

    An attempt that the system says to be later counts for more than an earlier one, a file that is
    called as its exercise for more than one that only defines the functions, and what is no copy
    and not among old things for more than what is.
    """
    claims: dict[tuple[str, str], list[tuple[Answer, Owner]]] = defaultdict(list)
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


def _age(answer: Answer, owner: Owner) -> tuple[bool, float, bool, float, int, float, str]:
    attempt = 0.0 if owner.system == "Canvas" else owner.order  # Canvas has numbers of files
    current = answer.version >= 0
    changed = answer.file.changed
    return (
        *(current, attempt, answer.named, owner.order, answer.version, changed),
        answer.file.origin,
    )


def _is_contested(ordered: Sequence[tuple[Answer, Owner]]) -> bool:
    """Whether two students may have called their files alike."""
    current = [claim for claim in ordered if claim[0].version >= 0]
    if len(current) < 2:
        return False
    if any(owner.system in BY_STUDENTS for _, owner in current):
        return True
    (first, owner), (second, _) = current[:2]
    alike = first.named == second.named and _called(first) == _called(second)
    return owner.system == ALONE and first.named == second.named and not alike


def _called(answer: Answer) -> str:
    name = read_name(answer.file.name)
    return f"{name.before}{name.exercise}" if answer.named else answer.file.name
