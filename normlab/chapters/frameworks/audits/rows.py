"""One row of the stored table: what an audit found of one norm of a library."""

import math
from dataclasses import dataclass

from normlab.audit import Audit, NotAuditable, audit_norm
from normlab.audit.auditing import SAY_WHAT
from normlab.audit.definition import Claim
from normlab.audit.subject import Make
from normlab.audit.suite import CHECKS

ERRORS = ("formula", *(check.name for check in CHECKS))


@dataclass(frozen=True)
class Audited:
    """A norm to audit.

    Attributes:
        library: whose it is.
        norm: its name there.
        make: makes one of size D.
        alike: how many classes of the library have the same text.
        claim: what it should be, if that cannot be read from its operators.
    """

    library: str
    norm: str
    make: Make
    alike: int = 1
    claim: Claim | None = None

    def row(self) -> dict[str, object]:
        """The audit as one row; an error is in ulps, empty where the check does not apply."""
        try:
            audit = audit_norm(self.make, self.claim)
        except NotAuditable as error:
            return not_audited(self.library, self.norm, self.alike, str(error))
        named = {"library": self.library, "norm": self.norm, "alike": self.alike}
        return {**named, **_found(audit)}


def not_audited(library: str, norm: str, alike: int, why: str) -> dict[str, object]:
    """The row of a norm that cannot be audited.

    Args:
        library, norm, alike: as in `Audited`.
        why: the reason, of which the first line counts.
    """
    named = {"library": library, "norm": norm, "alike": alike}
    first, *_ = why.splitlines()
    return {
        **named,
        **dict.fromkeys(FOUND, ""),
        "verdict": NOT_AUDITED,
        "why": first.removesuffix(SAY_WHAT).rstrip(),
    }


NOT_AUDITED = "not audited"
FOUND = ("computes", "affine", "verdict", "why", "fails", "worse", "mistakes", *ERRORS)


def _found(audit: Audit) -> dict[str, object]:
    ulps = {line.check: _shown(line.ulps) for line in audit.lines}
    checks: dict[str, list[str]] = {"fails": [], "worse": []}
    for line in audit.lines:
        if line.verdict in ("wrong", "refused"):
            checks["fails"].append(line.check)
        elif line.verdict == "worse than torch's":
            checks["worse"].append(line.check)
    return {
        "computes": audit.read,
        "affine": audit.affine,
        "verdict": "conformant" if audit.conformant else "not conformant",
        "why": "",
        **{name: " ".join(found) for name, found in checks.items()},
        "mistakes": " ".join(fault.name for fault in audit.faults),
        **{name: ulps.get(name, "") for name in ERRORS},
    }


def _shown(ulps: float) -> str:
    """
    >>> _shown(0.51234), _shown(1663241.0), _shown(float("inf"))
    ('0.51', '1.7e+06', 'inf')
    """
    return f"{ulps:.2g}" if math.isfinite(ulps) else "inf"
