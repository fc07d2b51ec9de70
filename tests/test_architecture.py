"""The shape of the code: imports go one way, and ruff and mypy find nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "normlab"
# From the bottom to the top; a module imports from its own room or from lower ones.
ROOMS = [
    ["table", "progress", "processes", "whole_files", "toml_checks", "cluster"],
    ["deepnorm_constants", "record", "quizzes", "checks"],
    ["code_cells"],
    ["norms"],
    ["torch_norms", "dyt", "timing"],
    ["placement", "initialization"],
    ["stack", "transformer", "wiring"],
    ["grammar", "tasks", "train_config", "train_run", "train", "probes"],
    ["train_seeds", "sweep"],
    ["<topics>"],
    ["exercises"],
    ["figures"],
    ["widgets"],
    ["study"],
    ["grading"],
    ["doctor"],
    ["cli"],
]
LEVEL = {name: level for level, names in enumerate(ROOMS) for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))
DRIVERS = sorted((PACKAGE / "exercises" / "drivers").glob("*.py"))


def level(dotted):
    room = dotted.split(".")[1]
    return LEVEL.get(room, LEVEL["<topics>"])


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("normlab."):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith("normlab."))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path):
    dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    if dotted == "normlab.__init__":
        assert not list(imported(path))
        return
    for other in imported(path):
        assert level(other) <= level(dotted), f"{dotted} imports {other}"


def test_the_numpy_norms_import_numpy_alone():
    for path in (PACKAGE / "norms").glob("*.py"):
        tree = ast.parse(path.read_text())
        names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        outside = {n.split(".")[0] for n in names if not n.startswith("normlab.norms")}
        assert outside <= {"numpy", "collections", "dataclasses", "typing"}


@pytest.mark.parametrize("path", DRIVERS, ids=lambda p: p.stem)
def test_drivers_run_answers_and_know_no_reference(path):
    """A grader runs them beside a student's code, where nothing may know what is expected."""
    known = ("normlab.checks.", "normlab.exercises.drivers.")
    assert all(other.startswith(known) for other in imported(path))


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "grading" / "confined").glob("*.py")), ids=lambda p: p.stem
)
def test_what_runs_beside_students_code_knows_no_exercise(path):
    known = ("normlab.grading.confined", "normlab.checks.", "normlab.code_cells")
    assert all(other.startswith(known) for other in imported(path))


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--quiet"],
        ["ruff", "format", "--check", "--quiet"],
        ["mypy"],
    ],
    ids=lambda c: " ".join(c[:2]),
)
def test_the_code_is_clean_under(command):
    run = [sys.executable, "-m", *command]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
