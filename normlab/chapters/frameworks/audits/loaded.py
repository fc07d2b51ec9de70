"""The stored audits as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from normlab.chapters.frameworks.audits.rows import ERRORS, NOT_AUDITED
from normlab.chapters.frameworks.framework import COMPARED_NORMS
from normlab.tools.stored_rows import read_rows

STORED = Path(__file__).parent / "audit.csv"


@dataclass(frozen=True)
class StoredAudit:
    """One row of the stored table.

    Attributes:
        library, norm: whose it is, and its name there.
        version: of the library.
        alike: how many classes of the library have the same text, it among them.
        computes: the formula that was read, in words; "" if none was.
        verdict: "conformant", "not conformant" or "not audited".
        why: the reason where it was not audited.
        fails, worse: the checks that fail, and those with errors greater than torch's.
        mistakes: what is wrong, by the course's names.
        errors: the greatest error by check, in ulps; inf where numbers are missing.
    """

    library: str
    norm: str
    version: str
    alike: int
    computes: str
    verdict: str
    why: str
    fails: tuple[str, ...]
    worse: tuple[str, ...]
    mistakes: tuple[str, ...]
    errors: Mapping[str, float]

    @property
    def kind(self) -> str:
        """ "LayerNorm" or "RMSNorm": what was read, or else the name says; "" if neither does.

        >>> load_audits()[1].kind
        'RMSNorm'
        """
        named = (kind for kind in COMPARED_NORMS if kind in self.norm)
        return self.computes.partition(",")[0] or next(named, "")

    @property
    def audited(self) -> bool:
        """Whether it was audited at all."""
        return self.verdict != NOT_AUDITED


def load_audits(path: Path = STORED) -> tuple[StoredAudit, ...]:
    """The stored audits of torch, ours, transformers, Keras and Flax, a row for each norm.

    Args:
        path: a table that `normlab remake audit` wrote.

    Raises:
        OSError: if there is no such file.

    Example:
        >>> audits = load_audits()
        >>> audits[0].library, audits[0].norm, audits[0].verdict
        ('torch', 'LayerNorm', 'conformant')
        >>> sum(audit.alike for audit in audits if "float64-narrowed" in audit.mistakes) > 150
        True
    """
    return tuple(map(_audit, read_rows(path)))


def _audit(row: Mapping[str, str]) -> StoredAudit:
    def several(name: str) -> tuple[str, ...]:
        return tuple(row[name].split())

    return StoredAudit(
        row["library"],
        row["norm"],
        row["version"],
        int(row["alike"]),
        row["computes"],
        row["verdict"],
        row["why"],
        several("fails"),
        several("worse"),
        several("mistakes"),
        {name: float(row[name]) for name in ERRORS if row[name]},
    )
