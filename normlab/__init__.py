"""normlab: normalization in transformers, from scratch and measured.

`import normlab` loads no torch. The NumPy norms are in `normlab.norms`, their PyTorch twins in
`normlab.torch_norms`. For learners: `from normlab import check, hint, quiz`.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_LEARNERS = {
    "check": "normlab.study.notebook",
    "hint": "normlab.study.notebook",
    "chapter_read": "normlab.study.notebook",
    "my_progress": "normlab.study.course",
    "quiz": "normlab.widgets.quiz",
}


def __getattr__(name: str) -> Any:
    """Load what learners call when it is first asked for."""
    if name in _LEARNERS:
        return getattr(importlib.import_module(_LEARNERS[name]), name)
    raise AttributeError(f"module 'normlab' has no attribute {name!r}")
