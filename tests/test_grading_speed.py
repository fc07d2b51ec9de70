"""What would make a class slower or larger in memory, though no grade would change."""

import ast
import os
import subprocess
import sys
import time
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import dask
import distributed
import pytest
from submissions import QUICK, ROOT, grade, notebook, solved

from normlab.checks import cells, sources
from normlab.checks.cells import Cell
from normlab.grading import command, plain_answers
from normlab.grading.confined.confinement import FIRST_USER
from normlab.grading.outputs.files import Results
from normlab.tools.cluster import cluster_executor


def is_root():
    return hasattr(os, "getuid") and os.getuid() == 0


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
DRIVERS = sorted((ROOT / "normlab" / "exercises" / "drivers").glob("*.py"))
LOADED = """
import sys
from normlab.grading.confined.zygote import load
load()
print("numpy.ma" in sys.modules)
"""
GATHERED = """
import re
from pathlib import Path
from normlab.grading.confined.large_pages import gather
kept = [str(number) * 20 for number in range(300_000)]

def large_ones():
    told = Path("/proc/self/smaps_rollup").read_text()
    return re.search(r"AnonHugePages: +([0-9]+) kB", told)[1]

before = large_ones()
gather()
print(before, large_ones())
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


def test_a_cell_that_many_have_as_it_was_handed_out_is_read_once(monkeypatch):
    source, read = "def f(x):\n    return 2 * x - 2026", []
    for module, reader in ((sources, "_tree"), (plain_answers, "_parsed")):
        usual = getattr(module, reader)
        monkeypatch.setattr(module, reader, partial(noting, read, usual))
    students = [Cell(f"cell of {name}", source) for name in ("Ada", "Eve")]
    assert [cell.defines() for cell in students] == [{"f"}, {"f"}]
    one, other = (plain_answers.plain_answers([cell.source], ["f"]) for cell in students)
    assert one == other
    assert one
    assert read == [source, source]


def noting(read, usual, source):
    read.append(source)
    return usual(source)


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


@linux
@pytest.mark.skipif(not is_root(), reason="else all are the same user")
def test_a_process_that_waits_serves_any_exercise(workshop):
    """One for each exercise in turn would be started in vain: 10 ms for every submission."""
    papers = [saying_its_user(name) for name in ("03_rms_norm", "04_residual_placement")]
    for each in papers:  # the server learns what they ask
        workshop.grade(each, QUICK)
    users = [int(workshop.grade(each, QUICK).printed.split()[0]) for each in papers * 2]
    if users[0] < FIRST_USER:
        pytest.skip("no users have such numbers here")
    assert [later - earlier for earlier, later in pairwise(users)] == [1, 1, 1], users


def saying_its_user(exercise):
    """Users are numbered as processes start."""

    def edit(cells):
        (first, *_) = (cell for cell in cells if cell["cell_type"] == "code")
        first["source"] = f"import os\nprint(os.getuid())\n{''.join(first['source'])}"
        return cells

    return solved(exercise, edit)


@linux
def test_what_is_allocated_moves_into_large_pages():
    done = subprocess.run([sys.executable, "-c", GATHERED], capture_output=True, text=True)
    before, after = map(int, done.stdout.split())
    if after == before:
        pytest.skip("this kernel gathers no large pages")
    assert after - before > 10_000, (before, after)


def test_the_marks_of_a_class_are_computed_once_for_all_files(tmp_path, monkeypatch):
    """A dozen files hold them."""
    computed = []
    marks_of = command.marks_of
    monkeypatch.setattr(command, "marks_of", lambda *given: computed.append(1) or marks_of(*given))
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "01_layer_norm.ipynb").write_bytes(notebook("x = 1"))
    assert grade(tmp_path / "class", tmp_path / "out") == 0
    assert len(computed) == 5  # once for all files; before it, and for what is told and printed
