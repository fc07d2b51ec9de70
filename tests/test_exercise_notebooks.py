"""Exercises and solutions are what their texts say; unsolved they say so, solved they pass."""

import json
import re
from pathlib import Path

import build
import nbformat
import pytest
from installed import HERE
from nbclient import NotebookClient
from nbgrader.nbgraderformat.v3 import MetadataValidatorV3
from release import released, without_answers

from normlab.exercises import FUNCTIONS, all_exercises, load_exercise
from normlab.exercises.challenges.names import CHALLENGE_FUNCTIONS, NOTEBOOK
from normlab.study.files import check_file

ROOT = Path(__file__).parent.parent
CHALLENGES = build.LESSONS / "exercises" / f"{NOTEBOOK}.py"
TEXTS = [text for text in build.exercise_lessons() if text != CHALLENGES]
NAMES = [text.stem for text in TEXTS]
by_name = pytest.mark.parametrize("name", NAMES)
judged = pytest.mark.parametrize("name", HERE)


def read(folder, name):
    return nbformat.read(ROOT / folder / f"{name}.ipynb", as_version=4)


def outputs_of_checks(notebook):
    return [
        output.data["text/plain"]
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
        for output in cell.outputs
    ]


def test_every_exercise_has_a_text_a_solution_and_a_notebook_to_hand_out():
    assert [exercise.name for exercise in all_exercises()] == NAMES
    for folder, names in {"solutions": NAMES, "exercises": [*NAMES, NOTEBOOK]}.items():
        assert sorted(p.stem for p in (ROOT / folder).glob("*.ipynb")) == names


def test_the_open_challenges_are_handed_out_as_their_text_has_them():
    rebuilt = build.convert(CHALLENGES)
    build.mark_open_answers(rebuilt)
    handed_out = (ROOT / "exercises" / f"{NOTEBOOK}.ipynb").read_text(encoding="utf-8")
    assert handed_out == build.to_json(released(rebuilt)), "run `make lessons ARGS=exercises/10`"
    ids = [cell.id for cell in rebuilt.cells if cell.id.startswith("answer-")]
    assert ids == [f"answer-{function}" for function in CHALLENGE_FUNCTIONS]


def test_unchanged_open_challenges_run_and_say_that_nothing_was_attempted():
    notebook = read("exercises", NOTEBOOK)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(ROOT)}}).execute()
    said = [o.data["text/plain"] for cell in notebook.cells for o in cell.get("outputs", [])]
    assert sum("○ not attempted" in text for text in said) == len(CHALLENGE_FUNCTIONS)


@pytest.mark.parametrize("text", TEXTS, ids=NAMES)
def test_a_solution_has_the_cells_of_its_text(text):
    rebuilt = build.convert(text)
    build.add_nbgrader_metadata(rebuilt)
    cells = [
        [(c.id, c.cell_type, c.source, c.metadata.get("nbgrader")) for c in notebook.cells]
        for notebook in (rebuilt, read("solutions", text.stem))
    ]
    assert cells[0] == cells[1], f"run `make lessons ARGS=exercises/{text.name[:2]}` and commit"


@by_name
def test_an_exercise_is_its_solution_without_the_answers(name):
    handed_out = (ROOT / "exercises" / f"{name}.ipynb").read_text(encoding="utf-8")
    assert handed_out == build.to_json(released(read("solutions", name)))
    assert "SOLUTION" not in handed_out
    assert "NotImplementedError" in handed_out


@pytest.mark.parametrize("name", [*NAMES, NOTEBOOK])
def test_links_lead_somewhere(name):
    text = "\n".join(cell.source for cell in read("exercises", name).cells)
    for target in re.findall(r"\]\(([^)#:]+\.\w+)\)", text):
        assert (ROOT / "exercises" / target).exists(), target


@by_name
def test_a_solution_was_run_and_every_check_in_it_passes(name):
    notebook = read("solutions", name)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all("✓ right" in text for text in outputs_of_checks(notebook))


@judged
def test_a_solution_gets_full_marks(name):
    diagnoses = check_file(ROOT / "solutions" / f"{name}.ipynb")
    exercise = load_exercise(name)
    assert all(d.passed for d in diagnoses), diagnoses
    assert sum(d.points for d in diagnoses if d.exercise == name) == exercise.points


@judged
def test_an_unchanged_exercise_runs_and_each_check_says_not_attempted(name):
    notebook = read("exercises", name)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(ROOT)}}).execute()
    checks = outputs_of_checks(notebook)
    assert all("○ not attempted" in text for text in checks)
    assert len(checks) == len(FUNCTIONS[name])


@pytest.mark.parametrize("folder", ["exercises", "solutions"])
def test_without_triton_its_notebook_runs_to_the_end_and_says_so(folder, tmp_path):
    notebook = read(folder, "09_one_kernel")
    hidden = "import sys\nsys.modules['triton'] = None"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(hidden))
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(ROOT)}}).execute()
    said = [
        text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "Triton" in (text := output.get("text") or output.data["text/plain"])
    ]
    assert said[0].startswith("Kernels cannot run here: it needs Triton, which is not installed")
    assert [*map(str.strip, said[1:])] == 3 * [  # check, use and time_kernel
        "rms_norm_kernel is a question on Triton, which is not installed: "
        "run pip install 'normlab[kernels]', on Linux."
    ]


@judged
def test_nbgrader_reads_the_cells_and_the_points_are_those_of_the_exercise(name):
    exercise = load_exercise(name)
    for folder in ("solutions", "exercises"):
        notebook = read(folder, name)
        MetadataValidatorV3().validate_nb(notebook)
        marks = [c.metadata.nbgrader for c in notebook.cells if "nbgrader" in c.metadata]
        assert len({mark.grade_id for mark in marks}) == len(marks)
        assert sum(mark.get("points", 0) for mark in marks) == exercise.points


def test_the_answers_are_taken_out_of_each_method():
    source = """
class A:
    def f(self):
        ### BEGIN SOLUTION
        return 1

        ### END SOLUTION

    def g(self):
        ### BEGIN SOLUTION
        return 2
        ### END SOLUTION
"""
    assert (
        without_answers(source)
        == """
class A:
    def f(self):
        raise NotImplementedError

    def g(self):
        raise NotImplementedError
"""
    )


@pytest.mark.parametrize("source", ["### BEGIN SOLUTION\n1", "1\n### END SOLUTION"])
def test_a_mark_without_its_partner_is_refused(source):
    with pytest.raises(ValueError, match="do not come in pairs"):
        without_answers(source)


@pytest.mark.parametrize(
    "cells",
    [
        ["def layer_norm(x):\n    ### BEGIN SOLUTION\n    ### END SOLUTION"],
        ["check(layer_norm)"],
    ],
)
def test_an_answer_without_its_check_is_refused(cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    with pytest.raises(ValueError, match="expected the same"):
        build.add_nbgrader_metadata(notebook)


def test_the_build_of_an_exercise_writes_both_notebooks_or_none(tmp_path):
    text = tmp_path / "01_layer_norm.py"
    answer = "def layer_norm(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"
    text.write_text(
        f"# %%\nprint(1)\n\n# %%\ncheck = print\n\n\n{answer}\n\n# %%\ncheck(layer_norm)\n"
    )
    for folder in ("solutions", "exercises"):
        (tmp_path / folder).mkdir()
    solved, handed_out = build.build_exercise(text, tmp_path / "solutions", tmp_path / "exercises")
    assert json.loads(solved.read_text())["cells"][0]["outputs"]
    assert not json.loads(handed_out.read_text())["cells"][0]["outputs"]
    text.write_text("# %%\n1 / 0\n")
    before = solved.read_bytes()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        build.build_exercise(text, tmp_path / "solutions", tmp_path / "exercises")
    assert solved.read_bytes() == before
