"""What lies on top of a folder or a zip file: folders, zip files, and loose files."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from normlab.checks.cells import UnreadableFile
from normlab.grading.collecting.handed_in import DEEPEST, HandedIn, listed
from normlab.grading.collecting.names import EXERCISE_NAMES, OLD, is_graded, read_name
from normlab.grading.collecting.owners import owner_by_hand, owner_by_system

SUBMITTED, METADATA = "submitted", "submission_metadata.yml"
"""The folder that nbgrader collects into; what Gradescope says of an export."""


@dataclass(frozen=True)
class Top:
    """A folder with all that is in it, a zip file, or a loose file.

    Args:
        name: of it.
        files: in the folder, seen from inside; of a zip or loose file, that file alone.
        is_folder: whether it is a folder.
    """

    name: str
    files: tuple[HandedIn, ...]
    is_folder: bool

    @property
    def is_zip(self) -> bool:
        return not self.is_folder and self.files[0].is_zip

    @property
    def is_file(self) -> bool:
        return not self.is_folder and not self.is_zip

    @property
    def may_be_handed_in(self) -> bool:
        return not self.is_file or is_graded(self.name)

    def as_handed_in(self) -> tuple[HandedIn, ...]:
        """The files in it, seen from where it lies."""
        if not self.is_folder:
            return self.files
        return tuple(replace(file, folders=(self.name, *file.folders)) for file in self.files)

    @cached_property
    def contents(self) -> tuple[HandedIn, ...]:
        """The files in it; none in a loose file, or in a zip file that cannot be opened."""
        if self.is_folder:
            return self.files
        try:
            return tuple(listed(self.files[0])) if self.is_zip else ()
        except UnreadableFile:
            return ()

    @cached_property
    def tops(self) -> list["Top"]:
        """What may be handed in, on top of its contents."""
        return [top for top in tops_of(self.contents) if top.may_be_handed_in]


def tops_of(files: Iterable[HandedIn]) -> list[Top]:
    """What lies on top, in the order of the files; an editor's and a system's own files are not
    among it."""
    folders: dict[str, list[HandedIn]] = {}
    loose: list[Top] = []
    for file in files:
        if file.is_junk:
            continue
        if file.folders:
            folders.setdefault(file.folders[0], []).append(file.inside())
        elif file.name:
            loose.append(Top(file.name, (file,), is_folder=False))
    return [*(Top(name, tuple(inside), True) for name, inside in folders.items()), *loose]


def is_special(files: Iterable[HandedIn]) -> bool:
    """Whether nbgrader or Gradescope has arranged these files."""
    return any(
        file.folders[:1] == (SUBMITTED,) or (not file.folders and file.name == METADATA)
        for file in files
    )


def classes_within(tops: Sequence[Top]) -> bool:
    """Whether each of these is no student's, but holds students' uploads itself.

    One student could make one upload look so. So all of them must; and what only looks like a
    class by folders' names counts where there is nothing else, or where all hold the same names.
    """
    if not tops or any(top.is_file or owner_by_system(top.name) for top in tops):
        return False
    if len(tops) == 1:
        return _holds_a_class(tops[0], DEEPEST)
    named_after_exercises = all(
        read_name(f"{top.name}.zip").exercise and _all_owned(top.tops) for top in tops
    )
    names = [{sub.name for sub in top.tops} for top in tops]
    alike = all(_repeats(top.tops) for top in tops) and bool(set.intersection(*names))
    return named_after_exercises or alike or all(_has_two_owners(top) for top in tops)


def _holds_a_class(top: Top, deepest: int) -> bool:
    """Whether the only thing that there is holds a class."""
    subs = top.tops
    if deepest == 0 or not subs or owner_by_system(top.name):
        return False
    if is_special(top.contents) or all(owner_by_system(sub.name) for sub in subs):
        return True
    if len(subs) == 1 and not subs[0].is_file:
        return _holds_a_class(subs[0], deepest - 1)
    return _has_two_owners(top) or _repeats(subs) or sum(sub.is_zip for sub in subs) > 1


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
