"""What would make every process of a class slower, though no grade would change."""

import ast
import subprocess
import sys

from submissions import ROOT

from normlab.checks import cells
from normlab.checks.cells import Cell

DRIVERS = sorted((ROOT / "normlab" / "exercises" / "drivers").glob("*.py"))
LOADED = """
import sys
from normlab.grading.confined.zygote import load
load()
print("numpy.ma" in sys.modules)
"""


def test_no_driver_seeds_the_generators_of_gpus():
    """torch.manual_seed notes for each kind of GPU the stack that it was called from: 0.7 ms."""
    assert len(DRIVERS) > 5
    for path in DRIVERS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "manual_seed":
                assert ast.unparse(node.value) != "torch", f"{path.name}, line {node.lineno}"


def test_what_a_cell_defines_is_read_off_it_once(monkeypatch):
    read = []
    monkeypatch.setattr(cells, "defined_names", lambda source: read.append(source) or {"f"})
    cell = Cell("a cell", "def f(): ...")
    assert [cell.defines() for _ in range(3)] == 3 * [{"f"}]
    assert len(read) == 1


def test_students_processes_find_masked_arrays_loaded():
    """NumPy loads them at their first use, which is in the driver of every answer: 10 ms."""
    run = [sys.executable, "-c", LOADED]
    assert subprocess.run(run, capture_output=True, text=True).stdout == "True\n"
