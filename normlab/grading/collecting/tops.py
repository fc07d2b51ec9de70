"""What lies on top of a folder or a zip file: folders, archives, and loose files."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from normlab.checks.cells import UnreadableFile
from normlab.grading.collecting.handed_in import HandedIn, listed
from normlab.grading.collecting.names import is_archive, is_graded

SUBMITTED, METADATA = "submitted", "submission_metadata.yml"
"""The folder that nbgrader collects into; what Gradescope says of an export."""
ITS_MARK = "pyvenv.cfg"
"""In an environment of Python, whatever it is called."""


@dataclass(frozen=True)
class Top:
    """A folder with all that is in it, an archive, or a loose file.

    Args:
        name: of it.
        files: in the folder, seen from inside; of an archive or a loose file, that file alone.
        is_folder: whether it is a folder.
    """

    name: str
    files: tuple[HandedIn, ...]
    is_folder: bool

    @property
    def is_archive(self) -> bool:
        return not self.is_folder and is_archive(self.name)

    @property
    def is_file(self) -> bool:
        return not self.is_folder and not self.is_archive

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
        """The files in it; none in a loose file, or in an archive that cannot be opened."""
        if self.is_folder:
            return self.files
        try:
            return tuple(listed(self.files[0])) if self.files[0].is_zip else ()
        except UnreadableFile:
            return ()

    @cached_property
    def tops(self) -> list["Top"]:
        """What may be handed in, on top of its contents."""
        return [top for top in tops_of(self.contents) if top.may_be_handed_in]


def tops_of(files: Iterable[HandedIn]) -> list[Top]:
    """What lies on top, in the order of the files; an editor's and a system's own files are not
    among it."""
    there = list(files)
    environments = {f.folders for f in there if f.name == ITS_MARK and len(f.folders) == 1}
    folders: dict[str, list[HandedIn]] = {}
    loose: list[Top] = []
    for file in there:
        if file.is_junk or file.folders[:1] in environments:
            continue
        if file.folders:
            folders.setdefault(file.folders[0], []).append(file.inside())
        elif file.name:
            loose.append(Top(file.name, (file,), is_folder=False))
    return [*(Top(name, tuple(inside), True) for name, inside in folders.items()), *loose]
