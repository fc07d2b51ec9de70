"""The engine of the checks, on an exercise of its own: what it says of which wrong answer."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from normlab.checks import Exercise, Law, Mistake, Probe, Question, examine
from normlab.checks.compare import close, looks_like
from normlab.checks.diagnosis import Level, reached
from normlab.checks.drivers import call
from normlab.checks.exercise import ANY_INPUT, FORMULA, PRECISION, STATE
from normlab.checks.observe import Observation, Raised
from normlab.checks.signs import accepts, fails
from normlab.checks.signs import changes_arguments as changes
from normlab.checks.variants import Overlap, rewritten


def halve(x, shift=1.0):
    """The reference: x/2 + shift."""
    if shift < 0:
        raise ValueError(f"shift {shift} is negative")
    half = x / 2
    return half + shift


def probes(rng):
    return (
        Probe("many numbers", {"x": rng.standard_normal(40)}),
        Probe("two numbers", {"x": np.array([1.0, 3.0])}),
        Probe("another shift", {"x": np.array([1.0, 3.0]), "shift": 2.0}),
        Probe("no numbers", {"x": np.ones(0)}, level=ANY_INPUT, corner=True),
        Probe(
            "a wrong shift",
            {"x": np.ones(2), "shift": -3.0},
            level=ANY_INPUT,
            shows="misfit",
            error_names=("-3",),
        ),
        Probe("float32", {"x": np.ones(2, np.float32)}, tolerance=1e-6, level=PRECISION),
        Probe("float16", {"x": np.full(2, 2e-7, np.float16)}, 1e-3, PRECISION, shows="half"),
    )


MISTAKES = (
    Mistake("third", "a third", "Two halves make one.", {"x / 2": "x / 3"}),
    Mistake("no-shift", "no shift", "It moves.", {"half + shift": "half"}),
    Mistake("minus", "minus", "It goes up.", {"half + shift": "half - shift"}),
    Mistake(
        "unchecked", "not checked", "≥ 0.", {"if shift < 0": "if False"}, seen=accepts("misfit")
    ),
    Mistake("half", "float16 comes out wrong", "Widen.", seen=fails("half")),
    Mistake("changed", "x is changed", "No.", {"x / 2": "np.divide(x, 2, out=x)"}, seen=changes),
)
LAW = Law(
    "not-linear",
    "twice the input is not twice the step",
    ({"x": np.zeros(1)}, {"x": np.ones(1)}, {"x": 2 * np.ones(1)}),
    lambda a, b, c: (
        None if np.isclose(c["y"] - a["y"], 2 * (b["y"] - a["y"])) else f"at 2: {c['y'][0]:.1f}."
    ),
)
LEVELS = {FORMULA: 1, ANY_INPUT: 1, PRECISION: 1}
ONE = {FORMULA: 1}
HINTS = {level: ("a", "b", "c") for level in LEVELS}
QUESTION = Question(
    "halve", LEVELS, call("y"), HINTS, halve, probes, mistakes=MISTAKES, laws=(LAW,)
)
EXERCISE = Exercise("00_halves", {QUESTION.function: QUESTION})


def diagnose(answer, question=QUESTION):
    return examine(EXERCISE, question, answer)


def checked(shift):
    if shift < 0:
        raise ValueError(f"{shift} < 0")


def test_a_right_answer_gets_its_points_and_no_findings():
    diagnosis = diagnose(halve)
    assert diagnosis.passed
    assert diagnosis.attempted
    assert diagnosis.points == 3
    assert diagnosis.mistakes == []
    assert str(diagnosis) == "halve  ✓ right, 3 of 3 points"


def test_an_unsolved_exercise_is_not_attempted_and_not_wrong():
    def stub(x, shift=1.0):
        raise NotImplementedError

    diagnosis = diagnose(stub)
    assert not diagnosis.attempted
    assert not diagnosis.passed
    assert diagnosis.mistakes == []
    assert "not attempted" in str(diagnosis)


def test_an_answer_that_is_done_in_part_is_attempted():
    def answer(x, shift=1.0):
        if shift == 2:
            raise NotImplementedError
        return halve(x, shift)

    assert diagnose(answer).attempted
    assert diagnose(answer).mistakes == ["raises"]


def test_an_exception_comes_with_the_learners_own_line():
    def answer(x, shift=1.0):
        checked(shift)
        return np.concatenate([x, np.ones((2, 2))])

    diagnosis = diagnose(answer)
    assert diagnosis.mistakes == ["raises"]
    assert "`return np.concatenate([x, np.ones((2, 2))])`" in diagnosis.message
    assert "ValueError: all the input array" in diagnosis.message


@pytest.mark.parametrize("returned", [None, "text", [[1.0], [1.0, 2.0]], object()])
def test_something_that_is_no_number_is_refused_by_its_type(returned):
    diagnosis = diagnose(lambda x, shift=1.0: returned)
    assert diagnosis.mistakes[0] in ("wrong-return", "wrong-shape")
    assert "None" in str(diagnosis) or "numbers" in str(diagnosis)


@pytest.mark.parametrize(
    ("returned", "text"), [(1.0, "one float"), ((1.0,), "1 values"), ((1, 2, 3), "3 values")]
)
def test_a_wrong_number_of_results_is_said(returned, text):
    question = Question("f", ONE, call("a", "b"), HINTS, lambda x: (x, x), one_probe)
    assert text in str(diagnose(lambda x: returned, question))
    assert "expected a tuple of 2: (a, b)" in str(diagnose(lambda x: returned, question))


def one_probe(rng):
    return (Probe("one", {"x": np.ones(2)}),)


def test_a_wrong_shape_comes_before_the_values():
    diagnosis = diagnose(lambda x, shift=1.0: checked(shift) or halve(x, shift)[:, None] * 7)
    assert diagnosis.mistakes == ["wrong-shape"]
    assert "y has the shape (2, 1); expected (2,)" in diagnosis.message


def test_a_lost_dtype_is_found_where_all_values_are_right():
    diagnosis = diagnose(lambda x, shift=1.0: halve(x, shift).astype(float))
    assert diagnosis.mistakes == ["dtype-lost"]
    assert "y is float64; expected float32" in diagnosis.message


def test_a_formula_that_is_wrong_is_told_before_a_lost_dtype():
    diagnosis = diagnose(lambda x, shift=1.0: checked(shift) or (x.astype(float) ** 2 / 2 + shift))
    assert diagnosis.mistakes == ["not-linear"]
    assert [level.sign for level in diagnosis.levels] == ["✗", "○", "○"]


def test_a_changed_input_is_shown_before_and_after_the_call():
    def answer(x, shift=1.0):
        checked(shift)
        x /= 2
        return x + shift

    diagnosis = diagnose(answer)
    assert diagnosis.mistakes == ["input-mutated"]
    assert "x changed in place" in diagnosis.message
    shown = diagnosis.faults[0].example
    assert (shown.given, shown.got, shown.expected) == ("x = []", "x = []", "x = []") or (
        shown.given == shown.expected != shown.got
    )


def test_a_behaviour_that_was_not_seen_is_not_named_though_its_values_fit():
    form = {"x / 2": "x / 4"}
    for seen, named in ((None, "changed"), (changes, "not-linear")):
        mistake = Mistake("changed", "x is changed", "No.", form, seen=seen)
        question = replace(
            QUESTION, mistakes=(mistake,), laws=(replace(LAW, judge=lambda *_: "."),)
        )
        diagnosis = diagnose(lambda x, shift=1.0: checked(shift) or x / 4 + shift, question)
        assert diagnosis.mistakes == [named]


def test_each_finding_is_shown_by_an_input_on_which_it_alone_is_wrong():
    def apart(x):
        return (x[0] / 2, x[1] / 2)

    both = (
        Mistake("first", "the first", "No.", {"x[0] / 2": "x[0] / 3"}),
        Mistake("second", "the second", "No.", {"x[1] / 2": "x[1] / 5"}),
    )
    inputs = (
        Probe("the first alone", {"x": np.array([1.0, 0.0])}),
        Probe("the second alone", {"x": np.array([0.0, 1.0])}),
    )
    question = Question("f", ONE, call("a", "b"), HINTS, apart, lambda rng: inputs, mistakes=both)
    faults = diagnose(lambda x: (x[0] / 3, x[1] / 5), question).faults
    assert [(fault.name, fault.example.title) for fault in faults] == [
        ("first", "the first alone"),
        ("second", "the second alone"),
    ]


def test_an_error_that_an_answer_raises_by_itself_looks_like_no_mistake():
    meant = Observation(
        raised=Raised("ValueError", "no", "line 3 of `f`: `raise ValueError`", True)
    )
    led = Observation(raised=Raised("ValueError", "no", "line 3 of `f`: `return x + y`", True))
    for got, alike in ((meant, False), (led, True)):
        assert looks_like(got, raises("ValueError"), seen(1.0), Probe("p", {}), ("y",)) is alike


def test_an_answer_that_remembers_or_draws_is_found():
    rng = np.random.default_rng(0)
    diagnosis = diagnose(lambda x, shift=1.0: halve(x, shift) + rng.standard_normal(x.shape))
    assert diagnosis.mistakes == ["not-deterministic"]


def test_one_known_mistake_is_named_with_the_smallest_input_that_shows_it():
    diagnosis = diagnose(lambda x, shift=1.0: checked(shift) or x / 3 + shift)
    assert diagnosis.mistakes == ["third"]
    shown = diagnosis.faults[0].example
    assert shown.title == "two numbers"
    assert shown.given == "x = [1, 3]"
    assert shown.got == "y = [1.33333, 2]"
    assert shown.expected == "y = [1.5, 2.5]"
    assert "Two halves make one." in diagnosis.message


def test_an_input_on_which_the_difference_can_be_seen_goes_before_a_smaller_one():
    def slightly(x):
        return x + 0.01 * (x.size == 2) + (x.size == 3)

    sizes = [Probe(f"{n} numbers", {"x": np.ones(n)}) for n in (2, 3, 4)]
    question = Question("f", ONE, call("y"), HINTS, lambda x: x, lambda rng: tuple(sizes))
    assert diagnose(slightly, question).faults[0].example.title == "3 numbers"


def test_two_mistakes_in_the_formula_are_both_named_each_with_an_input_of_its_own():
    diagnosis = diagnose(lambda x, shift=1.0: x / 3 - shift)
    assert diagnosis.mistakes == ["third", "minus"]
    assert all(fault.example for fault in diagnosis.faults)


def test_two_forms_of_one_mistake_are_one_mistake():
    def apart(x):
        return (x[0] / 2, x[1] / 2)

    both = Mistake("third", "a third", "No.", {"x[0] / 2": "x[0] / 3"}, {"x[1] / 2": "x[1] / 3"})
    two = (Probe("two numbers", {"x": np.array([1.0, 5.0])}),)
    question = Question("f", ONE, call("a", "b"), HINTS, apart, lambda rng: two, mistakes=(both,))
    assert diagnose(lambda x: (x[0] / 3, x[1] / 3), question).mistakes == ["third"]


def test_of_the_levels_the_first_that_is_wrong_is_explained_and_what_is_right_is_said_first():
    diagnosis = diagnose(lambda x, shift=1.0: x.astype(float) / 2 + shift)
    assert diagnosis.mistakes == ["unchecked"]
    assert diagnosis.points == 1
    lines = str(diagnosis).splitlines()
    assert lines[0].split("  ", 1)[1].strip() == "◐ the formula is right: 1 of 3 points"
    assert [line[:3] for line in lines[1:4]] == ["1 ✓", "2 ✗", "3 ○"]
    assert "after this one (chapter 03" in lines[3]
    assert "dtype" not in str(diagnosis)


def test_a_formula_that_is_wrong_is_told_before_what_a_later_level_raises():
    def answer(x, shift=1.0):
        if x.dtype == np.float32:
            raise KeyError("float32")
        return x / 3 + shift

    diagnosis = diagnose(answer)
    assert diagnosis.mistakes == ["third"]
    assert diagnosis.faults[0].example.title == "two numbers"


def test_a_corner_case_vetoes_no_mistake_and_is_named():
    def answer(x, shift=1.0):
        return halve(x[:, None], shift) if x.size == 0 else x / 3 + shift

    corner = lambda rng: (  # noqa: E731
        Probe("two numbers", {"x": np.array([1.0, 3.0])}),
        Probe("one number", {"x": np.array([4.0])}, corner=True),
    )
    question = Question("halve", ONE, call("y"), HINTS, halve, corner, mistakes=MISTAKES)
    fault = diagnose(lambda x: x / 3 + 1 if x.size > 1 else x, question).faults[0]
    assert (fault.name, fault.likely) == ("third", "one number")
    assert fault.sentence == "most likely: a third (third)"


def test_a_behaviour_is_named_without_a_form_once_it_was_seen():
    def answer(x, shift=1.0):
        checked(shift)
        return (x / 2 if x.dtype != np.float16 else 0 * x) + np.asarray(shift, x.dtype)

    small = Probe("float16", {"x": np.full(2, 3.0, np.float16)}, 1e-3, PRECISION, shows="half")
    question = Question(
        "halve", LEVELS, call("y"), HINTS, halve,
        lambda rng: (*probes(rng), small), mistakes=MISTAKES,
    )  # fmt: skip
    assert diagnose(answer, question).mistakes == ["half"]


def test_an_output_of_a_later_level_does_not_cost_the_first():
    def both(x):
        return x, 2 * x

    question = Question(
        "f", {FORMULA: 1, STATE: 1}, call("a", "b"), HINTS, both, one_probe, later={"b": STATE}
    )
    diagnosis = diagnose(lambda x: (x, 3 * x), question)
    assert (diagnosis.points, diagnosis.verdict) == (1, "◐ the formula is right")
    assert diagnose(lambda x: (3 * x, 2 * x), question).points == 0


def test_a_law_does_not_judge_outputs_of_another_form():
    calls = []

    def changes_its_type(x, shift=1.0):
        calls.append(1)
        return x**2 + shift if len(calls) <= 2 * 7 else "text"

    diagnosis = diagnose(changes_its_type)
    assert diagnosis.mistakes == ["wrong-shape"]
    assert diagnosis.faults[0].title == "y is 'text'; expected numbers"
    assert diagnosis.faults[0].example.given == "x = [0]"


def test_an_error_of_any_kind_is_the_answers_own():
    class Own(BaseException):
        pass

    def answer(error):
        def raises(x, shift=1.0):
            raise error

        return raises

    for error in (KeyboardInterrupt(), GeneratorExit(), Own(), SystemExit(3)):
        diagnosis = diagnose(answer(error))
        assert diagnosis.mistakes == ["raises"], error


def test_what_matches_no_mistake_gets_the_law_that_it_breaks():
    diagnosis = diagnose(lambda x, shift=1.0: checked(shift) or x**2 / 2 + shift)
    assert diagnosis.mistakes == ["not-linear"]
    assert "at 2: 3.0." in diagnosis.message


def test_what_breaks_no_law_either_is_said_to_differ():
    diagnosis = diagnose(lambda x, shift=1.0: checked(shift) or x * 0.51 + shift)
    assert diagnosis.mistakes == ["unknown"]
    assert diagnosis.faults[0].example is not None


def test_an_error_must_be_of_the_right_kind_and_name_what_was_given():
    def wrong_kind(x, shift=1.0):
        assert shift >= 0
        return x / 2 + shift

    def silent(x, shift=1.0):
        if shift < 0:
            raise ValueError("no")
        return x / 2 + shift

    for answer in (wrong_kind, silent):
        diagnosis = diagnose(answer)
        assert not diagnosis.passed
        assert diagnosis.faults[0].example.title == "a wrong shift"
        assert "raises ValueError: shift -3.0 is negative" in diagnosis.faults[0].example.expected


def test_a_question_without_a_reference_is_decided_by_its_laws():
    law = Law("even", "it is odd", ({},), lambda out: "odd." if out["n"] % 2 else None)
    question = Question("pick", ONE, call("n"), HINTS, laws=(law,))
    right = diagnose(lambda: 4, question)
    assert (right.passed, right.attempted, right.mistakes) == (True, True, [])
    for answer, mistake in (
        (lambda: 5, "even"),
        (lambda: 1 / 0, "raises"),
        (lambda: None, "wrong-return"),
    ):
        wrong = diagnose(answer, question)
        assert (wrong.passed, wrong.attempted, wrong.mistakes) == (False, True, [mistake])

    def stub():
        raise NotImplementedError

    assert (diagnose(stub, question).passed, diagnose(stub, question).attempted) == (False, False)


def test_of_the_laws_that_are_broken_two_are_told():
    laws = tuple(Law(name, name, ({},), lambda out: "broken.") for name in ("a", "b", "c"))
    question = Question("pick", ONE, call("n"), HINTS, laws=laws)
    assert diagnose(lambda: 1, question).mistakes == ["a", "b"]


def test_of_large_arrays_the_worst_entry_is_shown_and_only_the_outputs_that_differ():
    def both(x):
        return x + 1, x + 2

    def answer(x):
        y = x + 2
        y[1, 7] += 4
        y[1, 8] += 1
        return x + 1, y

    many = (Probe("many", {"x": np.zeros((2, 9))}),)
    question = Question("f", ONE, call("a", "b"), HINTS, both, lambda rng: many)
    shown = diagnose(answer, question).faults[0].example
    assert (shown.got, shown.expected) == ("b = 6 at [1, 7]", "b = 2 at [1, 7]")
    assert shown.given == "x = float64 of shape (2, 9): 0, 0, 0, 0, …"


@pytest.mark.parametrize(
    ("got", "expected", "same"),
    [
        ([1.0, 1e-12], [1.0, 0.0], True),
        ([1.0, 1e-6], [1.0, 0.0], False),
        ([np.nan, 1.0], [np.nan, 1.0], True),
        ([np.nan, 1.0], [1.0, 1.0], False),
        ([np.inf], [-np.inf], False),
        ([1.0], [np.nan], False),
        ([0.0], [0.0], True),
        ([1.0, 1.0], [1.0], False),
        ([1e3, 9e-7], [1e3, 0.0], True),
        ([1e3, 2e-6], [1e3, 0.0], False),
        ([1e-3, 2e-12], [1e-3, 0.0], False),
        ([9e-10], [0.0], True),
        ([2e-9], [0.0], False),
        ([np.inf, 1.0], [1.0, 1.0], False),
    ],
)
def test_values_agree_within_the_tolerance_and_specials_at_the_same_places(got, expected, same):
    assert close(np.array(got), np.array(expected), tolerance=1e-9) is same


def seen(y):
    return Observation({"y": np.array([y])})


def raises(kind):
    return Observation(raised=Raised(kind, "no", None, by_learner=True))


@pytest.mark.parametrize(
    ("got", "other", "alike"),
    [
        (seen(2.0), seen(2.0), True),
        (seen(2.0), seen(3.0), False),
        (seen(2.0), raises("ValueError"), False),
        (raises("ValueError"), raises("ValueError"), True),
        (raises("ValueError"), raises("TypeError"), False),
    ],
)
def test_answers_look_alike_if_they_show_the_same_values_or_the_same_kind_of_error(
    got, other, alike
):
    assert looks_like(got, other, seen(1.0), Probe("p", {}), ("y",)) is alike


def test_where_numbers_are_rounding_errors_or_an_error_is_due_only_failing_counts():
    noise, error, y = Probe("p", {}, rounding=True), Probe("p", {}), ("y",)
    assert looks_like(seen(2.0), seen(3.0), seen(1.0), noise, y)
    assert not looks_like(seen(1.0), seen(3.0), seen(1.0), noise, y)
    assert looks_like(seen(2.0), raises("KeyError"), raises("ValueError"), error, y)
    right = raises("ValueError")
    assert not looks_like(seen(2.0), right, right, error, y)


def test_two_mistakes_in_words_side_by_side_can_be_made_at_once():
    assert rewritten("a+b", {"a+": "a-"}, {"b": "c"}) == "a-c"


def test_two_mistakes_in_the_same_words_cannot_be_made_at_once():
    with pytest.raises(Overlap, match="'b'"):
        rewritten("a + b + c", {"b + c": "c"}, {"a + b": "a"})
    with pytest.raises(ValueError, match="occurs 2 times"):
        rewritten("a + a", {"a": "b"})


def test_a_check_leaves_torchs_random_numbers_and_threads_alone():
    def draws(x, shift=1.0):
        torch.rand(1)
        return halve(x, shift)

    torch.manual_seed(0)
    before = torch.get_rng_state(), torch.get_num_threads()
    assert diagnose(draws).passed
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]


def test_the_table_of_a_notebook_escapes_what_the_learner_wrote():
    def answer(x, shift=1.0):
        raise KeyError("<script>")

    html = diagnose(answer)._repr_html_()
    assert "<script>" not in html
    assert "✗ not yet" in html


def test_machines_get_the_nine_fields():
    told = diagnose(lambda x, shift=1.0: x / 2 + shift).as_json()
    assert told | {"message": ""} == {
        "exercise": "00_halves",
        "function": "halve",
        "passed": False,
        "attempted": True,
        "points": 1,
        "max_points": 3,
        "levels": [
            {"name": "the formula", "passed": True, "points": 1, "max_points": 1},
            {"name": "any input", "passed": False, "points": 0, "max_points": 1},
            {"name": "precision", "passed": False, "points": 0, "max_points": 1},
        ],
        "mistakes": ["unchecked"],
        "message": "",
    }


def test_in_a_notebook_one_finding_is_open_and_the_others_are_folded():
    html = diagnose(lambda x, shift=1.0: x / 3 - shift)._repr_html_()
    assert html.count("<details>") == 1
    assert html.index("a third") < html.index("<details>") < html.index("minus")


def test_levels_are_right_up_to_the_first_wrong_one():
    assert reached(LEVELS, ANY_INPUT) == (
        Level(FORMULA, 1, "right"),
        Level(ANY_INPUT, 1, "wrong"),
        Level(PRECISION, 1, "after"),
    )
    assert all(level.passed for level in reached(LEVELS, None))
