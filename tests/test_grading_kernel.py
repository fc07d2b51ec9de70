"""Exercise 09 in a class: kernels are graded confined, and left out where there is no Triton."""

import json
import shutil
import subprocess
import sys

import pytest
from installed import HAS_TRITON
from right_answers import one_kernel as right
from submissions import QUICK, ROOT, mark_of, paper, solved

from normlab.checks.sources import defined_names

pytestmark = pytest.mark.skipif(not HAS_TRITON, reason="kernels need Triton")
NAME = "09_one_kernel"
HEAD = (
    "import os\nos.environ['TRITON_INTERPRET'] = '1'\nimport triton\nimport triton.language as tl"
)
SIGNATURE = "x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr"
BODY = """
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    inside = columns < D
    x = tl.load(x_ptr + row * row_stride + columns, mask=inside, other=0.0).to(tl.float32)
    weight = tl.load(weight_ptr + columns, mask=inside, other=0.0).to(tl.float32)
    y = weight * x / tl.sqrt(tl.sum(x * x) / D + eps)
    tl.store(y_ptr + row * row_stride + columns, y, mask=inside)
"""
LINE = "    row = tl.program_id(0)\n"


@pytest.fixture
def grade(workshop):
    def run(one):
        (diagnosis,) = workshop.grade(one, QUICK).diagnoses
        return diagnosis

    return run


def kernel(*lines, body=BODY, above=""):
    """A hand-in whose kernel has lines of its own, behind its first one."""
    more = "".join(f"    {line}\n" for line in lines)
    source = f"{above}@triton.jit\ndef rms_norm_kernel({SIGNATURE}):{body}"
    return paper(HEAD, source.replace(LINE, LINE + more), exercise=NAME)


RIGHT = {
    "as the notebook has it": solved(NAME),
    "with imports of its own": kernel(),
    "without the switch": paper(
        "import triton, triton.language as tl",
        f"@triton.jit\ndef rms_norm_kernel({SIGNATURE}):{BODY}",
        exercise=NAME,
    ),
    "that prints on the device": kernel("tl.device_print('row', row)", "print('x' * 10**5)"),
    "with a function of its own": kernel(
        body=BODY.replace("tl.sum(x * x) / D", "mean(x * x, D)"),
        above="@triton.jit\ndef mean(x, D):\n    return tl.sum(x) / D\n\n",
    ),
    "after a launch of its own": paper(
        HEAD,
        f"@triton.jit\ndef rms_norm_kernel({SIGNATURE}):{BODY}",
        "import torch\nx, y = torch.ones(2, 4), torch.ones(2, 4)\n"
        "rms_norm_kernel[(2,)](x, torch.ones(4), y, 4, 4, 1e-6, 4)",
        exercise=NAME,
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_kernel_gets_full_marks_in_every_form(name, grade):
    diagnosis = grade(RIGHT[name])
    assert diagnosis.passed, diagnosis


@pytest.mark.parametrize("answer", right.RIGHT["rms_norm_kernel"], ids=lambda a: a.__name__)
def test_a_right_kernel_written_in_another_way_gets_full_marks(answer, grade):
    source = (ROOT / "tests" / "right_answers" / "one_kernel.py").read_text(encoding="utf-8")
    source = source.partition("RIGHT = {")[0].replace("with interpreting():", "if True:")
    assert answer.__name__ in defined_names(source)
    last = f"rms_norm_kernel = triton.jit({answer.__name__})"
    diagnosis = grade(paper(HEAD, source, last, exercise=NAME))
    assert diagnosis.passed, diagnosis


WRONG = {
    "a loop that never ends": (kernel("while True:", "    pass"), "time-limit"),
    "a stray read": (kernel("tl.load(x_ptr + 10**9)"), "raises"),
    "a stray write": (kernel("tl.store(y_ptr - 10**12, 1.0)"), "raises"),
    "an address out of the air": (
        kernel("tl.load(tl.cast(64, tl.pointer_type(tl.float32), bitcast=True))"),
        "raises",
    ),
    "assembly": (
        kernel("tl.inline_asm_elementwise('', '', [row], tl.int32, True, 1)"),
        "raises",
    ),
    "the course's own kernel": (
        kernel("from normlab.fused_norms import rms_norm", "rms_norm(x_ptr)"),
        "library-norm",
    ),
    "PyTorch's norm": (
        kernel("import torch", "torch.nn.functional.rms_norm(torch.ones(2, 2), (2,))"),
        "library-norm",
    ),
    "the end of its process": (kernel("import os", "os._exit(0)"), "process-ended"),
    "much memory": (kernel("a = bytearray(4 * 2**30)"), "raises"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_kernel_that_does_harm_costs_itself_alone_and_is_told(name, grade):
    one, mistake = WRONG[name]
    diagnosis = grade(one)
    assert not diagnosis.passed
    assert not diagnosis.points
    assert mistake in diagnosis.mistakes, diagnosis
    assert grade(kernel()).passed


def test_a_mistake_is_named_as_in_the_notebook(grade):
    diagnosis = grade(kernel(body=BODY.replace(", y, mask=inside", ", y")))
    assert diagnosis.mistakes == ["store-not-masked", "raises"]
    assert "program 1 writes element 3 of its row of y, which has 0 to 2" in diagnosis.message
    assert diagnosis.points == 2


def test_a_launch_in_a_cell_of_its_own_runs_under_the_interpreter(workshop):
    graded = workshop.grade(RIGHT["after a launch of its own"], QUICK)
    assert not [note for note in graded.notes if "Error" in note]


def test_what_is_handed_out_is_not_attempted(grade):
    content = (ROOT / "exercises" / f"{NAME}.ipynb").read_bytes()
    diagnosis = grade(type(solved(NAME))(NAME, ".ipynb", content))
    assert not diagnosis.attempted


def test_no_cache_is_written(grade, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_HOME", str(tmp_path))
    grade(kernel())
    assert not [*tmp_path.iterdir()]


# Without Triton

WITHOUT = """
import sys

sys.modules["triton"] = None
from normlab import cli

sys.exit(cli.main(sys.argv[1:]))
"""


def test_without_triton_a_class_is_graded_but_for_this_exercise(tmp_path):
    handed_in = {"ada": [NAME, "01_layer_norm"], "bob": [NAME], "eve": ["01_layer_norm"]}
    for student, names in handed_in.items():
        (tmp_path / "class" / student).mkdir(parents=True)
        for name in names:
            shutil.copy(ROOT / "solutions" / f"{name}.ipynb", tmp_path / "class" / student)
    command = [sys.executable, "-c", WITHOUT, "grade", str(tmp_path / "class")]
    policy = tmp_path / "policy.toml"
    policy.write_text("[partial]\neps-outside = 0.5\n", encoding="utf-8")
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out"), "--policy", str(policy)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2  09_one_kernel needs Triton, which is not installed  ada/" in done.stdout
    header, *rows = (tmp_path / "out" / "gradebook.csv").read_text().splitlines()
    assert NAME not in header
    assert [row.split(",")[:3] for row in rows] == [["ada", "4", "4"], ["eve", "4", "4"]]


def test_the_cell_of_the_answer_has_its_mark():
    content = json.loads(solved(NAME).content)
    assert [mark_of(cell) for cell in content["cells"] if mark_of(cell)] == [
        "rms_norm_kernel",
        "check_rms_norm_kernel",
    ]


def test_what_a_kernel_leaves_unwritten_is_named_and_nan_that_it_computes_is_not(grade):
    short = grade(kernel(body=BODY.replace("columns < D", "columns < D - 2")))
    assert short.mistakes[0] == "elements-left-unwritten"
    not_a_number = grade(kernel(body=BODY.replace("y = weight", "y = (eps - eps) / 0.0 * weight")))
    assert not not_a_number.passed
    assert "elements-left-unwritten" not in not_a_number.mistakes


def test_a_y_in_half_precision_loses_the_point_for_precision_alone(grade):
    diagnosis = grade(kernel(body=BODY.replace("columns, y,", "columns, y.to(tl.float16),")))
    assert (diagnosis.points, diagnosis.mistakes[0]) == (4, "y-rounded")


STORE = "    tl.store("
WRITINGS = {
    "another's row": (
        STORE,
        "    tl.store(y_ptr + row // 2 * row_stride + columns, x, mask=inside)\n" + STORE,
        "is written by two programs",
    ),
    "y before it is written": (
        "    y = weight * x",
        "    x += 0 * tl.load(y_ptr + row * row_stride + columns, mask=inside, other=0.0)\n"
        "    y = weight * x",
        "is read before anything is written there",
    ),
    "y, which is added to": ("tl.store(", "tl.atomic_add(", "is read before"),
}


@pytest.mark.parametrize("name", WRITINGS)
def test_what_depends_on_the_order_of_programs_or_on_old_memory_is_refused(name, grade):
    old, new, said = WRITINGS[name]
    diagnosis = grade(kernel(body=BODY.replace(old, new)))
    assert not diagnosis.points
    assert said in diagnosis.message


def test_a_block_that_is_always_as_long_gets_no_full_marks(grade):
    diagnosis = grade(kernel(body=BODY.replace("tl.arange(0, BLOCK)", "tl.arange(0, 1024)")))
    assert (diagnosis.points, diagnosis.mistakes[0]) == (2, "elements-left-unwritten")
