"""Submissions for the tests of grading: right, wrong, odd and hostile ones."""

import json
from pathlib import Path

from nbformat import v4

from normlab import cli
from normlab.grading.paper import Paper, Setting

ROOT = Path(__file__).parent.parent
RIGHT = """
import numpy as np

def layer_norm(x, gamma, beta, eps=1e-5):
    if not gamma.shape == beta.shape == x.shape[-1:]:
        raise ValueError(f"{gamma.shape}, {beta.shape} and {x.shape}")
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    centered = wide - wide.mean(axis=-1, keepdims=True)
    variance = (centered**2).mean(axis=-1, keepdims=True)
    return (gamma * centered / np.sqrt(variance + eps) + beta).astype(x.dtype)
"""
ONE_PASS = "(wide**2).mean(axis=-1, keepdims=True) - wide.mean(axis=-1, keepdims=True) ** 2"
WRONG = RIGHT.replace("(centered**2).mean(axis=-1, keepdims=True)", ONE_PASS)
"""Right but for numbers far from 0, and named "cancellation": 3 of 4 points."""
QUICK = Setting(seed=1, seconds=1.0, memory_mb=1024)
"""One second is enough for right answers, and not long for endless ones."""


def notebook(*sources: str, **metadata: object) -> bytes:
    cells = [v4.new_code_cell(source) for source in sources]
    return json.dumps(v4.new_notebook(cells=cells, metadata=metadata)).encode()


def paper(*sources: str, exercise: str = "01_layer_norm") -> Paper:
    return Paper(exercise, ".ipynb", notebook(*sources))


def function(*lines: str) -> str:
    """A layer_norm of these lines."""
    imports = "import ctypes, os, signal, sys, time\nimport numpy as np\n"
    return f"{imports}def layer_norm(x, gamma, beta, eps=1e-5):\n    " + "\n    ".join(lines) + "\n"


def solution(name: str) -> dict:
    return json.loads((ROOT / "solutions" / f"{name}.ipynb").read_text(encoding="utf-8"))


def solved(name: str, edit=lambda cells: cells) -> Paper:
    """The solved notebook, with its code cells edited."""
    content = solution(name)
    content["cells"] = edit(content["cells"])
    return Paper(name, ".ipynb", json.dumps(content).encode())


def mark_of(cell: dict) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def grade(submissions, out, *arguments):
    """`normlab grade` in this process; returns its exit status."""
    return cli.main(["grade", str(submissions), "--out", str(out), *map(str, arguments)])
