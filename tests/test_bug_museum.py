"""The bug museum: what fails a buggy function counts, and what does not is named."""

import ast
import inspect
from pathlib import Path

import jupytext
import numpy as np
import pytest
from mutants import outside_annotations
from study_of_answers import study

from normlab.checks import examine
from normlab.checks.exercise import FORMULA
from normlab.exercises import load_exercise
from normlab.exercises.bug_museum import (
    all_but_first,
    alpha_on_branch,
    cast_before_gain,
    detached_deviation,
    doubled_one,
    dropped_eps,
    half_statistics,
    local_mean_square,
    normed_residual,
    rows_only,
    single_pass_variance,
    unbiased_deviation,
)
from normlab.exercises.bug_museum.exhibit import CLEAR, MOST_NUMBERS
from normlab.norms import layer_norm

LESSON = Path(__file__).parents[1] / "lessons/exercises/08_bug_museum.py"
CELLS = [c.source for c in jupytext.read(LESSON, fmt="py:percent").cells if c.cell_type == "code"]

EXERCISE = load_exercise("08_bug_museum")
ROOMS = (
    unbiased_deviation,
    single_pass_variance,
    detached_deviation,
    all_but_first,
    normed_residual,
    alpha_on_branch,
    dropped_eps,
    doubled_one,
    half_statistics,
    rows_only,
    cast_before_gain,
    local_mean_square,
)
NEWER = ROOMS[6:]
by_room = pytest.mark.parametrize("room", ROOMS, ids=[r.EXHIBIT.function for r in ROOMS])


def ask(function, arguments):
    """The diagnosis of a failing input."""
    return examine(EXERCISE, EXERCISE.question(f"{function}_failing_input"), lambda: arguments)


def definition(source):
    """A function's name, arguments and body, without annotations."""
    return ast.unparse(outside_annotations(ast.parse(source)))


def body(source):
    """The text of a function's body, comments included."""
    (function,) = ast.parse(source).body
    return source.rstrip().splitlines()[function.body[0].lineno - 1 :]


@by_room
def test_the_notebook_shows_the_buggy_function_of_the_package(room):
    source = inspect.getsource(room.EXHIBIT.buggy)
    (shown,) = [c for c in CELLS if c.startswith(f"def {room.EXHIBIT.buggy.__name__}(")]
    assert definition(shown) == definition(source)
    assert body(shown) == body(source)


@by_room
def test_the_buggy_function_has_its_buggy_name_alone(room):
    assert room.EXHIBIT.buggy.__name__ == f"buggy_{room.EXHIBIT.function}"
    assert room.EXHIBIT.right is room.REPAIR.reference
    (answer,) = [c for c in CELLS if c.startswith(f"def {room.EXHIBIT.function}(")]
    assert "### BEGIN SOLUTION" in answer
    assert body(answer) != body(inspect.getsource(room.EXHIBIT.buggy))


@by_room
def test_the_unrepaired_function_is_told_that_the_bug_is_still_there(room):
    for seed in range(3):
        diagnosis = examine(EXERCISE, room.REPAIR, room.EXHIBIT.buggy, seed)
        assert diagnosis.mistakes == [room.MISTAKES[0].name], str(diagnosis)
        assert diagnosis.faults[0].title.startswith("the bug is still there")


@by_room
def test_the_last_hint_for_a_failing_input_gives_one(room):
    last = room.FAILING_INPUT.hints[FORMULA][2]
    assert last.startswith("return {")
    assert ask(room.EXHIBIT.function, eval(last.removeprefix("return "), {"np": np})).passed


def test_the_laws_at_the_end_hold_for_the_right_functions_and_break_for_the_buggy_ones():
    (helper,) = [c for c in CELLS if "def central_differences" in c]
    scope = {"np": np, "layer_norm": layer_norm}
    scope |= {r.EXHIBIT.function: r.EXHIBIT.right for r in ROOMS}
    scope |= {r.EXHIBIT.buggy.__name__: r.EXHIBIT.buggy for r in ROOMS}
    exec(f"{helper}\n{CELLS[-1]}", scope)
    near = {"rtol": 0.02, "atol": 0.02}
    assert len(scope["pairs"]) == len(ROOMS)
    assert not any(np.allclose(*pair, **near) for pair in scope["pairs"].values())
    exec(CELLS[-1].replace("buggy_", ""), scope)
    for law, pair in scope["pairs"].items():
        assert np.allclose(*pair, **near), law


IN_HALF = {"half_layer_norm", "cast_rms_norm"}
RNG = np.random.default_rng(0)
WIDE = RNG.standard_normal((3, 512))
ROW, WEIGHT = np.array([1.0, 5.0, 0.0]), RNG.standard_normal((3, 3))
AFFINE = {"gamma": np.ones(3), "beta": np.zeros(3)}
FLAT = {"gamma": np.zeros(3), "beta": np.ones(3)}
NORMED = layer_norm(RNG.standard_normal((2, 3)), eps=1e-12)

AGREEING = [
    (
        "annotated_layer_norm",
        "many-features",
        {"x": WIDE, "gamma": np.ones(512), "beta": np.zeros(512)},
    ),
    ("annotated_layer_norm", "constant-rows", {"x": np.full((2, 3), 7.3), **AFFINE}),
    ("annotated_layer_norm", "constant-rows", {"x": np.zeros(3), **AFFINE}),
    (
        "annotated_layer_norm",
        "no-difference",
        {"x": ROW, "gamma": np.zeros(3), "beta": np.ones(3)},
    ),
    ("row_variance", "near-zero", {"x": np.array([1.0, 2.0, 6.0])}),
    ("row_variance", "near-zero", {"x": RNG.standard_normal((4, 64)).astype(np.float32)}),
    ("row_variance", "near-zero", {"x": RNG.standard_normal(64) + 1e4}),
    ("row_variance", "constant-rows", {"x": np.zeros(3)}),
    ("row_variance", "constant-rows", {"x": np.full(3, 1e4)}),
    ("row_variance", "constant-rows", {"x": np.array([[1e4] * 3, [-7.5] * 3])}),
    ("row_variance", "near-zero", {"x": np.array([[1e4] * 3, [1.0, 2.0, 3.0]])}),
    ("layer_norm_dx", "no-slope", {"dy": np.ones(3), "x": ROW, "gamma": np.ones(3)}),
    ("layer_norm_dx", "no-slope", {"dy": np.zeros(3), "x": ROW, "gamma": np.ones(3)}),
    ("layer_norm_dx", "no-slope", {"dy": ROW, "x": np.full(3, 999.9), "gamma": np.ones(3)}),
    ("item_layer_norm", "two-axes", {"x": RNG.standard_normal((4, 8))}),
    ("item_layer_norm", "one-item", {"x": RNG.standard_normal((4, 1, 1, 8))}),
    ("item_layer_norm", "no-difference", {"x": np.array([[[1.0, 2.0], [2.0, 1.0]]])}),
    ("pre_norm_linear", "already-normalized", {"x": NORMED, "weight": WEIGHT}),
    ("pre_norm_linear", "no-difference", {"x": 0.8 * NORMED, "weight": 900 * np.eye(3)}),
    ("deepnorm_linear", "alpha-one", {"x": ROW, "weight": WEIGHT, "alpha": 1.0}),
    ("deepnorm_linear", "branch-along-x", {"x": ROW, "weight": np.zeros((3, 3)), "alpha": 2}),
    ("deepnorm_linear", "branch-along-x", {"x": ROW, "weight": 2 * np.eye(3), "alpha": 3.0}),
    ("deepnorm_linear", "branch-along-x", {"x": ROW, "weight": 1 + np.eye(3), "alpha": 3.0}),
    ("exported_rms_norm", "large-rows", {"x": ROW, "gamma": np.ones(3)}),
    ("exported_rms_norm", "zeros", {"x": np.zeros((2, 3)), "gamma": np.ones(3)}),
    ("exported_rms_norm", "no-difference", {"x": 0.001 * ROW, "gamma": np.zeros(3)}),
    ("converted_rms_norm", "large-weight", {"x": ROW, "weight": np.full(3, 1000.0)}),
    ("converted_rms_norm", "zeros", {"x": np.zeros(3), "weight": np.ones(3)}),
    ("half_layer_norm", "not-half", {"x": 300 * ROW[:, None] @ ROW[None] / 9, **AFFINE}),
    ("half_layer_norm", "not-half", {"x": (100 * ROW).astype(np.float32), **AFFINE}),
    ("half_layer_norm", "squares-fit", {"x": ROW.astype(np.float16), **AFFINE}),
    ("half_layer_norm", "no-difference", {"x": (200 * ROW).astype(np.float16), **FLAT}),
    ("layer_norm_dgamma", "two-axes", {"dy": WEIGHT, "x": WEIGHT[::-1].copy()}),
    ("layer_norm_dgamma", "one-token", {"dy": WEIGHT[:, None], "x": WEIGHT[:, None]}),
    ("cast_rms_norm", "not-half", {"x": np.array([900, 1e-4]), "gamma": np.array([0, 999])}),
    ("cast_rms_norm", "not-half", {"x": np.float32([900, 1e-4]), "gamma": np.array([0, 999])}),
    ("cast_rms_norm", "not-small", {"x": ROW.astype(np.float16), "gamma": np.full(3, 9e3)}),
    ("cast_rms_norm", "no-difference", {"x": np.float16([900, 1e-4]), "gamma": np.ones(2)}),
    ("sharded_rms_norm", "one-device", {"x": RNG.standard_normal((1, 3, 8))}),
    ("sharded_rms_norm", "parts-alike", {"x": np.stack([WEIGHT, -WEIGHT])}),
]


@pytest.mark.parametrize(
    ("function", "name", "arguments"), AGREEING, ids=[f"{f}-{n}" for f, n, _ in AGREEING]
)
def test_an_input_on_which_both_functions_agree_is_rejected_and_says_why(function, name, arguments):
    diagnosis = ask(function, arguments)
    assert not diagnosis.passed
    assert diagnosis.mistakes == [name], str(diagnosis)
    assert "both functions agree" in diagnosis.faults[0].title
    (clear,) = (room.EXHIBIT.clear for room in ROOMS if room.EXHIBIT.function == function)
    assert clear == (0.02 if function in IN_HALF else CLEAR)
    assert f"expected more than {clear:g}" in diagnosis.faults[0].why


FIT = {"x": ROW, **AFFINE}
MISFITS = [
    ("wrong-arguments", "gama", {"x": ROW, "gama": np.ones(3), "beta": np.zeros(3)}),
    ("wrong-arguments", "eps", FIT | {"eps": 1.0}),
    ("wrong-arguments", "none", {}),
    ("wrong-numbers", "NaN or inf", FIT | {"x": np.array([1.0, np.nan, 0.0])}),
    ("wrong-numbers", "NaN or inf", FIT | {"gamma": np.array([1.0, np.inf, 0.0])}),
    ("wrong-numbers", "float16", FIT | {"x": ROW.astype(np.float16)}),
    ("wrong-numbers", "bool", FIT | {"x": ROW > 1}),
    ("wrong-numbers", "'1'", FIT | {"x": "1"}),
    ("wrong-numbers", "None", FIT | {"beta": None}),
    ("wrong-numbers", "1,000,001", FIT | {"x": np.zeros(MOST_NUMBERS + 1)}),
    ("wrong-numbers", "0 numbers", FIT | {"x": np.zeros((0, 3))}),
    ("wrong-numbers", "±1,000", FIT | {"x": 1e9 * ROW}),
    ("wrong-shapes", "(4,)", FIT | {"gamma": np.ones(4)}),
    ("wrong-shapes", "(1, 3)", FIT | {"beta": np.ones((1, 3))}),
    ("wrong-shapes", "x ()", FIT | {"x": 3.0}),
]


@pytest.mark.parametrize(
    ("name", "said", "arguments"), MISFITS, ids=[f"{n}-{s}" for n, s, _ in MISFITS]
)
def test_arguments_that_cannot_be_used_are_named(name, said, arguments):
    diagnosis = ask("annotated_layer_norm", arguments)
    assert diagnosis.mistakes == [name], str(diagnosis)
    assert said in diagnosis.faults[0].why
    assert "expected" in diagnosis.faults[0].why


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("layer_norm_dx", {"dy": ROW, "x": ROW[None], "gamma": np.ones(3)}),
        ("pre_norm_linear", {"x": ROW, "weight": np.ones((3, 2))}),
        ("pre_norm_linear", {"x": ROW, "weight": np.ones(3)}),
        ("deepnorm_linear", {"x": ROW, "weight": WEIGHT, "alpha": np.array([2.0, 3.0, 4.0])}),
        ("item_layer_norm", {"x": 1.0}),
        ("row_variance", {"x": 1.0}),
        ("exported_rms_norm", {"x": ROW, "gamma": np.ones((1, 3))}),
        ("converted_rms_norm", {"x": ROW, "weight": np.ones(1)}),
        ("half_layer_norm", {"x": ROW, "gamma": np.ones(3), "beta": np.ones(1)}),
        ("layer_norm_dgamma", {"dy": ROW, "x": ROW[None]}),
        ("cast_rms_norm", {"x": ROW, "gamma": np.ones(4)}),
        ("sharded_rms_norm", {"x": ROW}),
    ],
)
def test_shapes_that_do_not_fit_are_named_for_every_exhibit(function, arguments):
    assert ask(function, arguments).mistakes == ["wrong-shapes"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: None, "returns nothing"),
        (lambda: np.zeros(3), "ndarray; expected a dict"),
        (lambda: (ROW, np.ones(3), np.zeros(3)), "tuple; expected a dict"),
        (lambda: {1: ROW}, "the key 1"),
        (lambda: {"x": [[1], [1, 2]], **AFFINE}, "x is of type list"),
    ],
)
def test_an_answer_that_is_no_dict_of_numbers_is_named(answer, said):
    question = EXERCISE.question("annotated_layer_norm_failing_input")
    diagnosis = examine(EXERCISE, question, answer)
    assert diagnosis.mistakes == ["wrong-return"], str(diagnosis)
    assert said in diagnosis.faults[0].title


@by_room
def test_what_is_only_rounding_is_no_difference(room):
    """Constant rows of every size: all results are 0, or the rounding of 0."""
    for value in (1e-3, 0.1, 1 / 3, 77.7, 333.3, 999.9):
        for dtype in (np.float32, np.float64):
            x = np.full((2, 7), value, dtype)
            given = {"x": x, "dy": x, "gamma": np.ones(7), "beta": np.zeros(7)}
            given |= {"weight": np.eye(7), "alpha": 7.7}
            if room.EXHIBIT.function == "pre_norm_linear":
                given["x"] = layer_norm(np.arange(7.0) * value, eps=0)  # 0 would be changed to x
            if room.EXHIBIT.function == "row_variance":
                given["x"] = x.astype(np.float64)  # float32 rounding is this exhibit's bug
            if room.EXHIBIT.function == "exported_rms_norm":
                given["x"] = 100 * x  # rows of the size of ε are this exhibit's bug
            if room.EXHIBIT.function == "converted_rms_norm":
                given |= {"x": 0 * x, "weight": x[0]}
            arguments = {name: given[name] for name in room.EXHIBIT.names}
            assert not ask(room.EXHIBIT.function, arguments).passed, (value, dtype)


def test_a_gradient_that_is_0_up_to_rounding_is_no_difference():
    for d in (3, 7, 10, 100):
        arguments = {"dy": np.full(d, 0.1), "x": RNG.standard_normal(d), "gamma": np.ones(d)}
        for scale in (1e-6, 1.0, 1e3):
            given = arguments | {"dy": scale * arguments["dy"]}
            assert ask("layer_norm_dx", given).mistakes == ["no-slope"]


def test_the_difference_must_exceed_a_thousandth():
    """√(D/(D − 1)) is 1.001002 for 500 features, 1.000998 for 502."""
    for features, passed in ((500, True), (502, False)):
        x = np.zeros(features)
        x[0] = 1000.0  # ε does not count beside the variance
        arguments = {"x": x, "gamma": np.ones(features), "beta": np.zeros(features)}
        assert ask("annotated_layer_norm", arguments).passed == passed


@pytest.mark.parametrize(("first", "passed"), [("fails", True), ("agrees", False)])
def test_an_input_is_asked_for_once_by_check_as_by_the_grader(first, passed):
    question = EXERCISE.question("item_layer_norm_failing_input")
    given = {
        "fails": {"x": np.array([[[1.0, 3.0], [10.0, 20.0]]])},
        "agrees": {"x": np.ones((2, 2))},
    }
    calls = []

    def answer():
        calls.append(first if not calls else "fails")
        return given[calls[-1]]

    assert examine(EXERCISE, question, answer).passed == passed
    assert calls == [first]


@pytest.mark.parametrize("function", sorted(IN_HALF))
def test_float16_is_admitted_where_the_bug_is_one_of_float16_alone(function):
    tiny = {"x": np.float16([1000, 1e-4]), "gamma": np.float32([0, 1000])}
    large = {"x": np.float16([300, -300]), "gamma": np.ones(2), "beta": np.zeros(2)}
    assert ask(function, large if function == "half_layer_norm" else tiny).passed
    beyond = (large if function == "half_layer_norm" else tiny) | {"x": np.array([6.1e4, 0.0])}
    assert "±60,000" in ask(function, beyond).faults[0].why


@pytest.mark.parametrize("room", NEWER, ids=[r.EXHIBIT.function for r in NEWER])
def test_who_removes_the_bug_and_breaks_something_else_has_half_of_the_points(room):
    """The first level is the bug; the second is what a repair must leave as it was."""
    first, second = room.REPAIR.levels
    assert (room.REPAIR.levels[first], room.REPAIR.levels[second]) == (1, 1)
    repaired = room.REPAIR.reference

    def in_place(*given):
        result = repaired(*given)
        given[0][...] = 0
        return result

    def in_float32(*given):
        result = repaired(*given)
        return result.astype(np.float32).astype(result.dtype)

    for answer, name in ((in_place, "input-mutated"), (in_float32, "float64-narrowed")):
        diagnosis = examine(EXERCISE, room.REPAIR, answer)
        assert diagnosis.mistakes == [name], str(diagnosis)
        assert [level.points for level in diagnosis.levels] == [1, 0]
    unrepaired = examine(EXERCISE, room.REPAIR, room.EXHIBIT.buggy)
    assert unrepaired.points == 0


@pytest.mark.parametrize("room", NEWER, ids=[r.EXHIBIT.function for r in NEWER])
def test_wrong_repairs_have_diagnoses_of_their_own(room):
    found = [j for j in study("08_bug_museum", room.EXHIBIT.function, 0) if j.kind == "wrong"]
    named = {j.diagnosis.mistakes[0] for j in found if j.named and not j.passed}
    assert len(named - {room.MISTAKES[0].name}) >= 3
