"""What the name of a file says: which exercise it answers, and which version it is."""

import re
import unicodedata
from dataclasses import dataclass

from normlab.exercises import FUNCTIONS

EXERCISE_NAMES = tuple(FUNCTIONS)
IN_FILENAME = re.compile(rf"(?<!\d)({'|'.join(EXERCISE_NAMES)})(?![a-z_])", re.IGNORECASE)
GRADED_SUFFIXES = (".ipynb", ".py")
ARCHIVES = (".7z", ".rar", ".tar", ".tgz", ".gz", ".bz2", ".xz")
"""Archives that are not opened; zip files are."""
JUNK = frozenset(
    (
        *(".ipynb_checkpoints", "__pycache__", "__macosx", ".git", ".svn", ".idea", ".vscode"),
        *("node_modules", ".venv", "site-packages", ".pytest_cache", ".spyproject"),
        *(".ds_store", "thumbs.db", "desktop.ini", ".trash", ".trashes", ".spotlight-v100"),
        *("$recycle.bin", "system volume information", ".fseventsd"),
    )
)
"""What systems and editors put beside a student's files."""
OLD = frozenset(
    (
        *("old", "older", "backup", "backups", "bak", "archive", "previous", "alt", "tmp"),
        "venv",
    )
)
"""Folders that people put what they have no more use for into."""
COPY_OF = re.compile(
    r"(?:copy(?: of)?|kopie(?: v[oa]n)?|copie de|c[oó]pia de|copia di|kopia|kopi(?: av)?)\W",
    re.IGNORECASE,
)
"""What Google Drive and file managers put before the name of a copy."""
WORDS_OF_VERSIONS = re.compile(
    r"(?i)[\W\d_]+|copy|kopie|copie|c[oó]pia|kopi[a]?|checkpoint|version|attempt|final|submission|"
    r"solutions?|solved|answers?|done|new|neu|fixed|my|mine|v(?![^\W\d_])|of|von|de|di|av|van"
)
"""What may stand after an exercise and be nobody's name."""
IS_COPY = re.compile(r"copy|kopie|copie|c[oó]pia|kopia|kopi\b", re.IGNORECASE)
LONGEST_NUMBER = 18
SEPARATORS = "_-. "


@dataclass(frozen=True)
class FileName:
    """What the name of a file says.

    Args:
        exercise: "" if it names none.
        before: the exercise: a student, or nothing.
        version: the greatest is the last; below 0 for copies that an editor made.
        after: the exercise: what is no number of a version, perhaps a student.
    """

    exercise: str = ""
    before: str = ""
    version: int = 0
    after: str = ""


def read_name(name: str) -> FileName:
    """What a name says of a file.

    >>> read_name("ada_01_Layer_Norm-2.ipynb")
    FileName(exercise='01_layer_norm', before='ada', version=2, after='')
    >>> read_name("01_layer_norm-Copy1.ipynb").version
    -1
    >>> read_name("Kopie von 01_layer_norm.ipynb")
    FileName(exercise='01_layer_norm', before='', version=0, after='')
    """
    stem = name.rpartition(".")[0]
    named = IN_FILENAME.search(stem)
    if not named:
        return FileName(version=-1 if IS_COPY.search(stem) else 0)
    before = without_copy_of(stem[: named.start()])
    after = stem[named.end() :]
    return FileName(
        named[1].lower(), before, _version(after), WORDS_OF_VERSIONS.sub("", after).casefold()
    )


def without_copy_of(text: str) -> str:
    """A text without the words that stand before a copy's name, and without separators around."""
    return COPY_OF.sub("", f"{text} ").strip(SEPARATORS)


def _version(after: str) -> int:
    """Canvas and browsers count what has the same name up; Jupyter's copies count as older."""
    if IS_COPY.search(after) or "checkpoint" in after:
        return -1
    number = re.search(r"\d+", after)
    return int(number[0][:LONGEST_NUMBER]) if number else 0


def is_junk(name: str) -> bool:
    """Whether a file or folder of this name is an editor's or a system's.

    >>> [is_junk(name) for name in ("._01_layer_norm.ipynb", "__MACOSX", "ada")]
    [True, True, False]
    """
    return name.lower() in JUNK or name.startswith(("._", "~$", ".~"))


def is_archive(name: str) -> bool:
    """Whether it has the suffix of a zip file, or of an archive that is not opened."""
    return name.lower().endswith((".zip", *ARCHIVES))


def without_archive(name: str) -> str:
    """A name without the suffix of a zip file or another archive.

    >>> without_archive("ada.ZIP"), without_archive("ada.tar.gz"), without_archive("ada.lovelace")
    ('ada', 'ada', 'ada.lovelace')
    """
    while is_archive(name):
        name = name.rpartition(".")[0]
    return name


def is_graded(name: str) -> bool:
    """Whether it has the suffix of a notebook or of a Python file."""
    return name.lower().endswith(GRADED_SUFFIXES)


CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What would move the cursor of a terminal, turn a line around, or cannot be written."""


def composed(name: str) -> str:
    """The same name for the same letters, whether accents are letters of their own (macOS) or not.

    What cannot be shown as it is becomes a question mark.

    >>> composed("Ju\\u0308rgen") == "J\\u00fcrgen"
    True
    >>> composed("ada\\x1b[2J")
    'ada?[2J'
    """
    return CONTROLS.sub("?", unicodedata.normalize("NFC", name))
