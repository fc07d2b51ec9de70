"""Whether what lies in a folder or a zip file is a class, or one student's upload."""

import re
from collections import Counter
from collections.abc import Sequence

from normlab.grading.collecting.handed_in import DEEPEST
from normlab.grading.collecting.names import EXERCISE_NAMES, OLD, read_name, without_archive
from normlab.grading.collecting.naming import logins_of_clones
from normlab.grading.collecting.owners import owner_by_hand, owner_by_system
from normlab.grading.collecting.tops import METADATA, SUBMITTED, Top, tops_of

NO_STUDENT = re.compile(
    r"(?:weeks?|woche|semaine|semana|assignments?|attempts?|versuch|versions?|v|hw|homework|"
    r"exercises?|ex|sheet|tasks?|labs?|part|units?|modules?|try|drafts?|final|src|code|notebooks?|"
    r"solutions?|answers?|new|neu|data|tests?|docs?|figures?|images?|normlab)[\s_-]*\d{0,3}",
    re.IGNORECASE,
)
"""What folders for weeks, attempts and parts of an upload are called."""
SEVERAL_STUDENTS = re.compile(
    r"(?:sections?|groups?|class(?:es)?|courses?|kurs|klasse|gruppe|tutorials?|students|all|top|"
    r"downloads?|exports?|uploads?|submissions?|collected|abgaben?)?[\s_-]*"
    r"(?:[a-z]|\d{1,3})?",
    re.IGNORECASE,
)
"""What parts of a class are called."""


def classes_within(tops: Sequence[Top]) -> bool:
    """Whether each of these is no student's, but holds students' uploads itself.

    One student could make one upload look so. So all of them must; and what only looks like a
    class by folders' names counts where there is nothing else, or where all hold the same names.
    """
    if not tops or any(top.is_file or owner_by_system(top.name) for top in tops):
        return False
    if len(tops) == 1:
        return _holds_a_class(tops[0], DEEPEST)
    if _are_named_after_exercises(tops) or all(map(_is_of_a_system, tops)):
        return True
    return _look_like_classes(tops) and (_hold_the_same_names(tops) or _are_parts_of_a_class(tops))


def may_be_classes_or_students(tops: Sequence[Top]) -> bool:
    """Whether folders may be parts of a class as well as students with several versions each."""
    return (
        not any(top.is_file or owner_by_system(top.name) for top in tops)
        and _look_like_classes(tops)
        and not _are_named_after_exercises(tops)
        and not all(map(_is_of_a_system, tops))
        and not _are_parts_of_a_class(tops)
    )


def may_be_a_class(top: Top, deepest: int = DEEPEST) -> bool:
    """Whether what is taken for one student's may be a class's, or a part of one."""
    subs = top.tops
    if deepest == 0 or owner_by_system(top.name):
        return False
    if len(subs) == 1 and not subs[0].is_file:
        return may_be_a_class(subs[0], deepest - 1)
    only_folders = not any(sub.is_file for sub in subs) and not _are_parts_of_an_upload(subs)
    return _has_two_owners(top) or (only_folders and _repeats(subs))


def is_nbgraders(tops: Sequence[Top]) -> bool:
    """Whether these lie in nbgrader's folder `submitted`: folders of students."""
    wanted = [top for top in tops if top.may_be_handed_in]
    return any(top.is_folder for top in wanted) and not any(owner_by_system(t.name) for t in wanted)


def is_gradescopes(tops: Sequence[Top]) -> bool:
    """Whether Gradescope's metadata lie here, beside folders.

    In Google Classroom students call their files as they like, and all are loose.
    """
    loose = [top for top in tops if top.is_file]
    return (
        any(top.name == METADATA for top in loose)
        and any(top.is_folder for top in tops)
        and not any(top.may_be_handed_in and owner_by_hand(top.name, True) for top in loose)
    )


def submitted_among(tops: Sequence[Top]) -> Top | None:
    """The folder that nbgrader collects into, if it is one of these."""
    folders = (top for top in tops if top.is_folder and top.name == SUBMITTED)
    return next((top for top in folders if is_nbgraders(top.tops)), None)


def _holds_a_class(top: Top, deepest: int) -> bool:
    """Whether the only thing that there is holds a class."""
    subs = top.tops
    if deepest == 0 or not subs or owner_by_system(top.name):
        return False
    if logins_of_clones(top.name, subs) or submitted_among(subs) or all(map(_by_system, subs)):
        return True
    if is_gradescopes(tops_of(top.contents)):
        return True
    if _are_parts_of_a_class([top]) and _all_owned(subs) and not _are_parts_of_an_upload(subs):
        return True
    if len(subs) == 1 and not subs[0].is_file:
        return _holds_a_class(subs[0], deepest - 1)
    if _has_two_owners(top) or classes_within(subs) or sum(sub.is_archive for sub in subs) > 1:
        return True
    return not _are_parts_of_an_upload(subs) and (_repeats(subs) or _are_several_folders(subs))


def _by_system(top: Top) -> bool:
    return owner_by_system(top.name) is not None


def _are_several_folders(tops: Sequence[Top]) -> bool:
    current = [top for top in tops if top.name.lower() not in OLD]
    return len(current) > 1 and not any(top.is_file for top in tops)


def _are_named_after_exercises(tops: Sequence[Top]) -> bool:
    return all(read_name(f"{top.name}.zip").exercise and _all_owned(top.tops) for top in tops)


def _look_like_classes(tops: Sequence[Top]) -> bool:
    return len(tops) > 1 and all(
        _repeats(top.tops) and not _are_parts_of_an_upload(top.tops) for top in tops
    )


def _hold_the_same_names(tops: Sequence[Top]) -> bool:
    return bool(set.intersection(*({sub.name for sub in top.tops} for top in tops)))


def _are_parts_of_a_class(tops: Sequence[Top]) -> bool:
    names = [without_archive(top.name) for top in tops]
    return all(SEVERAL_STUDENTS.fullmatch(name) or NO_STUDENT.fullmatch(name) for name in names)


def _are_parts_of_an_upload(tops: Sequence[Top]) -> bool:
    """Whether the folders among these are called as nobody is."""
    names = [top.name for top in tops if top.is_folder]
    return bool(names) and all(
        NO_STUDENT.fullmatch(name) or name.lower() in OLD or read_name(f"{name}.zip").exercise
        for name in names
    )


def _is_of_a_system(top: Top) -> bool:
    """Whether a learning system has named all in it, or much of it."""
    return bool(top.tops) and (all(map(_by_system, top.tops)) or _has_two_owners(top))


def _has_two_owners(top: Top) -> bool:
    owners = (owner_by_system(sub.name) for sub in top.tops)
    return len({(owner.system, owner.id, owner.name) for owner in owners if owner}) > 1


def _all_owned(tops: Sequence[Top]) -> bool:
    return bool(tops) and all(not t.is_file or owner_by_hand(t.name, True) for t in tops)


def _repeats(tops: Sequence[Top]) -> bool:
    """Whether several of these answer one exercise; old versions and copies do not count."""
    counts = Counter(each for top in tops for each in _claims(top))
    return max(counts.values(), default=0) > 1


def _claims(top: Top) -> set[str]:
    """The exercises that a student's folder, or a file with a student's name, says to answer."""
    if top.name.lower() in OLD:
        return set()
    if top.is_file:
        name = read_name(top.name)
        return {name.exercise} if name.before and name.version >= 0 else set()
    return {read_name(file.name).exercise for file in top.contents} & {*EXERCISE_NAMES}
