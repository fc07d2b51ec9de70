"""A stranger's norm, audited in a process of its own."""

from dataclasses import dataclass

from normlab.audit.auditing import audit_norm
from normlab.audit.definition import Claim
from normlab.audit.report import Audit
from normlab.audit.subject import NotAuditable
from normlab.inspection.strangers_code import result_of
from normlab.inspection.targets import CannotRead, find, parse_target
from normlab.tools.apart import Limits


@dataclass(frozen=True)
class Asked:
    """What to audit.

    Attributes:
        target: "file.py:function" or "package.module:Class".
        claim: "layer_norm" or "rms_norm", if it should be that.
        eps: the ε that it should have, if that was said.
    """

    target: str
    claim: Claim | None = None
    eps: float | None = None


def audit_apart(asked: Asked, limits: Limits) -> Audit:
    """Audit a norm in a process of its own.

    Raises:
        CannotRead: if that could not be done, for whatever reason.
    """
    audit: Audit = result_of(asked.target, "audited", limits, _audit, asked)
    return audit


def _audit(asked: Asked) -> Audit:
    """In the process of its own."""
    try:
        return audit_norm(find(parse_target(asked.target)), asked.claim, asked.eps)
    except NotAuditable as error:
        raise CannotRead(str(error)) from error
