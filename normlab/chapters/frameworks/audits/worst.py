"""Where each library's norms are worst, beside torch's own."""

import math
from dataclasses import dataclass

from normlab.audit.suite import CHECKS
from normlab.chapters.frameworks.audits.loaded import StoredAudit

RIGHT_IN_TORCH = (
    "float32", "float16", "bfloat16", "offset-100", "tiny-rows", "zero-rows", "constant-rows",
    "sizes", "shapes", "not-contiguous",
)  # fmt: skip
"""The checks of what comes out, in float32 and half precision, that torch's own norms pass."""


@dataclass(frozen=True)
class WorstError:
    """Norms of a library that are equally wrong on the same check.

    Attributes:
        library, norm, kind: of the first of them.
        texts, classes: how many texts and how many classes they are.
        check: on which the error is greatest.
        ulps: the greatest error; inf where numbers are missing.
        torch_ulps: the greatest error of torch's norm of this kind, over the same checks.
    """

    library: str
    norm: str
    kind: str
    texts: int
    classes: int
    check: str
    ulps: float
    torch_ulps: float

    @property
    def where(self) -> str:
        """The check, as the audit prints it."""
        return next(check.title for check in CHECKS if check.name == self.check)

    @property
    def label(self) -> str:
        """Its name, and how many others it stands for."""
        library, norm = self.library, self.norm.rpartition(".")[2]
        name = norm if library == "transformers" else f"{library} {norm}"
        return name if self.classes == 1 else f"{name} and {self.classes - 1} like it"


def worst_errors(audits: tuple[StoredAudit, ...]) -> tuple[WorstError, ...]:
    """The greatest error of what comes out of each norm; those of transformers that are alike once.

    Alike are norms of one kind whose greatest errors have the same first digit.

    Args:
        audits: as `load_audits` gives them; those that were not audited are left out.

    Example:
        >>> from normlab.chapters.frameworks.audits.loaded import load_audits
        >>> errors = worst_errors(load_audits())
        >>> errors[0].label, errors[0].check
        ('torch LayerNorm', 'offset-100')
    """
    found = [audit for audit in audits if audit.audited and audit.kind]
    torchs = {audit.kind: _worst(audit)[1] for audit in found if audit.library == "torch"}
    groups: dict[tuple[str, ...], list[StoredAudit]] = {}
    for audit in found:
        check, error = _worst(audit)
        alone = "" if audit.library == "transformers" else audit.norm
        alike = f"{error:.1g}" if math.isfinite(error) else check
        groups.setdefault((audit.library, audit.kind, alike, alone), []).append(audit)
    return tuple(_together(group, torchs[group[0].kind]) for group in groups.values())


def _worst(audit: StoredAudit) -> tuple[str, float]:
    seen = [(check, audit.errors[check]) for check in RIGHT_IN_TORCH if check in audit.errors]
    return max(seen, key=lambda pair: pair[1])


def _together(group: list[StoredAudit], torch_ulps: float) -> WorstError:
    first = max(group, key=lambda audit: _worst(audit)[1])
    check, error = _worst(first)
    named, classes = group[0], sum(audit.alike for audit in group)
    return WorstError(
        named.library, named.norm, named.kind, len(group), classes, check, error, torch_ulps
    )
