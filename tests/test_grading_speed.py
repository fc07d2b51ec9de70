"""What would make a class slower or larger in memory, though no grade would change."""

import ast
import subprocess
import sys
import time
from types import SimpleNamespace

import dask
import distributed
from submissions import ROOT

from normlab.checks import cells
from normlab.checks.cells import Cell
from normlab.grading.outputs.files import Results
from normlab.tools.cluster import cluster_executor

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


def test_ten_thousand_students_have_their_folders_at_once():
    names = SimpleNamespace(students=[f"student {number}" for number in range(10_000)])
    begun = time.process_time()
    folders = Results(None, names, None, None).folders
    assert len({*folders.values()}) == 10_000
    assert time.process_time() - begun < 0.5


def test_what_was_sent_to_a_cluster_is_not_kept(monkeypatch):
    """Dask keeps as many messages as this says when a client connects, with the papers in them."""

    class Client:
        def __init__(self, address):
            self.kept = dask.config.get("distributed.admin.low-level-log-length")

        def __enter__(self):
            return self

        def __exit__(self, *error): ...

        def get_executor(self, pure):
            return self

    monkeypatch.setattr(distributed, "Client", Client)
    with cluster_executor("tcp://127.0.0.1:9") as executor:
        assert executor.kept <= 20
