"""Whatever an answer gives, and whatever its process says: no points, a reason, and no crash."""

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from installed import exercises_here
from submissions import QUICK, RIGHT, grade, notebook, paper

from benchmarks.fuzz_judge import fuzz
from benchmarks.liars import Liar, honest_answers
from normlab.checks import examine
from normlab.checks.examination import expected
from normlab.checks.examiner import judge
from normlab.checks.observe import Observation, observe
from normlab.exercises import find_exercise
from normlab.grading import conversation, verdict
from normlab.grading import grade as grading
from normlab.grading.confined.limits import Ending
from normlab.grading.confined.messages import pack, pack_observations, unpack
from normlab.grading.memo import Memo
from normlab.grading.paper import Paper, Setting
from normlab.grading.runs import Run
from normlab.grading.store import DECIDING, PACKAGE

SETTING = Setting(seed=1)
QUESTIONS = [(e, q) for e in exercises_here() for q in e.questions]
REFERENCED = [(e, q) for e, q in QUESTIONS if q.reference]
KINDS = {
    "a number": lambda usual: 1.0,
    "a text": lambda usual: "text",
    "nothing": lambda usual: None,
    "an empty array": lambda usual: np.zeros(0),
    "truth values": lambda usual: np.zeros(np.shape(usual), bool),
    "an axis more": lambda usual: np.zeros((1, *np.shape(usual))),
    "small integers": lambda usual: np.zeros(np.shape(usual), np.uint8),
}


def by_function(pairs):
    return pytest.mark.parametrize(
        ("exercise", "question"), pairs, ids=[q.function for _, q in pairs]
    )


@pytest.fixture(autouse=True)
def nothing_is_judged_yet():
    verdict.kept.clear()


# An answer that becomes another one


@by_function(REFERENCED)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_an_answer_of_another_kind_on_the_inputs_of_the_laws_is_told_so(kind, exercise, question):
    calls, usual = 0, 0

    def driver(answer, **arguments):
        nonlocal calls
        outputs = question.driver(question.reference if answer is nobody else answer, **arguments)
        if answer is not nobody:
            return outputs
        calls += 1
        zeros = {n: v if isinstance(v, str) else 0 * np.asarray(v) for n, v in outputs.items()}
        return zeros if calls <= usual else {name: kind(v) for name, v in zeros.items()}

    def nobody(*arguments):
        """Stands for an answer that the driver makes."""

    other, probes = replace(question, driver=driver), len(expected(question, 0)[0])
    for count in (0, probes, probes + 2, 2 * probes, 2 * probes + 1):
        calls, usual = 0, count
        diagnosis = examine(exercise, other, nobody)
        assert not diagnosis.passed
        assert diagnosis.mistakes
        assert f"{diagnosis}{diagnosis._repr_html_()}"


CHANGING = """
import numpy as np
calls = 0
def layer_norm(x, gamma, beta, eps=1e-5):
    global calls
    calls += 1
    return np.zeros_like(x) if calls <= {usual} else {later}
"""
LATER = ("1.0", "'text'", "np.zeros(0)", "np.zeros(x.shape, bool)", "x[None]", "None")


@pytest.mark.parametrize("later", LATER)
def test_it_is_graded_with_no_points_and_checked_without_a_crash(later, workshop):
    for usual in (28, 52, 54):  # 26 probes, which are called twice, and then the laws
        source = CHANGING.format(usual=usual, later=later)
        namespace = {}
        exec(source, namespace)
        exercise = find_exercise("layer_norm")
        checked = examine(exercise, exercise.question("layer_norm"), namespace["layer_norm"])
        (graded,) = workshop.grade(paper(source), QUICK).diagnoses
        assert checked.mistakes == graded.mistakes
        assert graded.points == 0
        assert graded.attempted
        if usual == 52:
            assert graded.mistakes == ["wrong-return" if later == "None" else "wrong-shape"]


def test_the_run_ends_well_and_says_what_was_wrong(tmp_path, capsys):
    for name, source in (("ada", RIGHT), ("eve", CHANGING.format(usual=52, later="x > 0"))):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "01_layer_norm.ipynb").write_bytes(notebook(source))
    assert grade(tmp_path / "class", tmp_path / "out", "--seed", 1) == 0
    assert "wrong-shape (1)" in capsys.readouterr().out
    gradebook = (tmp_path / "out" / "gradebook.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in gradebook[1:]] == ["ada", "eve"]


def test_an_answer_to_a_question_of_laws_is_asked_once():
    exercise = find_exercise("row_variance_failing_input")
    calls = []

    def changing():
        calls.append(1)
        return {"x": np.zeros(3)} if len(calls) == 1 else 1 / 0

    question = exercise.question("row_variance_failing_input")
    assert examine(exercise, question, changing).mistakes == ["constant-rows"]
    assert len(calls) == 1


def test_an_output_that_is_left_out_where_none_is_due_is_none():
    exercise = find_exercise("deepnorm_constants")
    question = exercise.question("deepnorm_constants")

    def respond(arguments):
        seen = observe(question.driver, question.reference, arguments)
        doubled = {n: 2 * v for n, v in (seen.outputs or {}).items() if v is not None}
        return replace(seen, outputs=doubled) if seen.outputs else seen

    assert not judge(exercise, question, respond, 0).passed


def test_texts_and_arguments_that_nothing_can_show_are_shown():
    def layer_norm(x, gamma, beta, eps=1e-5):
        x[...] = 0
        x.dtype = "S8"
        raise ValueError("\ud800")

    def named():
        return {"\ud800": 1.0}

    exercise = find_exercise("layer_norm")
    diagnosis = examine(exercise, exercise.question("layer_norm"), layer_norm)
    assert "an array of dtype |S8" in str(diagnosis)
    museum = find_exercise("row_variance_failing_input")
    other = examine(museum, museum.question("row_variance_failing_input"), named)
    assert f"{diagnosis}{other}".encode()


# A process that forges


def forging(message=lambda honest: honest, observation=lambda like: like):
    """Starts processes whose results are these, made of those of the right answer."""
    forger = SimpleNamespace(
        rng=SimpleNamespace(random=lambda: 0.5),
        observation=observation,
        message=lambda honest: message(honest) if b'"seen"' in honest else honest,
    )

    def of(exercise, question):
        honest, *_ = honest_answers(exercise, question)

        @contextmanager
        def start(order):
            yield Run(Liar(forger, honest, share=1.0), lambda: Ending(0, "", 0.1, 0))

        return start

    return of


def graded(exercise, question, start, setting=SETTING):
    source = f"def {question.function}(): ...\n".encode()
    result = grading.grade(Paper(exercise.name, ".py", source), setting, start)
    return result, next(d for d in result.diagnoses if d.function == question.function)


def in_first_output(**changed):
    """The message with this in the first array that it describes."""

    def forged(honest):
        body, raw = unpack(honest)
        for seen in body["seen"]:
            for output in (seen["outputs"] or {}).values():
                output |= changed
        return pack(body, [np.frombuffer(raw, np.uint8)])

    return forged


def changes(name):
    return lambda like: replace(like, changed={name: np.zeros(2)})


FORGED = {
    "no outputs": forging(observation=lambda like: Observation({})),
    "outputs of other names": forging(
        observation=lambda like: Observation(
            {f"not {n}": v for n, v in (like.outputs or {}).items()}
        )
    ),
    "a hundred outputs": forging(
        observation=lambda like: Observation({f"y{i}": np.zeros(2) for i in range(100)})
    ),
    "texts": forging(observation=lambda like: Observation(dict.fromkeys(like.outputs or {}, "y"))),
    "nothings": forging(observation=lambda like: Observation(dict.fromkeys(like.outputs or {}))),
    "truth values": forging(
        observation=lambda like: Observation(
            {n: np.ones(np.shape(v), bool) for n, v in (like.outputs or {}).items()}
        )
    ),
    "a shape that overflows": forging(in_first_output(shape=[0, 2**26, 2**26, 2**26])),
    "a size beyond all": forging(in_first_output(shape=[10**400])),
    "a long line of JSON": forging(lambda honest: b"[" + b"[]," * 2_000_000 + b"[]]\n"),
    "no line": forging(lambda honest: honest.replace(b"\n", b" ")),
}


@by_function(QUESTIONS)
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_forged_results_get_no_points_and_a_reason(forged, exercise, question):
    result, diagnosis = graded(exercise, question, forged(exercise, question))
    assert (diagnosis.points, diagnosis.passed, diagnosis.attempted) == (0, False, True)
    assert diagnosis.mistakes
    assert "judge-failed" not in diagnosis.mistakes
    assert json.dumps([diagnosis.message, *result.notes]).encode()


def test_a_right_answer_is_right_also_when_its_inputs_were_drawn_anew():
    exercise = find_exercise("layer_norm")
    question = exercise.question("layer_norm")
    start = forging()(exercise, question)
    assert graded(exercise, question, start)[1].passed
    expected.cache_clear()  # as when there are many questions
    verdict.kept.clear()
    assert graded(exercise, question, start)[1].passed


@by_function(REFERENCED)
def test_an_array_where_a_text_is_due_is_no_text(exercise, question):
    def arrays(like):
        texts = {n: np.zeros(3) for n, v in (like.outputs or {}).items() if isinstance(v, str)}
        return replace(like, outputs={**(like.outputs or {}), **texts} if texts else like.outputs)

    known = expected(question, 0)[1]
    texts = any(isinstance(v, str) for seen in known for v in (seen.outputs or {}).values())
    _, diagnosis = graded(exercise, question, forging(observation=arrays)(exercise, question))
    assert diagnosis.passed is not texts
    assert "judge-failed" not in diagnosis.mistakes


@pytest.mark.parametrize("name", ["nobody", "eps", "outputs"])
def test_a_change_of_an_argument_that_there_is_not_is_no_result(name):
    exercise = find_exercise("layer_norm")
    question = exercise.question("layer_norm")
    start = forging(observation=changes(name))(exercise, question)
    _, diagnosis = graded(exercise, question, start)
    assert diagnosis.mistakes == ["disturbed-grading"]
    assert "a change of an argument that the call does not have" in diagnosis.message


# The last net


def fails(*arguments):
    raise IndexError("hidden: 0.123")


def test_an_error_of_the_judges_own_costs_one_answer_and_is_told_to_the_teacher(monkeypatch):
    exercise = find_exercise("layer_norm")
    question = exercise.question("layer_norm")
    monkeypatch.setattr(verdict, "right_at_once", fails)
    result, diagnosis = graded(exercise, question, forging()(exercise, question))
    assert diagnosis.mistakes == ["judge-failed"]
    assert (diagnosis.points, diagnosis.attempted) == (0, True)
    assert "IndexError" in diagnosis.message
    assert "verdict.py, line" in diagnosis.message
    assert "0.123" not in f"{diagnosis}{result.notes}"
    assert any("an error of normlab's" in note for note in result.notes)


def test_what_the_reader_does_not_know_is_no_result(monkeypatch):
    exercise = find_exercise("layer_norm")
    question = exercise.question("layer_norm")
    monkeypatch.setattr(conversation, "unpack_observations", fails)
    _, diagnosis = graded(exercise, question, forging()(exercise, question))
    assert diagnosis.mistakes == ["disturbed-grading"]
    assert conversation.UNREADABLE in diagnosis.message


def test_among_a_thousand_random_answers_the_judge_needs_no_net_and_finds_none_right():
    found = fuzz(QUESTIONS, 1000, seed=0)
    assert not found.died
    assert not found.netted
    assert not found.undeserved
    assert found.told.total() == 1000
    assert len(found.told) > 30  # it is not one reason for all


# What was judged before


def recorded(start):
    """(starts the same processes, what they will have told)."""
    told = []

    class Recorded:
        def __init__(self, channel):
            self.send_bytes, self.listen = channel.send_bytes, channel.recv_bytes

        def recv_bytes(self, most):
            told.append(self.listen(most))
            return told[-1]

    @contextmanager
    def starting(order):
        with start(order) as run:
            yield Run(Recorded(run.channel), run.ending)

    return starting, told


def telling(replies):
    """Starts a process that tells these, whatever it is asked."""

    @contextmanager
    def start(order):
        left = iter(replies)
        channel = SimpleNamespace(send_bytes=lambda _: None, recv_bytes=lambda _: next(left))
        yield Run(channel, lambda: Ending(0, "", 0.1, 0))

    return start


def of_layer_norm():
    exercise = find_exercise("layer_norm")
    return exercise, exercise.question("layer_norm")


def zeros(**changed):
    def observation(like):
        outputs = like.outputs and {name: 0 * value for name, value in like.outputs.items()}
        return replace(like, outputs=outputs, **changed)

    return forging(observation=observation)


@pytest.mark.parametrize("forged", [forging(), zeros()], ids=["right", "wrong"])
def test_what_was_judged_is_not_judged_again_and_is_told_the_same(forged, monkeypatch):
    start = forged(*of_layer_norm())
    before = graded(*of_layer_norm(), start)
    for name in ("judge", "right_at_once"):
        monkeypatch.setattr(verdict, name, fails)
    assert graded(*of_layer_norm(), start) == before


def test_the_same_replies_to_other_hidden_inputs_are_judged_anew():
    start, told = recorded(forging()(*of_layer_norm()))
    assert graded(*of_layer_norm(), start)[1].passed
    assert graded(*of_layer_norm(), telling(told))[1].passed
    _, diagnosis = graded(*of_layer_norm(), telling(told), replace(SETTING, seed=2))
    assert diagnosis.mistakes == ["only-known-inputs"]


def diagnosed(exercise, question, replies):
    """The diagnosis of an answer that is alone, whatever it is asked."""
    left, number = iter(replies), exercise.functions.index(question.function)
    questions = grading.questions_of(exercise, SETTING.seed)
    talk = SimpleNamespace(
        defined=[True],
        task=SimpleNamespace(
            numbers=[number], known=[questions.probes(number)], library_norms=[False]
        ),
        ask_known=lambda *asked: None,
        ask_hidden=lambda *asked: None,
        told=lambda target: next(left),
    )
    (found,) = verdict.diagnose(questions, talk)
    return found


@by_function([(e, q) for e, q in QUESTIONS if q.function in ("variance_gradient", "mean_gradient")])
def test_the_same_replies_to_another_question_are_judged_anew(exercise, question):
    """Both are called on as many inputs."""
    functions = ("variance_gradient", "mean_gradient")
    (other,) = (exercise.question(name) for name in functions if name != question.function)
    honest, *_ = honest_answers(exercise, question)
    first = len(expected(question, 0)[0])
    known, rest = honest.known[:first], honest.known[first:]
    right = [pack_observations(seen, 0) for seen in (known, honest.hidden)]
    assert diagnosed(exercise, question, right).passed
    wrong = [pack_observations(seen, 0) for seen in (known, rest)]
    assert not diagnosed(exercise, other, wrong).passed


def test_the_same_replies_in_the_place_of_another_answer_are_no_result():
    exercise, question = of_layer_norm()
    start, told = recorded(forging()(exercise, question))
    assert graded(exercise, question, start)[1].passed
    cells, left, known, hidden = told
    left = pack(unpack(left)[0] | {"defined": [True, True], "undefined": ["", ""]})
    twice = notebook("def layer_norm(): return 1", "def layer_norm(): return 2")
    replies = [cells, pack({"cell": 1}), left, known, known, hidden, hidden]
    result = grading.grade(Paper(exercise.name, ".ipynb", twice), SETTING, telling(replies))
    assert "the results of another answer" in " ".join(result.notes)


def test_whether_norms_may_be_called_decides_anew():
    forged = zeros(refused="torch.nn.functional.layer_norm")(*of_layer_norm())
    found = [
        graded(*of_layer_norm(), forged, replace(SETTING, library_norms=may))[1].mistakes
        for may in (False, True)
    ]
    assert found[0] == ["library-norm"]
    assert "library-norm" not in found[1]


RAISING = """
import numpy as np
{comment}
def layer_norm(x, gamma, beta, eps=1e-5):
    {line}
print("{printed}")
"""


def test_papers_that_answer_alike_each_have_their_own_report(workshop):
    """One, a second with other words around the same answer, a third that fails in another line."""
    first, second, third = (
        workshop.grade(paper(RAISING.format(comment=comment, line=line, printed=printed)), QUICK)
        for comment, line, printed in (
            ("# by Ada", "return np.zeros_like(x)", "Ada was here"),
            ("# by Eve", "return np.zeros_like(x)  # taken", "Eve was here"),
            ("# by Eve", "return np.zeros_like(x) + missing", "Eve was here"),
        )
    )
    assert (first.printed, second.printed) == ("Ada was here\n", "Eve was here\n")
    assert first.diagnoses == second.diagnoses
    assert "missing" in third.diagnoses[0].message
    other = RAISING.format(comment="", line="return np.ones_like(x) + missing", printed="")
    assert "np.ones_like(x) + missing" in workshop.grade(paper(other), QUICK).diagnoses[0].message


def test_an_error_of_the_judges_own_is_not_kept(monkeypatch):
    start = forging()(*of_layer_norm())
    with monkeypatch.context() as patched:
        patched.setattr(verdict, "right_at_once", fails)
        assert not graded(*of_layer_norm(), start)[1].passed
    assert graded(*of_layer_norm(), start)[1].passed


def test_of_what_was_found_the_oldest_is_forgotten():
    memo, made = Memo(most=2), []

    def found(message):
        return memo.get("length", [message], lambda: made.append(message) or len(message))

    for message in (b"a", b"bb", b"a", b"ccc", b"bb", b"a"):
        assert found(message) == len(message)
    assert made == [b"a", b"bb", b"ccc", b"a"]


# What decides a grade

DATA_AND_PROCESSES = {
    *("normlab", "normlab.models", "normlab.grading", "normlab.grading.paper"),
    "normlab.grading.runs",  # how a process is started, and not what it says
    *("normlab.study", "normlab.study.folders"),  # where notebooks lie
}


def test_what_a_judge_loads_decides_the_grade():
    code = (
        "import sys; from normlab.grading import grade\n"
        "from normlab.exercises import all_exercises, not_judged_here as missing\n"
        "[e.questions for e in all_exercises() if not missing(e.name)]\n"
        "print(*[m for m in sys.modules if m.split('.')[0] == 'normlab'])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    decide = {f"normlab.{name.removesuffix('.py').replace('/', '.')}" for name in DECIDING}
    others = [m for m in done.stdout.split() if m not in DATA_AND_PROCESSES]
    assert [m for m in others if not any(f"{m}.".startswith(f"{d}.") for d in decide)] == []
    assert all((PACKAGE / name).exists() for name in DECIDING)
