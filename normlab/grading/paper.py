"""What is graded, how, and what comes of it."""

from dataclasses import dataclass

from normlab.checks.diagnosis import Diagnosis

LEVELS = frozenset({"user", "apart", "landlock", "seccomp", "namespaces"})


@dataclass(frozen=True)
class Paper:
    """One file of one student; whose it is does not matter here.

    Args:
        exercise: such as "01_layer_norm".
        suffix: ".ipynb" or ".py".
        content: of the file.
        problem: why there is no content, "" if there is.
    """

    exercise: str
    suffix: str
    content: bytes
    problem: str = ""


@dataclass(frozen=True)
class Setting:
    """How papers are graded. The same paper in the same setting gets the same grade.

    Args:
        seed: of the hidden inputs; the inputs that learners check against have seed 0.
        seconds: of processor time, for each run of a paper's code.
        memory_mb: beyond what NumPy and torch take.
        library_norms: whether every answer may call torch's norms, in every exercise.
        levels: of confinement that are used where the system has them.
    """

    seed: int
    seconds: float = 20.0
    memory_mb: int = 2048
    library_norms: bool = False
    levels: frozenset[str] = LEVELS


@dataclass(frozen=True)
class Graded:
    """What came of a paper.

    Args:
        exercise: as in the paper.
        diagnoses: one for each question, in order; none are missing.
        problem: why nothing of it could be run, "" if it was run.
        notes: what student and teacher should know of how it was run.
        printed: the first characters that its cells printed.
    """

    exercise: str
    diagnoses: tuple[Diagnosis, ...]
    problem: str = ""
    notes: tuple[str, ...] = ()
    printed: str = ""
