"""Messages between judge and student's process: what we send arrives, all else is refused."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from installed import exercises_here

from normlab.checks.examiner import calls
from normlab.checks.observe import Observation, Raised, observe
from normlab.grading.confined.answers import load_drivers, read_questions
from normlab.grading.confined.messages import (
    DTYPES,
    MOST_NUMBERS,
    Malformed,
    clean,
    pack_observations,
    unpack_observations,
)
from normlab.grading.conversation import questions_message
from normlab.grading.questions import same

QUESTIONS = [(e, q) for e in exercises_here() for q in e.questions]


def equal(one, other):
    if isinstance(one, np.ndarray):
        same_kind = isinstance(other, np.ndarray) and one.dtype == other.dtype
        return same_kind and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return one == other


@pytest.mark.parametrize("exercise", exercises_here(), ids=lambda e: e.name)
def test_every_question_arrives_as_it_is(exercise):
    load_drivers()
    sent = [calls(question, seed=3) for question in exercise.questions]
    received = read_questions(questions_message(exercise.questions, sent))
    for question, asked, got in zip(exercise.questions, sent, received, strict=True):
        assert (got.function, got.driver) == (question.function, question.driver)
        assert all(map(same, asked, got.calls))


@pytest.mark.parametrize(
    ("exercise", "question"), QUESTIONS, ids=lambda v: getattr(v, "function", "")
)
def test_what_every_reference_does_arrives_as_it_is(exercise, question):
    if question.reference is None:
        return
    seen = [observe(question.driver, question.reference, a) for a in calls(question, 0)]
    got = unpack_observations(pack_observations(seen, 2), 2, len(seen))
    for one, other in zip(seen, got, strict=True):
        assert (one.raised, one.changed) == (other.raised, other.changed)
        assert (one.outputs is None) == (other.outputs is None)
        outputs = one.outputs or {}
        assert all(equal(value, other.outputs[name]) for name, value in outputs.items())


@pytest.mark.parametrize("dtype", [*DTYPES, "longdouble", ">f8", ">i2"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 5), (1,) * 40, (2, 3)])
def test_arrays_of_every_kind_arrive(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    transposed = array.T if array.ndim > 1 else array
    seen = Observation({"y": transposed})
    (got,) = unpack_observations(pack_observations([seen], 0), 0, 1)
    assert got.outputs["y"].dtype == transposed.dtype.newbyteorder("=")
    assert np.array_equal(got.outputs["y"], transposed)


def test_special_numbers_arrive():
    values = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])
    (got,) = unpack_observations(pack_observations([Observation({"y": values})], 0), 0, 1)
    assert got.outputs["y"].tobytes() == values.tobytes()


def test_very_many_numbers_do_not_travel_but_are_told():
    large = Observation({"y": np.zeros(MOST_NUMBERS + 1), "z": np.zeros(2)})
    several = [Observation({"y": np.zeros(MOST_NUMBERS)})] * 6
    for seen, refused in (([large], 1), (several, 2)):
        got = unpack_observations(pack_observations(seen, 0), 0, len(seen))
        told = [o.raised for o in got if o.raised]
        assert len(told) == refused
        assert told[0].kind == "WrongReturn"
        assert "expected fewer numbers" in told[0].message


# What is forged is refused

GOOD = {
    "target": 0,
    "seen": [{"outputs": {"y": {"dtype": "float64", "shape": [2]}}, "raised": None, "changed": {}}],
}
ARRAY_OF_TWO = {"dtype": "float64", "shape": [3]}
NUMBERS = np.ones(2).tobytes()


def message(body, raw=NUMBERS):
    return json.dumps(body).encode() + b"\n" + raw


def changed(path, value):
    """GOOD with another value at a path; a value of `...` removes it."""
    body = json.loads(json.dumps(GOOD))
    place = body
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return body


ARRAY = ("seen", 0, "outputs", "y")
ERROR = {"kind": "A", "message": "", "line": None, "by_learner": True}
FORGED = {
    "no verdict": changed(("seen",), None),
    "a verdict": GOOD | {"passed": True},
    "another target": changed(("target",), 1),
    "a target that equals 0": changed(("target",), False),
    "a target that is a list": changed(("target",), [0]),
    "no target": changed(("target",), ...),
    "no results": changed(("seen",), []),
    "a result twice": changed(("seen",), GOOD["seen"] * 2),
    "a result that is null": changed(("seen", 0), None),
    "neither outputs nor an error": changed(("seen", 0, "outputs"), None),
    "outputs and an error": changed(("seen", 0, "raised"), ERROR),
    "an error without a kind": changed(
        ("seen", 0), {"outputs": None, "raised": {"message": ""}, "changed": {}}
    ),
    "outputs that are a list": changed(("seen", 0, "outputs"), [1]),
    "an output that is a number": changed(ARRAY, {"value": 1.0}),
    "an output that is a list": changed(ARRAY, {"items": [{"value": 1}]}),
    "an output of no kind": changed(ARRAY, {}),
    "an output of two kinds": changed(ARRAY, {"dtype": "int8", "shape": [1], "value": 1}),
    "an object array": changed((*ARRAY, "dtype"), "object"),
    "a dtype with fields": changed((*ARRAY, "dtype"), "f8,f8"),
    "a dtype that is a list": changed((*ARRAY, "dtype"), ["f8"]),
    "a shape that is too long": changed((*ARRAY, "shape"), [3]),
    "a shape that is too short": changed((*ARRAY, "shape"), [1]),
    "a negative shape": changed((*ARRAY, "shape"), [-2]),
    "a huge shape": changed((*ARRAY, "shape"), [2**40, 2**40]),
    "a huge shape with nothing in it": changed((*ARRAY, "shape"), [0, 2**62]),
    "a shape of texts": changed((*ARRAY, "shape"), ["2"]),
    "a shape of truths": changed((*ARRAY, "shape"), [True, True, 2]),
    "a shape of fractions": changed((*ARRAY, "shape"), [2.0]),
    "very many axes": changed((*ARRAY, "shape"), [1] * 65 + [2]),
    "changes that are a list": changed(("seen", 0, "changed"), ["x"]),
    "a change without its array": changed(("seen", 0, "changed"), {"x": ARRAY_OF_TWO}),
    "a refusal that is a number": changed(("seen", 0), GOOD["seen"][0] | {"refused": 1}),
    "one more key": changed(("seen", 0), GOOD["seen"][0] | {"more": 1}),
}


def test_the_message_that_the_forged_ones_are_made_of_is_good():
    (seen,) = unpack_observations(message(GOOD), 0, 1)
    assert np.array_equal(seen.outputs["y"], np.ones(2))


@pytest.mark.parametrize("body", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("raw", [b"", NUMBERS, 2 * NUMBERS], ids=["none", "one", "two"])
def test_a_forged_message_is_refused_whatever_arrays_follow(body, raw):
    with pytest.raises(Malformed):
        unpack_observations(message(body, raw), 0, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"null\n",
        b"[]\n",
        b"{}",
        b"{}\n",
        b'{"a": ' * 100_000 + b"\n",
        b"[" * 100_000 + b"\n",
        b"1" * 10_000 + b"\n",
        b"\xff\xfe\n",
        b"\x80\x04K\x01.\n",
        message(GOOD, NUMBERS[:-1]),
        message(GOOD, NUMBERS + b"\0"),
        message(GOOD, b""),
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_message_is_refused(data):
    with pytest.raises(Malformed):
        unpack_observations(data, 0, 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.builds(lambda v: json.dumps(v).encode() + b"\n", JSON))
def test_whatever_comes_is_refused_or_read_and_nothing_else(data):
    with pytest.raises(Malformed):
        unpack_observations(data, 0, 1)


PATHS = [("seen",), ("seen", 0), ("seen", 0, "outputs"), ARRAY, (*ARRAY, "shape"), ("target",)]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATHS), JSON)
def test_a_good_message_with_anything_in_it_is_refused_or_read(path, value):
    try:
        (seen,) = unpack_observations(message(changed(path, value)), 0, 1)
    except Malformed:
        return
    assert isinstance(seen, Observation)
    assert seen.outputs is None or all(
        v is None or isinstance(v, str | np.ndarray) for v in seen.outputs.values()
    )


def test_texts_are_cut_and_cannot_act_on_a_terminal_or_break_a_file():
    raised = Raised("K" * 10**6, "\x1b[2J\ud800\0" + "m" * 10**6, "line \x9b", True)
    (seen,) = unpack_observations(pack_observations([Observation(raised=raised)], 0), 0, 1)
    texts = (seen.raised.kind, seen.raised.message, seen.raised.line)
    for text in texts:
        assert len(text) <= 2000
        text.encode()
        assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text)
    assert clean("a\nb\tc") == "a\nb\tc"
