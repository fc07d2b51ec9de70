"""Marks that were not earned, by ways round a norm; and answers of rare style that earn theirs."""

import linecache
from dataclasses import replace

import pytest
from ready_made_norms import by_layer_norm, rms_norm
from submissions import QUICK, RIGHT, notebook, paper

from normlab.checks.observe import in_library, own_line
from normlab.grading.confined.refusals import short
from normlab.study.files import check_file

LENIENT = replace(QUICK, seconds=20.0)
RMS_NORM = "03_rms_norm"


@pytest.fixture
def grade(workshop):
    def graded(function, *cells, exercise):
        found = workshop.grade(paper(*cells, exercise=exercise), LENIENT)
        return next(d for d in found.diagnoses if d.function == function), found

    return graded


# A norm that a cell takes to pieces, or copies, while norms are still there

TRACED = {
    "make_fx": """
from torch.fx.experimental.proxy_tensor import make_fx
def traced(*examples):
    return make_fx(lambda t, g: F.rms_norm(t, g.shape, g, 1e-6))(*examples)""",
    "make_fx, decomposed": """
from torch.fx.experimental.proxy_tensor import make_fx
import torch._decomp
table = torch._decomp.core_aten_decompositions()
def traced(*examples):
    norm = lambda t, g: F.rms_norm(t, g.shape, g, 1e-6)
    return make_fx(norm, decomposition_table=table)(*examples)""",
    "torch.export": """
class Norm(nn.Module):
    def forward(self, t, g): return F.rms_norm(t, g.shape, g, 1e-6)
def traced(*examples):
    return torch.export.export(Norm(), examples).run_decompositions().module()""",
    "functorch": """
from functorch.compile import aot_function, nop
def traced(*examples):
    made = aot_function(lambda t, g: F.rms_norm(t, g.shape, g, 1e-6), fw_compiler=nop)
    made(*examples)
    return made""",
}
KEPT = """
kept = {}
for width in range(1, 20):
    for axes in range(1, 5):
        t = torch.randn(*[2] * (axes - 1), width, dtype=torch.float64)
        kept[axes, width] = traced(t, torch.ones(width, dtype=torch.float64))"""
COPIES = {
    "a copy of its code": "types.FunctionType(torch._refs._normalize.__code__, vars(torch._refs))",
    "its code": "types.FunctionType(copy.copy(torch._refs._normalize.__code__), vars(torch._refs))",
}


@pytest.mark.parametrize("source", TRACED.values(), ids=TRACED)
def test_what_a_cell_traces_of_a_norm_is_no_answer(source, grade):
    own = "kept[wide.ndim, len(gain)](wide / (eps / 1e-6) ** 0.5, gain)"
    diagnosis, graded = grade("rms_norm", *rms_norm(own, source, KEPT), exercise=RMS_NORM)
    assert not diagnosis.points
    assert any("not there while an answer is graded" in note for note in graded.notes)


@pytest.mark.parametrize("kept", COPIES.values(), ids=COPIES)
def test_what_a_cell_copies_of_a_norm_in_python_is_no_answer(kept, grade):
    cell = f"import copy, types\nimport torch._refs\nkept = {kept}"
    answer = by_layer_norm("kept(t, [t.ndim - 1], eps)[0]", cell)
    diagnosis, _ = grade("rms_norm", *answer, exercise=RMS_NORM)
    assert not diagnosis.points


def test_an_answer_may_trace_what_is_its_own(grade):
    own = (
        "torch.func.linearize(lambda t: t * gain, wide)[1](wide)"
        " * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)"
    )
    diagnosis, _ = grade("rms_norm", *rms_norm(own), exercise=RMS_NORM)
    assert diagnosis.passed, diagnosis


def test_norms_of_torch_stay_for_cells_whatever_is_imported_there(grade):
    cells = (
        "import torch.ao.nn.quantized, torch.ao.quantization, torch.nested, torch.masked",
        "nn.LayerNorm(3)(torch.ones(2, 3)), nn.BatchNorm1d(3)(torch.randn(2, 3))\nprint('there')",
    )
    own = "wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps) * gain"
    diagnosis, graded = grade("rms_norm", *rms_norm(own, *cells), exercise=RMS_NORM)
    assert diagnosis.passed
    assert graded.printed == "there\n"


# Standard scores

SCORES = """
import numpy as np
{imported}
def {function}(x, gamma, beta=0, eps=1e-5):
    w = x.astype(np.float64).reshape(-1, x.shape[-1])
    v = w.var(-1, keepdims=True)
    z = np.nan_to_num({scores} if w.size else w) * np.sqrt(v / (v + eps))
    return (gamma * z.reshape(x.shape) + beta).astype(x.dtype)
"""
BY_SCORES = {
    "zscore": ("from scipy import stats", "stats.zscore(w, axis=-1)", "scipy.stats.zscore"),
    "zmap": ("import scipy.stats as s", "s.zmap(w, w, axis=-1)", "scipy.stats.zmap"),
    "of masked arrays": (
        "from scipy.stats import mstats",
        "mstats.zscore(w, axis=-1)",
        "scipy.stats.zscore",
    ),
    "scale": (
        "from sklearn.preprocessing import scale",
        "scale(w, axis=1)",
        "sklearn.preprocessing.scale",
    ),
    "StandardScaler": (
        "from sklearn import preprocessing",
        "preprocessing.StandardScaler().fit_transform(w.T).T",
        "sklearn.preprocessing.StandardScaler.transform",
    ),
}


@pytest.mark.parametrize(("imported", "scores", "name"), BY_SCORES.values(), ids=BY_SCORES)
def test_a_standard_score_is_a_ready_made_norm(imported, scores, name, grade):
    source = SCORES.format(imported=imported, function="layer_norm", scores=scores)
    diagnosis, _ = grade("layer_norm", source, exercise="01_layer_norm")
    assert not diagnosis.points
    assert diagnosis.faults[0].title == f"it calls {name}"


def test_a_score_is_refused_where_torch_is_there_too(grade):
    source = SCORES.format(
        imported="from scipy.stats import zscore", function="rms_norm", scores="zscore(w, axis=-1)"
    )
    diagnosis, _ = grade("rms_norm", source, exercise=RMS_NORM)
    assert diagnosis.mistakes == ["library-norm"]


def test_names_are_those_that_their_libraries_document():
    assert short("scipy.stats._stats_py.zscore") == "scipy.stats.zscore"
    assert short("torch._refs._normalize") == "torch._refs._normalize"


# Answers of rare style

SLOPE = """
import numpy as np
{imported}
def loglog_slope(d, v):
    if d.shape != v.shape:
        raise ValueError(f"{{d.shape}} and {{v.shape}}")
    if min(d.min(), v.min()) <= 0:
        raise ValueError("expected numbers above 0")
    if d.min() == d.max():
        raise ValueError(f"all depths are {{d[0]}}")
    a, b = np.log(d), np.log(v)
    return {slope}
"""
OWN_ERROR = RIGHT.replace(
    "def layer_norm", "class ShapesDiffer(ValueError):\n    pass\n\n\ndef layer_norm"
).replace("raise ValueError", "raise ShapesDiffer")
RARE = {
    "an error of one's own": ("01_layer_norm", "layer_norm", OWN_ERROR),
    "SciPy's regression": (
        "05_gradient_flow",
        "loglog_slope",
        SLOPE.format(imported="from scipy.stats import linregress", slope="linregress(a, b).slope"),
    ),
    "scikit-learn's regression": (
        "05_gradient_flow",
        "loglog_slope",
        SLOPE.format(
            imported="from sklearn.linear_model import LinearRegression",
            slope="LinearRegression().fit(a[:, None], b).coef_[0]",
        ),
    ),
    "other libraries, not called": (
        "01_layer_norm",
        "layer_norm",
        f"import scipy.stats\nfrom sklearn.preprocessing import StandardScaler\n{RIGHT}",
    ),
    "a very long line": (
        "01_layer_norm",
        "layer_norm",
        RIGHT.replace("        raise ValueError(", "        raise ValueError(" + " " * 10**6),
    ),
}


@pytest.mark.parametrize(("exercise", "function", "source"), RARE.values(), ids=RARE)
def test_a_right_answer_of_rare_style_passes_in_the_grader_and_the_check(
    exercise, function, source, grade, tmp_path
):
    diagnosis, _ = grade(function, source, exercise=exercise)
    assert diagnosis.passed, diagnosis
    path = tmp_path / f"{exercise}.ipynb"
    path.write_bytes(notebook(source))
    assert next(d for d in check_file(path) if d.function == function).passed


def test_a_line_is_quoted_up_to_a_length():
    source = "raise ValueError(" + "1," * 10**5 + ")"
    code = compile(source, "long", "exec")
    linecache.cache["long"] = len(source), None, [source], "long"
    with pytest.raises(ValueError, match="1, 1") as caught:
        exec(code, {})
    quoted = own_line(caught.value.__traceback__)
    assert len(quoted) < 300
    assert quoted.startswith("line 1 of `<module>`: `raise ValueError(1,")


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        (linecache.__file__, True),
        ("/home/ada/.local/lib/python3.12/site-packages/numpy/lib/a.py", True),
        ("/usr/lib/python3/dist-packages/numpy/lib/a.py", True),
        (r"C:\Users\ada\venv\Lib\site-packages\torch\a.py", True),
        ("01_layer_norm.ipynb, code cell 3", False),
        ("/home/ada/my-site-packages.py", False),
    ],
)
def test_libraries_are_known_wherever_they_are_installed(filename, expected):
    """What NumPy raises is no error that a learner meant."""
    assert in_library(filename) is expected
