"""Answers that are the same but for names and layout are found, and others are not."""

import csv
import importlib
import inspect
import io
import itertools
import re
import tokenize
from functools import cache
from types import SimpleNamespace

import pytest
from installed import HERE
from submissions import RIGHT, WRONG, grade, notebook, solution, solved
from test_grading_marks import diagnosis, marks

from normlab.grading.alike import SHORTEST, Alike, find_alike, own_answers
from normlab.grading.outputs.overview import write_overview
from normlab.grading.outputs.tables import questions_of
from normlab.grading.paper import Paper
from normlab.grading.plain_answers import plain_answers
from normlab.grading.store import Store

ASKED = [(exercise, f) for exercise, functions in HERE.items() for f in functions]


def answers_of(kind, exercise, function):
    """(name, source under the name that is asked for) of the answers that the tests have."""
    module = importlib.import_module(f"{kind}_answers.{exercise[3:]}")
    if kind == "wrong":
        entries = module.WRONG.get(function, []) + module.REPORTED.get(function, [])
        answers = [entry[0] for entry in entries]
    else:
        answers = list(module.RIGHT[function])
    for answer in answers:
        if inspect.isfunction(answer) or inspect.isclass(answer):
            source = inspect.getsource(answer)
            yield answer.__name__, re.sub(rf"\b{answer.__name__}\b", function, source)


@cache
def long_enough(kind):
    """(exercise, function, source) of all answers that are long enough to be compared."""
    return [
        (exercise, function, source)
        for exercise, function in ASKED
        for _, source in answers_of(kind, exercise, function)
        if own_length(exercise, function, source) >= SHORTEST[kind]
    ]


def own_length(exercise, function, source):
    own = own_answers(Paper(exercise, ".py", source.encode()))
    return own.get(function, ("", 0))[1]


def same(one, other, function):
    return plain_answers([one], [function]) == plain_answers([other], [function])


@pytest.mark.parametrize("kind", ["wrong", "right"])
def test_answers_that_were_written_apart_are_not_alike(kind):
    pairs = 0
    for _, group in itertools.groupby(long_enough(kind), key=lambda each: each[:2]):
        plain = [plain_answers([source], [function]) for _, function, source in group]
        for one, other in itertools.combinations(plain, 2):
            pairs += 1
            assert one != other
    assert pairs > 300


# Disguises


def local_names(code):
    """What a code object, and those in it, bind for themselves."""
    inner = [c for c in code.co_consts if inspect.iscode(c)]
    own = {*code.co_varnames, *code.co_cellvars} if code.co_flags & inspect.CO_OPTIMIZED else set()
    return own.union(*map(local_names, inner))


def renamed(source):
    """With other names for all locals and arguments."""
    names = {name for name in local_names(compile(source, "", "exec")) if name.isidentifier()}
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    changed, depth, head = [], 0, 0
    for i, token in enumerate(tokens):
        head = depth + 1 if token.string in ("def", "lambda") else head
        depth += (token.string in "([{") - (token.string in ")]}") if token.string else 0
        head = 0 if token.string == ":" and depth < head else head
        given = tokens[i + 1].string == "=" and depth and not head if i + 1 < len(tokens) else False
        local = token.type == tokenize.NAME and token.string in names - {"__class__"}
        if local and tokens[i - 1].string != "." and not given:
            token = token._replace(string=f"my_{token.string}")
        changed.append(token[:2])
    return tokenize.untokenize(changed)


def commented(source):
    lines = source.splitlines()
    return "\n".join(
        f"{line}  # step {i}" if line.strip() else line for i, line in enumerate(lines)
    )


def with_docstring(source):
    return re.sub(r"(def \w+\([^)]*\)[^:]*:\n)( +)", r'\1\2"""My own."""\n\2', source, count=1)


def annotated(source):
    return re.sub(r"^( +)(\w+) = (?!.* = )", r"\1\2: object = ", source, flags=re.MULTILINE)


def aliased(source):
    return "import numpy as my_numpy\n" + re.sub(r"\bnp\.", "my_numpy.", source)


def reworded(source):
    return re.sub(r'(raise \w+)\(f?".*"\)', r'\1("no")', source)


def loud(source):
    return re.sub(r"^( +)(return )", r'\1print("here")\n\1\2', source, flags=re.MULTILINE)


DISGUISES = {f.__name__: f for f in (renamed, commented, with_docstring, annotated, reworded, loud)}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_wrong_answers_are_found_in_each_disguise(disguise):
    tried = 0
    for _, function, source in long_enough("wrong"):
        # the tokens of this Python end at texts, and comments do not end in them
        texts = '"""' in source or ('f"' in source and disguise == "renamed")
        other = source if texts else DISGUISES[disguise](source)
        if other != source:
            tried += 1
            assert same(source, other, function), other
    assert tried > (10 if disguise == "reworded" else 200)


def test_names_of_arguments_locals_helpers_modules_and_attributes_do_not_matter():
    one = """
import numpy as np
from torch import nn
def scaled(a, by=2): return a * by
def rms_norm(x, gamma, eps=1e-6):
    h = scaled(x, by=1)
    rows = [np.sqrt((row**2).mean() + eps) for row in h]
    match rows:
        case [first, *rest] if rest: print(first)
        case {**others}: del others
        case whole: del whole
    return gamma * h / np.array(rows)
class RMSNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
    def _root(self, x): return x.pow(2).mean(-1, keepdim=True).sqrt()
    def forward(self, x): return self.weight * x / self._root(x)
"""
    other = """
import numpy
import torch.nn as layers
def times(value, factor = 2):
    '''Much.'''
    return (value * factor)
def rms_norm(values: "array", gain, epsilon: float = 0.000001):
    hidden = times(values, factor=1)
    roots: list = [ numpy.sqrt(
        (r ** 2).mean() + epsilon) for r in hidden ]
    match roots:
        case [a, *b] if b:
            pass
        case {**c}:
            del c
        case d:
            del d
    return (gain * hidden) / numpy.array(roots)
class RMSNorm(layers.Module):
    def __init__(this, width):
        super().__init__()
        this.gain = layers.Parameter(torch.ones(width))
    def root(this, inputs):
        return inputs.pow(2).mean(-1, keepdim=True).sqrt()
    def forward(this, inputs):
        return this.gain * inputs / this.root(inputs)
"""
    functions = ("rms_norm", "RMSNorm")
    assert plain_answers([one], functions) == plain_answers([other], functions)
    for old, new in (("1e-6", "1e-5"), ("**2", "**3"), ("by=1", "by=3"), ("sqrt()", "exp()")):
        changed = plain_answers([one.replace(old, new)], functions)
        assert changed != plain_answers([one], functions), new


def test_the_last_definition_counts_wherever_it_stands():
    cells = ["def f(x): return 1", "if True:\n    def f(x):\n        return 2", "def g(): return f"]
    assert plain_answers(cells, ["f"]) == plain_answers(["def f(y):\n  return 2"], ["f"])


HOSTILE = {
    "brackets": "(" * 300,
    "signs": "-" * 15_000 + "1",
    "sum": "1+" * 9_000 + "1",
    "attributes": "a" + ".b" * 9_000,
    "calls": "a" + "()" * 6_000,
    "lambdas": "lambda:" * 2_000 + "1",
    "branches": "0\nif 1: pass\n" + "elif 1: pass\n" * 1_400,
    "zero": "'\0'",
    "surrogate": "'\ud800'",
    "long": "'" + "x" * 10**7 + "'",
    "shell": "%x\n" * 6_000,
    "imports": "0\n" + "from a import b as c," * 900,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_source_costs_the_class_anything(name):
    good = "def g(x):\n    return x"
    for source in (f"def f(x):\n    return {HOSTILE[name]}", f"{HOSTILE[name]}\ndef f(x): 1"):
        assert "g" in plain_answers([good, *[source] * 1000], ["f", "g"])


# In a class


def alike_in(tmp_path, *students):
    """What is found of (name, diagnosis, source[, file]) of layer_norm."""
    found, keys = [], {}
    for name, said, source, *file in students:
        student = marks(name, said)
        (exercise,) = student.exercises
        object.__setattr__(exercise.submission.file, "read", lambda s=source: notebook(s))
        object.__setattr__(exercise.submission.file, "origin", file[0] if file else name)
        keys[exercise.submission] = f"key of {source}"
        found.append(student)
    with Store(tmp_path) as store:
        batch = SimpleNamespace(keys=keys)
        return [
            find_alike(batch, store, found),
            find_alike(batch, store, found),  # from what the store has kept
        ][1]


LONG = WRONG.replace("layer_norm(x", "layer_norm(x")
DISGUISED = LONG.replace("centered", "rest").replace("variance", "spread")
MISTAKE = diagnosis("eps-outside", most=2)


def test_wrong_answers_stand_before_right_ones_with_the_mistakes_that_all_make(tmp_path):
    both = diagnosis("eps-outside", "unknown", most=2)
    longer = RIGHT.replace("return (gamma", "result = wide * 1\n    return (gamma")
    found = alike_in(
        tmp_path,
        ("ada", diagnosis(passed=True), longer),
        ("bob", diagnosis(passed=True), longer.replace("wide", "w")),
        ("cem", MISTAKE, LONG),
        ("dan", both, DISGUISED),
        ("eve", MISTAKE, LONG.replace("1e-5", "1e-6")),
    )
    assert [(a.kind, [s for s, _ in a.answers]) for a in found] == [
        ("wrong", ["cem", "dan"]),
        ("right", ["ada", "bob"]),
    ]
    assert found[0].mistakes == ("eps-outside",)


def test_what_is_published_handed_out_short_or_handed_in_together_does_not_count(tmp_path):
    (published,) = [
        "".join(cell["source"])
        for cell in solution("01_layer_norm")["cells"]
        if "def layer_norm(" in "".join(cell["source"])
    ]
    short = "def layer_norm(x, gamma, beta, eps=1e-5):\n    return gamma * (x - x.mean()) + beta"
    passed = diagnosis(passed=True)
    for source, said in ((published, passed), (short, MISTAKE)):
        assert not alike_in(tmp_path, ("ada", said, source), ("bob", said, source))
    together = [(name, MISTAKE, LONG, "pair.ipynb") for name in ("ada", "bob")]
    assert not alike_in(tmp_path, *together)
    assert own_answers(solved("03_rms_norm")) == {}


def test_many_who_are_alike_are_counted_and_the_first_of_them_named(tmp_path):
    names = [f"s{i:02}" for i in range(30)]
    group = Alike("01_layer_norm", "layer_norm", "wrong", (), 200, tuple((n, n) for n in names))
    cls = [marks(name, MISTAKE) for name in names]
    path = tmp_path / "o.html"
    write_overview(path, lambda: iter(cls), questions_of(cls), str, [], [group] * 50)
    page = path.read_text(encoding="utf-8")
    assert page.count(" and 18 more</td>") == 40
    assert page.count(">s11</a>") == 1 + 40
    assert page.count(">s12</a>") == 1


def test_a_class_is_told_which_answers_are_alike_and_no_points_depend_on_it(tmp_path):
    root = tmp_path / "class"
    for name, source in {"<ada>": LONG, "bob": DISGUISED, "cem": RIGHT}.items():
        (root / name).mkdir(parents=True)
        (root / name / "01_layer_norm.ipynb").write_bytes(notebook(source))
    assert grade(root, tmp_path / "out") == 0
    with (tmp_path / "out" / "alike.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [(row["group"], row["student"], row["function"]) for row in found] == [
        ("1", "<ada>", "layer_norm"),
        ("1", "bob", "layer_norm"),
    ]
    assert {row["mistakes"] for row in found} == {"cancellation"}
    page = (tmp_path / "out" / "overview.html").read_text(encoding="utf-8")
    assert "Answers that are alike" in page
    assert "more</td>" not in page
    assert "&lt;ada&gt;" in page
    assert "alike" not in (tmp_path / "out/students/bob/feedback.html").read_text()
    assert "alike" not in (tmp_path / "out/students/bob/results.json").read_text()
