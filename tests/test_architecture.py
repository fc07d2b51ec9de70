"""The shape of the code: rooms, the laws between them, and what ruff and mypy find: nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "normlab"
# From the bottom to the top: a module imports from its own room or from lower ones.
ROOMS = (
    "torch_norms",
    "norms",
    "checks",
    "tools",
    "models",
    "pictures",
    "probes",
    "inspection",
    "training",
    "exercises",
    "chapters",
    "claims",
    "study",
    "grading",
    "cli",
)
# In the order of the course: a chapter imports from itself or from earlier ones.
CHAPTERS = (
    "start_here",
    "layer_norm",
    "backward",
    "numerics",
    "rms_norm",
    "residual_placement",
    "gradient_flow",
    "warmup",
    "deepnorm",
    "beyond_transformers",
    "frameworks",
    "norms_in_the_wild",
    "debate",
)
MODULES = sorted(PACKAGE.rglob("*.py"))
DRIVERS = sorted((PACKAGE / "exercises" / "drivers").glob("*.py"))
CONFINED = sorted((PACKAGE / "grading" / "confined").glob("*.py"))


def dotted_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {dotted_name(path) for path in MODULES}


def imported(path):
    """Every module of normlab that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "normlab":
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in NAMES else node.module for name in whole)
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "normlab")


def level(dotted):
    """Floor of a module's room, and the place of its chapter; a room on no list is an error."""
    for outside, room in sorted(STILL_OUTSIDE.items(), reverse=True):
        if dotted == outside or dotted.startswith(f"{outside}."):
            dotted = f"normlab.{room}"
            break
    room, *inner = dotted.split(".")[1:]
    chapter = inner[0] if room == "chapters" and inner else None
    return ROOMS.index(room), -1 if chapter in (None, "course") else CHAPTERS.index(chapter)


@pytest.mark.parametrize("path", MODULES, ids=dotted_name)
def test_imports_go_down_only(path):
    dotted = dotted_name(path)
    if dotted == "normlab":
        assert not list(imported(path))
        return
    for other in imported(path):
        assert other == "normlab" or level(other) <= level(dotted), f"{dotted} imports {other}"


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


@pytest.mark.parametrize("path", CONFINED, ids=lambda p: p.stem)
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


# Modules that do not stand in their room yet, and that room. This table only gets shorter.
STILL_OUTSIDE = {
    "normlab.accumulation": "chapters.numerics",
    "normlab.batch_dependence": "chapters.layer_norm",
    "normlab.centering": "chapters.rms_norm",
    "normlab.code_cells": "checks",
    "normlab.collapse": "chapters.warmup",
    "normlab.cost": "chapters.rms_norm",
    "normlab.deepnorm": "chapters.deepnorm",
    "normlab.deepnorm_results": "chapters.deepnorm",
    "normlab.defence": "chapters.debate",
    "normlab.defend": "chapters.debate",
    "normlab.doctor": "study",
    "normlab.figures": "pictures",
    "normlab.figures.accumulation": "chapters.numerics",
    "normlab.figures.batch_dependence": "chapters.layer_norm",
    "normlab.figures.centering": "chapters.rms_norm",
    "normlab.figures.claims": "claims",
    "normlab.figures.collapse": "chapters.warmup",
    "normlab.figures.cost": "chapters.rms_norm",
    "normlab.figures.deepnorm": "chapters.deepnorm",
    "normlab.figures.defence": "chapters.debate",
    "normlab.figures.forward": "chapters.layer_norm",
    "normlab.figures.frameworks": "chapters.frameworks",
    "normlab.figures.geometry": "chapters.backward",
    "normlab.figures.gradient_flow": "chapters.gradient_flow",
    "normlab.figures.gradients": "chapters.backward",
    "normlab.figures.graph": "chapters.beyond_transformers",
    "normlab.figures.invariance": "chapters.rms_norm",
    "normlab.figures.newer_placements": "chapters.norms_in_the_wild",
    "normlab.figures.norm_race": "chapters.rms_norm",
    "normlab.figures.numerics": "chapters.numerics",
    "normlab.figures.rate_grids": "chapters.beyond_transformers",
    "normlab.figures.recurrent": "chapters.beyond_transformers",
    "normlab.figures.residual": "chapters.residual_placement",
    "normlab.figures.sharing": "chapters.layer_norm",
    "normlab.figures.thousand_layers": "chapters.deepnorm",
    "normlab.figures.train": "chapters.warmup",
    "normlab.figures.vision": "chapters.beyond_transformers",
    "normlab.figures.warmup": "chapters.warmup",
    "normlab.figures.wiring": "chapters.residual_placement",
    "normlab.figures.zoo": "chapters.norms_in_the_wild",
    "normlab.forward": "chapters.layer_norm",
    "normlab.framework_results": "chapters.frameworks",
    "normlab.frameworks": "chapters.frameworks",
    "normlab.geometry": "chapters.backward",
    "normlab.gradients": "chapters.backward",
    "normlab.graph_runs": "chapters.beyond_transformers",
    "normlab.invariance": "chapters.rms_norm",
    "normlab.newer_placements": "chapters.norms_in_the_wild",
    "normlab.norm_race": "chapters.rms_norm",
    "normlab.numerics": "chapters.numerics",
    "normlab.qk_norm": "chapters.norms_in_the_wild",
    "normlab.quizzes": "study",
    "normlab.rate_grids": "chapters.beyond_transformers",
    "normlab.record": "study",
    "normlab.recurrence": "chapters.beyond_transformers",
    "normlab.recurrent_runs": "chapters.beyond_transformers",
    "normlab.residual": "chapters.residual_placement",
    "normlab.sequence_tasks": "chapters.beyond_transformers",
    "normlab.sharing": "chapters.layer_norm",
    "normlab.smoothing": "chapters.beyond_transformers",
    "normlab.thousand_layers": "chapters.deepnorm",
    "normlab.vision": "chapters.beyond_transformers",
    "normlab.vision_runs": "chapters.beyond_transformers",
    "normlab.warmup": "chapters.warmup",
    "normlab.widgets": "pictures",
    "normlab.widgets.accumulation": "chapters.numerics",
    "normlab.widgets.batch_dependence": "chapters.layer_norm",
    "normlab.widgets.centering": "chapters.rms_norm",
    "normlab.widgets.claims": "claims",
    "normlab.widgets.deepnorm": "chapters.deepnorm",
    "normlab.widgets.forward": "chapters.layer_norm",
    "normlab.widgets.frameworks": "chapters.frameworks",
    "normlab.widgets.geometry": "chapters.backward",
    "normlab.widgets.gradient_flow": "chapters.gradient_flow",
    "normlab.widgets.gradients": "chapters.backward",
    "normlab.widgets.graph": "chapters.beyond_transformers",
    "normlab.widgets.invariance": "chapters.rms_norm",
    "normlab.widgets.numerics": "chapters.numerics",
    "normlab.widgets.quiz": "study",
    "normlab.widgets.recurrent": "chapters.beyond_transformers",
    "normlab.widgets.residual": "chapters.residual_placement",
    "normlab.widgets.sharing": "chapters.layer_norm",
    "normlab.widgets.warmup": "chapters.warmup",
    "normlab.widgets.zoo": "chapters.norms_in_the_wild",
    "normlab.zoo": "chapters.norms_in_the_wild",
    "normlab.zoo_blocks": "chapters.norms_in_the_wild",
    "normlab.zoo_designs": "chapters.norms_in_the_wild",
}
