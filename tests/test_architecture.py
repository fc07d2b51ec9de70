"""The shape of the code: rooms, the laws between them, and what ruff and mypy find: nothing."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from normlab.chapters.course import chapters
from normlab.tools import Table

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "normlab"
# From the bottom to the top: a module imports from its own room or from lower ones.
ROOMS = (
    "setup",
    "fused_norms",
    "torch_norms",
    "norms",
    "checks",
    "tools",
    "record",
    "models",
    "pictures",
    "probes",
    "inspection",
    "training",
    "exercises",
    "audit",
    "chapters",
    "claims",
    "study",
    "grading",
    "cli",
    "__main__",
)
# In the order of the course: a chapter imports from itself or from earlier ones.
CHAPTERS = [chapter.name for chapter in chapters()]
MODULES = sorted(PACKAGE.rglob("*.py"))
STUBS = sorted(PACKAGE.rglob("*.pyi"))
DRIVERS = sorted((PACKAGE / "exercises" / "drivers").glob("*.py"))
CONFINED = sorted((PACKAGE / "grading" / "confined").glob("*.py"))
FIGURES = [path for path in MODULES if path.stem.endswith("figures")]
LESSONS = [*ROOT.glob("lessons/[0-9]*.py"), *ROOT.glob("lessons/exercises/*.py")]


def dotted_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


NAMES = {dotted_name(path) for path in MODULES}
FACES = {
    dotted_name(stub): {
        alias.name: ".".join(filter(None, [dotted_name(stub), node.module]))
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for stub in STUBS
}


def imports(path):
    """(module, name) of all that a file takes from normlab, inside functions too.

    A name on the face of a room is taken from the module that has it.
    """
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "normlab":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                face = FACES.get(node.module, {}).get(alias.name, node.module)
                yield (whole, "") if whole in NAMES else (face, alias.name)
        elif isinstance(node, ast.Import):
            yield from ((a.name, "") for a in node.names if a.name.split(".")[0] == "normlab")


def imported(path):
    return [module for module, _ in imports(path)]


def level(dotted):
    """Floor of a module's room, and the place of its chapter; a room on no list is an error."""
    room, *inner = dotted.split(".")[1:]
    chapter = inner[0] if room == "chapters" and inner else None
    return ROOMS.index(room), -1 if chapter in (None, "course") else CHAPTERS.index(chapter)


def test_every_room_is_on_the_list_and_every_listed_room_is_there():
    assert {path.stem for path in PACKAGE.glob("*.py")} | {
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    } == {*ROOMS, "__init__"}
    folders = {path.parent.name for path in (PACKAGE / "chapters").glob("*/__init__.py")}
    assert folders == set(CHAPTERS), "a chapter has a chapter.toml and an __init__.py"
    loose = {path.stem for path in (PACKAGE / "chapters").glob("*.py")}
    assert loose == {"__init__", "course"}
    assert {path.parent for path in MODULES} == {
        path.parent for path in MODULES if path.name == "__init__.py"
    }


@pytest.mark.parametrize("path", [ROOT / "bootstrap.py", *PACKAGE.glob("setup/*.py")], ids=str)
def test_what_makes_the_environment_needs_nothing_of_it(path):
    """The standard library, and itself: also where nothing else is installed."""
    tops = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert tops <= {*sys.stdlib_module_names, "normlab"}
    assert all(other.startswith("normlab.setup") for other in imported(path) if "." in other)


def test_chapters_are_numbered_from_00_on_and_no_folder_was_emptied():
    assert [chapter.number for chapter in chapters()] == [f"{n:02}" for n in range(len(CHAPTERS))]
    assert len(CHAPTERS) >= 13


@pytest.mark.parametrize("path", MODULES, ids=dotted_name)
def test_imports_go_down_only(path):
    dotted = dotted_name(path)
    if dotted == "normlab":
        assert not imported(path)
        return
    for other in imported(path):
        assert other == "normlab" or level(other) <= level(dotted), f"{dotted} imports {other}"


@pytest.mark.parametrize("path", MODULES, ids=dotted_name)
def test_nobody_outside_imports_a_private_module(path):
    for other in imported(path):
        *parents, last = other.split(".")
        assert not last.startswith("_") or dotted_name(path).startswith(".".join(parents))


@pytest.mark.parametrize("name", FACES)
def test_a_face_gives_what_its_stub_says_and_no_name_of_a_module(name):
    room = importlib.import_module(name)
    assert set(dir(room)) == FACES[name].keys()
    for face, module in FACES[name].items():
        here = getattr(room, face)
        modules = f"{name}.{face}" in NAMES
        assert modules == inspect.ismodule(here), f"{name}.{face} is a module and a name"
        assert modules or here is getattr(importlib.import_module(module), face)


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
    known = ("normlab.grading.confined", "normlab.checks.")
    assert all(other.startswith(known) for other in imported(path))


# What a picture may ask of the rest: texts, tables, and the diagram that a placement's code is.
DIAGRAMS = {"trace", "find_placement"}
MEASURES = ("linalg", "random", "fft")


@pytest.mark.parametrize("path", FIGURES, ids=dotted_name)
def test_a_figure_computes_nothing(path):
    tree = ast.parse(path.read_text())
    called = {node.func.id for node in ast.walk(tree) if is_call(node, ast.Name)}
    for module, name in imports(path):
        if name not in called - DIAGRAMS or module.startswith("normlab.pictures"):
            continue
        found = getattr(importlib.import_module(module), name)
        assert inspect.isclass(found) or gives_text(found), f"{name} of {module} computes"
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not used & set(MEASURES)
    assert "statistics" not in {a.name for n in ast.walk(tree) for a in getattr(n, "names", [])}


def is_call(node, kind):
    return isinstance(node, ast.Call) and isinstance(node.func, kind)


def gives_text(function):
    """Whether a function returns a text or a table, or draws (None)."""
    result = inspect.get_annotations(function)["return"]
    if isinstance(result, str):
        result = eval(result, function.__globals__)
    values = getattr(result, "__args__", ())
    return result in (str, Table, None) or (values and all(isinstance(v, str) for v in values))


def test_only_explorers_import_the_explorer_and_the_token():
    widgets = {"normlab.pictures.explorer", "normlab.pictures.token.widget"}
    users = {
        path.stem
        for path in MODULES
        if widgets & set(imported(path)) and not path.is_relative_to(PACKAGE / "pictures")
    }
    assert users == {"explorers"}


def test_lessons_import_from_few_places_and_from_faces_alone():
    """25 in all, and one more for each chapter beyond the thirteenth."""
    paths = {module for lesson in LESSONS for module in written_imports(lesson)}
    assert all(
        path == "normlab.norms" or path in FACES or path == "normlab.torch_norms" for path in paths
    ), paths
    assert len(paths) <= 25 + len(CHAPTERS) - 13


def written_imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "normlab":
            yield node.module


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
