"""`normlab audit`: whether an implementation of a norm is right, and what is wrong with it."""

import json
import math
import sys
from dataclasses import dataclass

from normlab.audit.auditing_apart import Asked, audit_apart
from normlab.audit.definition import Claim
from normlab.audit.subject import NotAuditable
from normlab.inspection.targets import CannotRead
from normlab.tools.apart import Limits

STOPPED = 130
"""The exit code after Ctrl-C, as shells have it."""


@dataclass(frozen=True)
class Options:
    """What the command was given.

    Attributes:
        target: "file.py:function" or "package.module:Class".
        claim: "layer_norm" or "rms_norm", if it should be that.
        eps: the ε that it should have, if that was said.
        as_json: whether to print the audit for machines.
        seconds, memory_mb: what it may take.
    """

    target: str
    claim: Claim | None
    eps: float | None
    as_json: bool
    seconds: float
    memory_mb: int


def audit_command(options: Options) -> int:
    """Audit a norm, and print what was found.

    Returns:
        0 if it is conformant, 1 if it is not; 2 if the input was wrong, which is said on stderr;
        130 after Ctrl-C.
    """
    asked = Asked(options.target, options.claim, options.eps)
    try:
        if options.eps is not None and not 0 <= options.eps < math.inf:
            raise NotAuditable(f"--eps {options.eps:g} is no ε; expected a number from 0 on.")
        audit = audit_apart(asked, Limits(options.seconds, options.memory_mb))
    except (CannotRead, NotAuditable) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return STOPPED
    as_json = json.dumps(audit.as_dict(), ensure_ascii=False, indent=1)
    print(as_json if options.as_json else audit)
    return 0 if audit.conformant else 1
