"""What a beginner copies from a chapter has the formula: the chapters' own code is checked."""

import ast
from pathlib import Path

import numpy as np
import pytest

from normlab.checks import examine
from normlab.checks.exercise import FORMULA
from normlab.exercises import find_exercise

LESSONS = Path(__file__).parent.parent / "lessons"


def function_of(lesson, name):
    """A function as a chapter defines it."""
    tree = ast.parse((LESSONS / lesson).read_text(encoding="utf-8"))
    tree.body = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    namespace = {"np": np}
    exec(compile(tree, lesson, "exec"), namespace)
    return namespace[name]


def lines_of(lesson, *starts):
    """The lines of a chapter that begin so, as code."""
    lines = (LESSONS / lesson).read_text(encoding="utf-8").splitlines()
    found = [next(line for line in lines if line.startswith(start)) for start in starts]
    return compile("\n".join(found), lesson, "exec")


RMS_NORM = lines_of(
    *("04_rms_norm.py", "r = np.sqrt((x**2)", "x_hat, g_hat = x / r", "dx = (g_hat - x_hat"),
    "dgamma = (dy * x_hat)",
)


def rms_norm_and_gradients(x, gamma, dy, eps):
    namespace = {"np": np, "x": x, "gamma": gamma, "dy": dy, "eps": eps}
    exec(RMS_NORM, namespace)
    return gamma * namespace["x_hat"], namespace["dx"], namespace["dgamma"]


def rms_norm(x, gamma, eps=1e-6):
    return rms_norm_and_gradients(x, gamma, np.ones_like(x), eps)[0]


def rms_norm_backward(dy, x, gamma, eps=1e-6):
    return rms_norm_and_gradients(x, gamma, dy, eps)[1:]


CODE = {
    "layer_norm": function_of("01_layer_norm.py", "five_lines"),
    "layer_norm_backward": function_of(
        "02_backward_and_geometry.py", "layer_norm_backward_by_hand"
    ),
    "rms_norm": rms_norm,
    "rms_norm_backward": rms_norm_backward,
}


@pytest.mark.parametrize("function", CODE)
def test_the_code_of_a_chapter_has_the_formula_and_is_told_that_first(function):
    exercise = find_exercise(function)
    diagnosis = examine(exercise, exercise.question(function), CODE[function])
    assert diagnosis.levels[0].name == FORMULA
    assert diagnosis.levels[0].passed, diagnosis
    assert not diagnosis.passed
    said = str(diagnosis).splitlines()[0]
    assert f"◐ the formula is right: {diagnosis.points} of {diagnosis.max_points} points" in said
    assert len(diagnosis.faults) >= 1
