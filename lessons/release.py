"""What makes a notebook an exercise: nbgrader's metadata, and the answers taken out."""

import copy
import re

from nbformat import NotebookNode

from normlab.exercises import find_exercise

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
ANSWER = re.compile(rf"^([ ]*){BEGIN}\n.*?^[ ]*{END}[ ]*$", re.DOTALL | re.MULTILINE)
DEFINES = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)
CHECK = re.compile(r"check\((\w+)\)\s*")


def add_nbgrader_metadata(notebook: NotebookNode) -> None:
    """Mark the cells with an answer as solutions, and the cells `check(name)` as tests.

    Raises:
        ValueError: if a function is answered or checked twice, or one without the other.
    """
    answers: list[str] = []
    checks: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and BEGIN in cell.source:
            answers.append(_mark_answer(cell))
        elif cell.cell_type == "code" and (found := CHECK.fullmatch(cell.source)):
            name = found[1]
            checks.append(name)
            points = find_exercise(name).question(name).points
            cell.metadata["nbgrader"] = _metadata(f"check_{name}", solution=False) | {
                "points": points
            }
    if answers != checks or len(set(answers)) != len(answers):
        raise ValueError(f"answers are {answers}, checks are {checks}; expected the same, once.")


def mark_open_answers(notebook: NotebookNode) -> None:
    """Mark the cells where open challenges are answered, as `add_nbgrader_metadata` does."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and "raise NotImplementedError" in cell.source:
            _mark_answer(cell)


def has_answers(notebook: NotebookNode) -> bool:
    """Whether a text gives answers, as all exercises do but the open challenges."""
    return any(BEGIN in cell.source for cell in notebook.cells)


def _mark_answer(cell: NotebookNode) -> str:
    """Mark a cell as the answer to what it defines last, and return the name of that."""
    name: str = DEFINES.findall(cell.source)[-1]
    cell.id = f"answer-{name}"  # the same in every version of the exercise
    cell.metadata["nbgrader"] = _metadata(name, solution=True)
    return name


def _metadata(grade_id: str, solution: bool) -> dict[str, object]:
    return {
        "grade_id": grade_id,
        "solution": solution,
        "grade": not solution,
        "locked": not solution,
        "task": False,
        "schema_version": 3,
        "cell_type": "code",
    }


def released(solved: NotebookNode) -> NotebookNode:
    """The exercise of a solved notebook: the same without answers and without outputs."""
    notebook = copy.deepcopy(solved)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = without_answers(cell.source)
            cell.outputs, cell.execution_count = [], None
    return notebook


def without_answers(source: str) -> str:
    """`source` with NotImplementedError raised in place of each answer.

    Raises:
        ValueError: if a mark has no partner.

    >>> print(without_answers(
    ...     "def f(x):\\n    ### BEGIN SOLUTION\\n    return x\\n    ### END SOLUTION"))
    def f(x):
        raise NotImplementedError
    """
    stripped = ANSWER.sub(r"\1raise NotImplementedError", source)
    if BEGIN in stripped or END in stripped:
        raise ValueError(f"{BEGIN} and {END} do not come in pairs in\n{source}")
    return stripped
