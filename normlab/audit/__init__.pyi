from .auditing import audit_norm as audit_norm
from .report import Audit as Audit
from .report import Line as Line
from .subject import NotAuditable as NotAuditable
