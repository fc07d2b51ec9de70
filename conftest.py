"""For every test, notebooks too: one thread, no progress bars in outputs, a record of its own."""

import os
import tempfile
from importlib.util import find_spec

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
_record = tempfile.TemporaryDirectory(prefix="normlab-tests-")
os.environ["NORMLAB_DATA"] = _record.name
if find_spec("triton") is None:  # which the kernels import, and not every system has
    collect_ignore_glob = [
        "normlab/fused_norms/kernels/*",
        "normlab/exercises/one_kernel/question.py",
        "normlab/exercises/one_kernel/reference.py",
    ]


def pytest_report_header() -> str:
    import torch

    devices = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return (
        f"devices under test: {', '.join(['cpu', *(d for d, there in devices.items() if there)])}"
    )
