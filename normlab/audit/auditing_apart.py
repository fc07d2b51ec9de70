"""A stranger's norm, audited in a process of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from normlab.audit.auditing import audit_norm
from normlab.audit.definition import Claim
from normlab.audit.report import Audit
from normlab.audit.subject import NotAuditable
from normlab.inspection.targets import CannotRead, find, parse_target
from normlab.tools.apart import Limits, OutOfTime, ProcessEnded, WorkFailed, apart


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
    """Audit a norm in a process of its own; what it prints goes nowhere.

    Raises:
        NotAuditable: if that could not be done, for whatever reason.
    """
    found: Audit | str | None = None
    try:
        found = next(apart(_send, asked, limits=limits), None)
    except OutOfTime as error:
        raise NotAuditable(
            f"{asked.target} was not audited after {limits.seconds:g} seconds. It may need more: "
            f"--seconds {5 * limits.seconds:g}. Or is there a loop that never stops?"
        ) from error
    except ProcessEnded as error:
        raise NotAuditable(
            f"{asked.target} ended the process that ran it ({error}). It had {limits.memory_mb} MB "
            "of memory; --memory-mb gives it more."
        ) from error
    except WorkFailed as error:
        raise NotAuditable(
            f"{asked.target} ran, and auditing it failed. That is a fault of normlab:\n{error}"
        ) from error
    if isinstance(found, Audit):
        return found
    raise NotAuditable(found or f"{asked.target} sent nothing.")


def _send(send: Callable[[Any], None], asked: Asked) -> None:
    """In the process of its own."""
    try:
        send(audit_norm(find(parse_target(asked.target)), asked.claim, asked.eps))
    except (CannotRead, NotAuditable) as error:
        send(str(error))
