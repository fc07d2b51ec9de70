"""What a class has uploaded, and what of it cannot be assigned to anybody."""

from collections import Counter
from dataclasses import dataclass, field

from normlab.grading.collecting.handed_in import HandedIn
from normlab.grading.collecting.owners import FILE_NAMES, FOLDERS, GOOGLE, Owner

ALONE, GITHUB, NBGRADER, GRADESCOPE = "alone", "GitHub Classroom", "nbgrader", "Gradescope"
IN_WORDS = {
    "Canvas": "a Canvas download",
    "Moodle": "a Moodle download",
    "Blackboard": "a Blackboard download",
    "Brightspace": "a Brightspace download",
    GOOGLE: "a Google Classroom download",
    GRADESCOPE: "a Gradescope export",
    NBGRADER: "nbgrader's folders",
    GITHUB: "a GitHub Classroom clone",
    FOLDERS: "a folder for each student",
    FILE_NAMES: "files named after students",
    ALONE: "one student's files",
}


@dataclass(frozen=True)
class Trouble:
    """What cannot be graded, or cannot be believed; and what the teacher can do about it."""

    what: str
    reason: str
    mend: str


@dataclass(frozen=True)
class Upload:
    """What one student, or several together, handed in at once.

    Args:
        owners: whose it is.
        name: the outermost name that the system gave: of a file, or of a folder.
        files: in it, seen from inside.
        container: the folder or zip file that holds it.
    """

    owners: tuple[Owner, ...]
    name: str
    files: tuple[HandedIn, ...]
    container: str = ""


@dataclass
class Arrangement:
    """All uploads, and what belongs to none.

    Args:
        uploads: in the order of their files.
        others: (origin, why it is not graded).
        troubles: what cannot be assigned.
    """

    uploads: list[Upload] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def systems(self) -> list[str]:
        """Whose ways of naming uploads were met, the most frequent first."""
        counts = Counter(owner.system for each in self.uploads for owner in each.owners)
        return [system for system, _ in counts.most_common()]

    def in_words(self) -> str:
        """What the whole is.

        >>> Arrangement([Upload((Owner("Canvas", "ada"),), "ada_1_2_a.ipynb", ())]).in_words()
        'a Canvas download'
        """
        names = [IN_WORDS[system] for system in self.systems]
        return f"a mixture of {' and '.join(names)}" if len(names) > 1 else "".join(names)
