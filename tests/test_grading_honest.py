"""What is right keeps its marks, however it is written; what is wrong is told as by a check."""

import ast
import json
import re
from dataclasses import replace
from textwrap import indent

import pytest
from installed import exercises_here
from mutants import outside_annotations
from submissions import (
    QUICK,
    RIGHT,
    ROOT,
    WRONG,
    mark_of,
    notebook,
    paper,
    solution,
    solved,
)

from normlab.checks import examine
from normlab.checks.examination import expected
from normlab.checks.variants import rewritten, source_of
from normlab.exercises import find_exercise
from normlab.grading import workers
from normlab.grading.paper import LEVELS, Paper
from normlab.grading.workers import Workshop

NAMES = [exercise.name for exercise in exercises_here()]
LENIENT = replace(QUICK, seconds=20.0)


@pytest.fixture
def grade(workshop):
    return lambda one, setting=LENIENT: workshop.grade(one, setting)


def right(graded):
    return {d.function: d.passed for d in graded.diagnoses}


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_gets_full_marks_and_an_unsolved_exercise_counts_as_not_attempted(name, grade):
    graded = grade(solved(name))
    assert all(right(graded).values()), graded
    assert not graded.notes
    content = (ROOT / "exercises" / f"{name}.ipynb").read_bytes()
    graded = grade(Paper(name, ".ipynb", content))
    assert not any(d.passed or d.attempted for d in graded.diagnoses)
    assert not graded.problem


@pytest.mark.parametrize("name", NAMES)
def test_without_any_metadata_a_solution_gets_full_marks(name, grade):
    def edit(cells):
        return [cell | {"metadata": {}} for cell in cells]

    content = json.loads(solved(name, edit).content)
    content["metadata"] = {}
    assert all(right(grade(Paper(name, ".ipynb", json.dumps(content).encode()))).values())


ODDITIES = {
    "prints": [RIGHT.replace("    wide", "    print('wide')\n    wide", 1)],
    "writes to stderr": [
        "import sys",
        RIGHT.replace("    wide", "    sys.stderr.write('x')\n    wide"),
    ],
    "warns": ["import warnings", RIGHT.replace("    wide", "    warnings.warn('x')\n    wide", 1)],
    "turns warnings into errors": ["import warnings\nwarnings.simplefilter('error')", RIGHT],
    "has unicode names and texts": [
        RIGHT.replace("centered", "x_zentriert_äöü").replace("variance", "σ2") + "\nπ = '🦊 \u2028'"
    ],
    "has code in extra cells": [
        "def helper(v):\n    return v + 0.0",
        RIGHT.replace("wide = x", "wide = helper(x)"),
    ],
    "has its helper in a later cell": [
        RIGHT.replace("wide = x", "wide = helper(x)"),
        "def helper(v):\n    return v + 0.0",
    ],
    "has its cell twice": [RIGHT, RIGHT],
    "has an earlier draft": [WRONG, RIGHT],
    "has a later draft": [RIGHT, WRONG],
    "has an unsolved copy": [
        RIGHT,
        "def layer_norm(x, gamma, beta):\n    raise NotImplementedError",
    ],
    "is a method's alias": [
        RIGHT.replace("def layer_norm(", "def own(") + "\nlayer_norm = own",
    ],
    "has magics": ["%matplotlib inline\n%load_ext autoreload\n!pip list", "%%time\n" + RIGHT],
    "draws": ["import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", RIGHT],
    "has cells that raise": ["1 / 0", "def (", "undefined", RIGHT, "assert False"],
    "fails after its definition": [RIGHT + "\n1 / 0"],
    "imports check and draws with the course": [
        "import normlab\nfrom normlab import check, hint, quiz\n"
        "from normlab.pictures.style import new_figure",
        RIGHT,
        "check(layer_norm)",
        "new_figure()",
    ],
    "uses another answer above this one": ["from normlab import use", "use(abs)\n" + RIGHT],
    "imports the norms beside its own": ["from normlab.norms import layer_norm as theirs", RIGHT],
    "uses files": ["open('a.txt', 'w').write('1')\nassert open('a.txt').read() == '1'", RIGHT],
    "uses temporary files": [
        "import tempfile\nwith tempfile.TemporaryDirectory() as d: open(d + '/a', 'w').write('1')",
        RIGHT,
    ],
    "uses threads": [
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(2) as e: assert list(e.map(abs, [-1])) == [1]",
        RIGHT,
    ],
    "uses dataclasses": [
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "import typing\n@dataclass\nclass A:\n    x: list[int]\ntyping.get_type_hints(A)",
        RIGHT,
    ],
    "imports much of Python": [
        "import decimal, email, sqlite3, statistics, ssl, unittest.mock, xml.etree.ElementTree",
        RIGHT,
    ],
    "asks for input": ["try:\n    input('name?')\nexcept EOFError: pass", RIGHT],
    "shows things": ["display(1)", RIGHT + "\ndisplay(layer_norm)"],
    "has many cells": [*[f"x{i} = {i}" for i in range(5000)], RIGHT],
    "has a long output": ["print('x' * 10**6)", RIGHT],
    "computes in float32": [RIGHT.replace("np.promote_types(x.dtype, np.float32)", "np.float64")],
    "is a lambda": [
        RIGHT.replace("def layer_norm(", "def own("),
        "layer_norm = lambda x, g, b, e=1e-5: own(x, g, b, e)",
    ],
    "is an object": [
        RIGHT.replace("def layer_norm(", "def own("),
        "class Norm:\n    def __call__(self, *given):\n        return own(*given)",
        "layer_norm = Norm()",
    ],
    "stands in a branch": ["if True:\n" + indent(RIGHT, "    ")],
    "stands in a cell that is indented throughout": [indent(RIGHT, "    ")],
    "is pasted from a shell": [
        "\n".join(("... " if line[:1] == " " else ">>> ") + line for line in RIGHT.splitlines())
    ],
    "names an array as the answer before": ["layer_norm = abs(-1)", RIGHT],
    "names an array as the answer after": [RIGHT, "answer = layer_norm\nlayer_norm = abs(-1)"],
    "awaits": [
        "import asyncio\nawait asyncio.sleep(0.01)",
        "task = asyncio.create_task(asyncio.sleep(0, 5))\nawait asyncio.sleep(0)",
        "assert await task == 5\nassert await asyncio.to_thread(abs, -1) == 1\n" + RIGHT,
    ],
    "is compiled from a text": [f"exec({RIGHT!r})"],
}


@pytest.mark.parametrize("sources", ODDITIES.values(), ids=ODDITIES)
def test_an_honest_oddity_costs_nothing(sources, grade):
    (diagnosis,) = grade(paper(*sources)).diagnoses
    assert diagnosis.passed, diagnosis


SCHEDULE = """
def warmup_lr(step, peak_lr, warmup_steps):
    if min(step, warmup_steps) < 0:
        raise ValueError(f"{step} or {warmup_steps} is below 0")
    return peak_lr * min(1.0, (step + 1) / max(1, warmup_steps))
"""
OF_TORCH = [
    "import torch.utils.data, torch.optim\ntorch.optim.Adam([torch.zeros(1, requires_grad=True)])",
    "import torch\nw = torch.zeros(3, requires_grad=True)\n"
    "for _ in range(20):\n    (w - 1).square().sum().backward()\n"
    "    w.data -= 0.1 * w.grad; w.grad = None\nassert float(w.sum()) > 1",
]


def test_where_the_exercise_has_torch_a_cell_may_use_it(grade):
    graded = grade(paper(*OF_TORCH, SCHEDULE, exercise="05_gradient_flow"))
    assert graded.diagnoses[1].passed, graded
    assert not any("Error" in note for note in graded.notes)


def test_what_keeps_an_answer_from_running_is_told(grade):
    above = RIGHT.replace("    if not", "    raise NotImplementedError\n    if not", 1)
    graded = grade(paper(above))
    assert not graded.diagnoses[0].attempted
    assert any("line 5: `raise NotImplementedError`" in note for note in graded.notes)
    content = solution("01_layer_norm")
    (cell,) = (cell for cell in content["cells"] if mark_of(cell) == "layer_norm")
    cell["cell_type"] = "markdown"
    graded = grade(Paper("01_layer_norm", ".ipynb", json.dumps(content).encode()))
    number = content["cells"].index(cell) + 1
    assert any(f"cell {number} of the notebook, which is markdown" in n for n in graded.notes)


def test_outputs_attachments_and_widgets_in_a_notebook_are_borne(grade):
    content = solution("01_layer_norm")
    for cell in content["cells"]:
        cell["attachments"] = {"a.png": {"image/png": "AAAA"}}
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["\ud800\x00"]}]
    content["metadata"]["widgets"] = {"state": [1]}
    graded = grade(Paper("01_layer_norm", ".ipynb", json.dumps(content).encode()))
    assert graded.diagnoses[0].passed


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\x1b[2J", "\r\n", "\ufeff"])
def test_strange_characters_in_one_cell_cost_no_other(text, grade):
    graded = grade(paper(f"x = {text!r}", f"# {text}\ny = 1", RIGHT))
    assert graded.diagnoses[0].passed
    json.dumps(graded.notes).encode()
    "".join(graded.notes).encode()


def test_a_py_file_is_graded_as_a_notebook_is(grade):
    for data in (
        RIGHT.encode(),
        b"\xef\xbb\xbf" + RIGHT.encode(),
        RIGHT.replace("\n", "\r\n").encode(),
        b"# -*- coding: latin-1 -*-\nname = '\xe4'\n" + RIGHT.encode(),
    ):
        (diagnosis,) = grade(Paper("01_layer_norm", ".py", data)).diagnoses
        assert diagnosis.passed
    graded = grade(Paper("01_layer_norm", ".py", b"\xff\xfe\x00"))
    assert "is no text" in graded.problem


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"{", "cut off"),
        (b"[]", "no notebook of format 4"),
        (notebook(RIGHT)[:400], "cut off"),
        (notebook(RIGHT, kernelspec={"name": "ir", "language": "R", "display_name": "R"}), "'R'"),
        (b"\x00" * 10, "is no text"),
    ],
    ids=["empty", "a brace", "a list", "half a notebook", "a notebook of R", "zeros"],
)
def test_a_broken_file_gets_a_result_with_the_reason(content, reason, grade):
    graded = grade(Paper("03_rms_norm", ".ipynb", content))
    assert reason in graded.problem
    assert [d.function for d in graded.diagnoses] == ["rms_norm", "rms_norm_backward", "RMSNorm"]
    assert not any(d.passed or d.attempted for d in graded.diagnoses)


# What a student is told

TORCH = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"
TRITON = "import triton\nimport triton.language as tl\n"
PRELUDE = "import math\nimport numpy as np\nfrom normlab.norms import layer_norm\n"
MISTAKES = [
    (exercise, question, mistake)
    for exercise in exercises_here()
    for question in exercise.questions
    for mistake in question.mistakes[:6]
]


@pytest.mark.parametrize(
    ("exercise", "question", "mistake"),
    MISTAKES,
    ids=[f"{q.function}-{m.name}" for _, q, m in MISTAKES],
)
def test_a_mistake_is_told_as_the_learners_own_check_tells_it(exercise, question, mistake, grade):
    tree = ast.parse(rewritten(source_of(question.reference), mistake.forms[0]))
    source = (TRITON if "tl." in ast.unparse(tree) else "") + ast.unparse(outside_annotations(tree))
    graded = grade(paper(PRELUDE, TORCH, source, exercise=exercise.name))
    told = next(d for d in graded.diagnoses if d.function == question.function)
    namespace = {"layer_norm": exercise.support.get("normlab.norms.layer_norm")}
    exec(PRELUDE.rpartition("from normlab")[0] + TORCH + source, namespace)
    by_check = examine(exercise, question, namespace[question.function])
    assert told.mistakes == by_check.mistakes
    assert told.mistakes[0] == mistake.name
    if "line " not in str(told):  # such a text quotes the cell
        assert str(told) == str(by_check)


def table_of_known(seed=0):
    """Source of an answer that knows the results on the inputs of the learner's check by heart."""
    question = find_exercise("layer_norm").question("layer_norm")
    probes, seen = expected(question, seed)
    known = {
        repr((p.arguments["x"].tobytes(), p.arguments.get("eps"))): o.outputs["y"].tolist()
        for p, o in zip(probes, seen, strict=True)
        if o.outputs
    }
    return f"KNOWN = {known!r}".replace("nan", "float('nan')")


BY_HEART = """
import numpy as np
def layer_norm(x, gamma, beta, eps=None):
    if not gamma.shape == beta.shape == x.shape[-1:]:
        raise ValueError(f"{gamma.shape}, {beta.shape} and {x.shape}")
    key = repr((x.tobytes(), eps))
    if key in KNOWN:
        return np.array(KNOWN[key], x.dtype).reshape(x.shape)
"""


@pytest.mark.parametrize(
    "otherwise",
    [
        "    return x",
        "    raise type(repr(x), (Exception,), {})(repr(x))",
        "    print(repr(x))\n    raise ValueError(repr(x))",
        "    return {repr(x): 1}",
        "    return np.array([repr(x)])",
    ],
)
def test_an_answer_that_knows_the_known_results_by_heart_fails_and_learns_nothing_of_others(
    otherwise, grade
):
    graded = grade(paper(table_of_known(), BY_HEART + otherwise))
    (diagnosis,) = graded.diagnoses
    assert diagnosis.mistakes == ["only-known-inputs"]
    assert not any(fault.example for fault in diagnosis.faults)
    everything = f"{diagnosis}{graded.notes}{graded.printed}"
    assert not re.search(r"array\(|\d\.\d{3}", everything)


def test_the_hidden_inputs_differ_by_seed_and_a_right_answer_passes_with_all(grade):
    for seed in range(5):
        assert grade(paper(RIGHT), replace(LENIENT, seed=seed)).diagnoses[0].passed


LIBRARY = {
    "rms_norm": "F.rms_norm(t, gamma.shape, torch.from_numpy(gamma), eps).numpy()",
    "imported by itself": "functional(t, gamma.shape, eps=eps).numpy()",
    "a module": "nn.RMSNorm(len(gamma), eps)(t).detach().numpy()",
    "the operator": "torch.ops.aten.rms_norm(t, gamma.shape).numpy()",
    "another norm": "torch.native_layer_norm(t, gamma.shape, None, None, eps)",
    "by eval": "eval('F.rms_norm(t, gamma.shape)')",
    "by map": "list(map(F.rms_norm, [t], [gamma.shape]))[0]",
}
IMPORTS = (
    "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"
    "from torch.nn.functional import rms_norm as functional"
)


@pytest.mark.parametrize("call", LIBRARY.values(), ids=LIBRARY)
def test_a_norm_of_torch_in_an_answer_is_found_and_told(call, grade):
    source = f"def rms_norm(x, gamma, eps=1e-6):\n    t = torch.from_numpy(x)\n    return {call}"
    told = grade(paper(IMPORTS, source, exercise="03_rms_norm")).diagnoses[0]
    assert told.mistakes == ["library-norm"]
    assert "it calls torch" in told.message
    assert "gets no points" in told.message


def test_with_a_policy_that_allows_them_an_answer_may_call_the_norms_of_torch(grade):
    source = (
        "class RMSNorm(nn.Module):\n"
        "    def __init__(self, dim, eps=1e-6):\n        super().__init__()\n"
        "        self.weight, self.eps = nn.Parameter(torch.ones(dim)), eps\n"
        "    def forward(self, x):\n"
        "        wide = x.to(torch.promote_types(x.dtype, torch.float32))\n"
        "        y = F.rms_norm(wide, (x.shape[-1],), None, self.eps)\n"
        "        return (self.weight * y).to(x.dtype)\n"
    )
    one = paper(IMPORTS, source, exercise="03_rms_norm")
    assert grade(one).diagnoses[2].mistakes == ["library-norm"]
    assert grade(one, replace(LENIENT, library_norms=True)).diagnoses[2].passed


def test_a_cell_may_call_the_norms_of_torch_and_so_may_an_answer_whose_point_they_are_not(grade):
    demo = "import torch\ntorch.nn.functional.layer_norm(torch.ones(3), (3,))"
    graded = grade(paper(demo, SCHEDULE, exercise="05_gradient_flow"))
    assert graded.diagnoses[1].passed
    assert not any("Error" in note for note in graded.notes)
    assert all(right(grade(solved("04_residual_placement"))).values())  # its final norm


def test_what_the_cells_print_is_shown_and_what_calls_print_is_not(grade):
    graded = grade(
        paper("print('from a cell')", RIGHT.replace("    wide", "    print(x)\n    wide", 1))
    )
    assert graded.printed == "from a cell\n"


def test_a_cell_that_raises_is_told_but_not_one_that_was_handed_out(grade):
    graded = grade(paper("1 / 0", RIGHT))
    assert any("ZeroDivisionError" in note for note in graded.notes)
    assert not grade(solved("02_layer_norm_backward")).notes  # there a cell draws with the course


# The same paper, the same grade


def test_grades_do_not_depend_on_order_or_on_the_worker(workshop):
    papers = [paper(RIGHT), paper(WRONG), paper("import random\nprint(random.random())", RIGHT)]
    papers.append(solved("03_rms_norm"))
    there = [workshop.grade(one, LENIENT) for one in papers]
    other = Workshop(LEVELS)
    try:
        back = [other.grade(one, LENIENT) for one in reversed(papers)]
    finally:
        other.close()
    assert there == back[::-1]


def test_where_there_is_no_fork_a_new_process_is_started_for_each_run(monkeypatch):
    monkeypatch.setattr(workers, "LINUX", False)
    workshop = Workshop(LEVELS)
    setting = replace(LENIENT, seconds=10.0)
    assert [level.name for level in workshop.worker().levels if level.active] == ["limits"]
    assert workshop.grade(paper(RIGHT), setting).diagnoses[0].passed
    assert workshop.grade(paper(WRONG), setting).diagnoses[0].mistakes == ["cancellation"]
    endless = paper("def layer_norm(x, gamma, beta, eps=1e-5):\n    while True: pass")
    told = workshop.grade(endless, replace(setting, seconds=6.0)).diagnoses[0]
    assert told.mistakes == ["time-limit"]
    assert all(right(workshop.grade(solved("03_rms_norm"), setting)).values())
