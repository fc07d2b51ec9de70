"""The checks can fail and do not over-fail: proved for every exercise, function by function."""

import importlib
import inspect
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from installed import HAS_TRITON, HERE, exercises_here, needs_triton
from law_breakers import BREAKERS
from mutants import mutants

from normlab.checks import examine
from normlab.checks.examination import expected
from normlab.checks.examiner import right_at_once
from normlab.checks.exercise import ANY_INPUT, FORMULA, LEVELS
from normlab.checks.laws import broken
from normlab.checks.lookup import Lookup
from normlab.checks.observe import observe
from normlab.checks.variants import pair_variants, single_variants
from normlab.exercises import FUNCTIONS, find_exercise, load_exercise
from normlab.exercises.catalogue import MODULES

QUESTIONS = [(e, q) for e in exercises_here() for q in e.questions]
REFERENCED = [(e, q) for e, q in QUESTIONS if q.reference]
KEPT = {
    function: importlib.import_module(f"right_answers.{exercise[3:]}")
    for exercise, functions in HERE.items()
    for function in functions
}
MISTAKES = [(e, q, variant) for e, q in REFERENCED for variant in single_variants(q)]
RIGHT = [(e, q, answer) for e, q in QUESTIONS for answer in KEPT[q.function].RIGHT[q.function]]


def by_function(pairs):
    return pytest.mark.parametrize(
        ("exercise", "question"), pairs, ids=[q.function for _, q in pairs]
    )


@pytest.mark.parametrize("name", HERE)
def test_the_list_of_functions_is_what_the_exercise_asks_for(name):
    assert tuple(q.function for q in load_exercise(name).questions) == FUNCTIONS[name]


# What an exercise asks for in NumPy can be judged where there is no torch.
IN_TORCH = {
    "RMSNorm", "post_norm_step", "pre_norm_step", "PreNormTransformer", "layer_gradient_norms",
    "deepnorm_step", "deepnorm_init_", "LayerNormLSTMCell",
}  # fmt: skip
IN_TRITON = {"rms_norm_kernel"}
CHANGE_WHAT_THEY_GET = {"deepnorm_init_", "rms_norm_kernel"}
"""They are not asked to return anything."""
IN_NUMPY = [
    f for functions in FUNCTIONS.values() for f in functions if f not in IN_TORCH | IN_TRITON
]
WITHOUT_TORCH = """
import sys

sys.modules["torch"] = None  # to import it raises ModuleNotFoundError
from normlab.checks import examine
from normlab.exercises import find_exercise

exercise = find_exercise({function!r})
question = exercise.question({function!r})
{answer}
diagnosis = examine(exercise, question, answer)
assert diagnosis.passed, diagnosis
loaded = [name for name in sys.modules if name.startswith("normlab.exercises.")]
print(*loaded)
"""


def run_without_torch(program):
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("function", IN_NUMPY)
def test_a_numpy_question_is_judged_where_torch_cannot_be_imported(function):
    answer = "answer = question.reference"
    if function.endswith("_failing_input"):
        kept = next(a for a in KEPT[function].RIGHT[function] if "np." in inspect.getsource(a))
        answer = f"import numpy as np\n{inspect.getsource(kept)}\nanswer = {kept.__name__}"
    done = run_without_torch(WITHOUT_TORCH.format(function=function, answer=answer))
    assert done.returncode == 0, done.stderr
    module = f"normlab.exercises.{MODULES[find_exercise(function).name][function]}"
    others = {f"normlab.exercises.{m}" for ms in MODULES.values() for m in ms.values()} - {module}
    assert module in done.stdout.split()
    assert not others & set(done.stdout.split()), "a question loads another"


def test_there_are_thirty_five_numpy_questions():
    assert len(IN_NUMPY) == 35


@pytest.mark.parametrize("function", sorted(IN_TORCH))
def test_a_torch_question_says_in_a_sentence_that_torch_is_missing(function):
    program = f"""
import sys

sys.modules["torch"] = None
from normlab import hint


def {function}():
    pass


hint({function})
"""
    done = run_without_torch(program)
    assert done.stderr.splitlines()[-1] == (
        f"ModuleNotFoundError: {function} is a question on PyTorch, which is not installed: "
        "run pip install 'normlab[course]'."
    )


def test_progress_and_check_work_where_there_is_no_torch(tmp_path):
    answers = "def layer_norm(x):\n    return x\n\n\nclass RMSNorm:\n    pass\n"
    (tmp_path / "answer.py").write_text(answers)
    program = f"""
import sys

sys.modules["torch"] = None
from pathlib import Path

from normlab import cli
from normlab.study.check_command import Checked, report
from normlab.study.files import check_file

assert cli.main(["progress"]) == 0
path = Path({str(tmp_path / "answer.py")!r})
print(report([Checked(path, tuple((d, "") for d in check_file(path)))]))
"""
    done = run_without_torch(program)
    assert done.returncode == 0, done.stderr
    assert "▱▱▱▱▱ 0 of 7 points" in done.stdout  # of 03_rms_norm what is in NumPy
    assert "layer_norm  ✗ not yet, 0 of 4 points" in done.stdout
    assert "RMSNorm is a question on PyTorch, which is not installed" in done.stdout


WITHOUT_TRITON = """
import sys

sys.modules["triton"] = None
from normlab import check, hint, my_progress
from normlab.checks import interpreted_triton
from normlab.study import time_kernel

triton, tl = interpreted_triton()


@triton.jit
def rms_norm_kernel(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)


print(check(rms_norm_kernel))
print(hint(rms_norm_kernel))
print(time_kernel(rms_norm_kernel))
print("one_kernel" in str(my_progress()), "rms_norm_kernel" in str(my_progress()))
"""


def test_without_triton_its_exercise_says_so_in_a_sentence_and_nothing_is_wrong_or_missing():
    done = run_without_torch(WITHOUT_TRITON)
    needs = "Triton, which is not installed: run pip install 'normlab[kernels]', on Linux."
    sentence = f"rms_norm_kernel is a question on {needs}"
    assert done.stdout.splitlines() == [
        f"Kernels cannot run here: it needs {needs}",
        *3 * [sentence],
        "False False",
    ]
    assert not done.stderr


def test_without_triton_the_check_of_a_file_says_so_and_goes_on(tmp_path):
    (tmp_path / "answer.py").write_text(
        "import triton\n\n\n@triton.jit\ndef rms_norm_kernel(x_ptr):\n    pass\n\n\n"
        "def layer_norm(x):\n    return x\n"
    )
    program = f"""
import sys

sys.modules["triton"] = None
from pathlib import Path

from normlab.study.check_command import Checked, report
from normlab.study.files import check_file

path = Path({str(tmp_path / "answer.py")!r})
print(report([Checked(path, tuple((d, "") for d in check_file(path)))]))
"""
    done = run_without_torch(program)
    assert "rms_norm_kernel is a question on Triton, which is not installed" in done.stdout
    assert "layer_norm  ✗ not yet, 0 of 4 points" in done.stdout
    assert "0 of 4 points\n" in done.stdout


@needs_triton
def test_a_file_that_imports_triton_without_its_interpreter_is_checked_all_the_same(tmp_path):
    kernel = inspect.getsource(KEPT["rms_norm_kernel"].rsqrt).replace(
        "rsqrt(", "rms_norm_kernel(", 1
    )
    head = "import triton\nimport triton.language as tl\n\n\n@triton.jit\n"
    (tmp_path / "answer.py").write_text(head + kernel)
    run = [sys.executable, "-m", "normlab", "check", str(tmp_path / "answer.py")]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert "5 of 5 points" in done.stdout, done.stdout + done.stderr


@by_function(REFERENCED)
def test_the_reference_passes_whatever_the_seed(exercise, question):
    for seed in range(20):
        diagnosis = examine(exercise, question, question.reference, seed)
        assert diagnosis.passed, f"seed {seed}:\n{diagnosis}"


@by_function(REFERENCED)
def test_errors_are_asked_for_on_the_level_of_any_input(exercise, question):
    asked = ANY_INPUT if len(question.levels) > 1 else FORMULA
    for probe in question.probes(np.random.default_rng(0)):
        raised = observe(question.driver, question.reference, probe.arguments).raised
        assert raised is None or probe.level == asked, f"{probe.title}: {raised}"


@by_function(QUESTIONS)
def test_levels_come_in_their_order_and_each_has_probes_and_hints_of_its_own(exercise, question):
    assert [*question.levels] == [level for level in LEVELS if level in question.levels]
    assert question.hints.keys() == question.levels.keys()
    assert all(2 <= len(set(hints)) == len(hints) for hints in question.hints.values())
    assert len(question.hints[FORMULA]) == 3
    if question.points == 1:
        assert question.levels == {FORMULA: 1}
    if question.reference:
        judged = {probe.level for probe in question.probes(np.random.default_rng(0))}
        assert set(question.levels) <= judged | set(question.later.values())


@by_function(QUESTIONS)
def test_there_are_five_right_answers(exercise, question):
    answers = KEPT[question.function].RIGHT[question.function]
    assert (
        len({answer.__code__ if hasattr(answer, "__code__") else answer for answer in answers}) >= 5
    )


@pytest.mark.parametrize(
    ("exercise", "question", "answer"),
    RIGHT,
    ids=[f"{q.function}-{answer.__name__}" for _, q, answer in RIGHT],
)
def test_a_right_answer_written_in_another_way_passes(exercise, question, answer):
    for seed in range(5):
        diagnosis = examine(exercise, question, answer, seed)
        assert diagnosis.passed, f"seed {seed}:\n{diagnosis}"


@by_function(REFERENCED)
def test_every_law_holds_for_the_reference_and_is_broken_by_some_answer(exercise, question):
    mistakes = [variant.answer for variant in single_variants(question)]
    assert question.laws
    for law in question.laws:
        outputs = [observe(question.driver, question.reference, a).outputs for a in law.inputs]
        assert law.judge(*outputs) is None, law.name
        breaker = BREAKERS.get((question.function, law.name))
        wrong = [breaker] if breaker else mistakes
        respond = [partial(observe, question.driver, answer) for answer in wrong]
        assert any(broken(question, law, each) for each in respond), law.name


@pytest.mark.parametrize(
    ("exercise", "question", "variant"),
    MISTAKES,
    ids=[f"{q.function}-{v.mistakes[0].name}" for _, q, v in MISTAKES],
)
def test_a_mistake_is_rejected_and_named(exercise, question, variant):
    for seed in range(3):
        diagnosis = examine(exercise, question, variant.answer, seed)
        assert not diagnosis.passed
        assert diagnosis.attempted
        assert diagnosis.mistakes[0] == variant.mistakes[0].name, str(diagnosis)
        assert diagnosis.faults[0].example is not None


EPS = "eps-wrong-value"
NAMES_OF_EPS = {EPS, "eps-outside", "eps-missing", "eps-as-floor", "eps-in-numerator"}
OF_EPS = [
    (e, q, variant)
    for e, q, variant in MISTAKES
    if variant.mistakes[0].name in NAMES_OF_EPS
    and "eps" in inspect.signature(q.reference).parameters
]


def test_of_nobody_whose_eps_is_wrong_is_it_said_that_the_formula_is_right():
    """The place and the value of ε are a part of the formula."""
    asked = {q.function for _, q, _ in OF_EPS if len(q.levels) > 1}
    assert asked == {
        *("layer_norm", "layer_norm_backward", "rms_norm", "rms_norm_backward"),
        *("RMSNorm", "graph_layer_norm", "exported_rms_norm", "converted_rms_norm"),
        *("half_layer_norm", "layer_norm_dgamma", "cast_rms_norm", "sharded_rms_norm"),
        *(IN_TRITON if HAS_TRITON else ()),
    }
    for seed in (0, 1):
        for exercise, question, variant in OF_EPS:
            diagnosis = examine(exercise, question, variant.answer, seed)
            assert not diagnosis.levels[0].passed, (question.function, variant.forms)
            assert "the formula is right" not in str(diagnosis)


UNNAMED = {
    "layer_norm": {frozenset({"eps-outside", EPS}), frozenset({"eps-as-floor", EPS})},
    "rms_norm": {
        frozenset({"axis-tokens", "eps-as-floor"}),  # a single token raises
        frozenset({"eps-as-floor", EPS}),
    },
    "RMSNorm": {frozenset({"axis-tokens", "eps-as-floor"})},
    "loglog_slope": {frozenset({"log-of-one-axis"})},  # of both axes: no-logarithm
    "deepnorm_constants": {frozenset({"powers-swapped", "stacks-swapped"})},
    # the law says it first: the deviations are not in proportion
    "deepnorm_init_": {
        frozenset({"beta-on-query-key", "no-fan"}),
        frozenset({"beta-missing", "no-fan"}),
    },
    "annotated_layer_norm": {frozenset({"eps-outside", EPS})},
    "item_layer_norm": {frozenset({"half-repaired"})},  # both halves: the bug itself
    "deepnorm_linear": {frozenset({"branch-divided", EPS})},
    "half_layer_norm": {frozenset({"eps-scaled", EPS}), frozenset({"eps-as-floor", EPS})},
    "layer_norm_dgamma": {frozenset({"eps-as-floor", EPS})},
    # without the third norm as well: norms-missing
    "LayerNormLSTMCell": {frozenset({"cell-norm-missing", "products-not-normalized"})},
}
"""Pairs of the sample of which neither is named: two wrong uses of one ε, above all."""
MOST_PAIRS = 150
"""Of a question, so that the tests end in minutes."""


@by_function(REFERENCED)
def test_pairs_of_mistakes_are_rejected_and_one_of_them_named(exercise, question):
    """A sample; `tests/study_of_answers.py --pairs` tries all. A behaviour that the other mistake
    hides is not seen, and so not named."""
    silent = []
    pairs = pair_variants(question)
    for pair in pairs[:: 1 + len(pairs) // MOST_PAIRS]:
        names = {m.name for m in pair.mistakes}
        diagnosis = examine(exercise, question, pair.answer)
        if diagnosis.passed and len(names) == 1:
            continue  # two wrongs of one kind: log₁₀ on both axes
        assert not diagnosis.passed, names
        if not names & set(diagnosis.mistakes) and not any(m.seen for m in pair.mistakes):
            silent.append((names, diagnosis.mistakes))
    unnamed = {frozenset(names) for names, _ in silent}
    assert unnamed <= UNNAMED.get(question.function, set()), silent


@by_function(REFERENCED)
def test_no_two_mistakes_lead_to_an_answer_that_returns_nothing(exercise, question):
    """So none are looked for where no call returned what can be compared."""
    probes, _ = expected(question, 0)

    def returns_nothing(answer, arguments):
        raised = observe(question.driver, answer, arguments).raised
        return raised is not None and raised.kind == "WrongReturn"

    for pair in pair_variants(question):
        assert not all(returns_nothing(pair.answer, probe.arguments) for probe in probes)


@by_function([(e, q) for e, q in REFERENCED if q.function not in CHANGE_WHAT_THEY_GET])
def test_an_answer_that_returns_nothing_is_told_so_without_a_search(
    exercise, question, monkeypatch
):
    monkeypatch.setattr(Lookup, "_pairs", lambda self: pytest.fail("two mistakes are looked for"))
    diagnosis = examine(exercise, question, lambda *given, **named: None)
    assert "wrong-return" in diagnosis.mistakes


@by_function(REFERENCED)
def test_every_single_token_mutation_is_rejected_unless_it_changes_no_result(exercise, question):
    equivalent = KEPT[question.function].EQUIVALENT[question.function]
    survivors = {
        text
        for text, answer in mutants(question.reference)
        if right_at_once(question, partial(observe, question.driver, answer), seed=0)
        and examine(exercise, question, answer).passed
    }
    assert survivors == set(equivalent)


@by_function(QUESTIONS)
def test_mistakes_have_names_of_their_own_and_say_why(exercise, question):
    names = [m.name for m in question.mistakes] + [law.name for law in question.laws]
    assert len(set(names)) == len(names)
    for mistake in question.mistakes:
        assert mistake.forms
        assert mistake.why.endswith((".", ".)"))
