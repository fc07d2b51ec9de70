"""A ready-made norm gets no points, by whatever route it is called, and the route is told."""

import importlib.util
import sys
import types
from dataclasses import replace

import pytest
import torch
from installed import exercises_here
from ready_made_norms import (
    BY_THE_LIBRARY,
    FUNCTIONS,
    IMPORTS,
    PAST_IT,
    by_layer_norm,
    call,
    rms_norm,
)
from submissions import QUICK, RIGHT, paper, solution, solved

from normlab.exercises import all_exercises, load_exercise
from normlab.grading import workers
from normlab.grading.confined import dispatcher, refusals
from normlab.grading.confined.imports import LIBRARIES
from normlab.grading.confined.library_norms import norms_in, take_out
from normlab.grading.layout import imports_torch
from normlab.grading.paper import LEVELS
from normlab.grading.verdict import known_norms
from normlab.grading.workers import Workshop

LENIENT = replace(QUICK, seconds=20.0)
ALLOWED = replace(LENIENT, library_norms=True)
RMS_NORM = "03_rms_norm"


@pytest.fixture
def grade(workshop):
    def graded(function, *cells, exercise=RMS_NORM, setting=LENIENT):
        found = workshop.grade(paper(*cells, exercise=exercise), setting)
        return next(d for d in found.diagnoses if d.function == function), found

    return graded


def told(diagnosis):
    return diagnosis.faults[0].title


# Every route to a norm of torch


@pytest.mark.parametrize("cells", BY_THE_LIBRARY.values(), ids=BY_THE_LIBRARY)
def test_every_route_ends_in_a_refusal_that_names_it(cells, grade):
    diagnosis, graded = grade("rms_norm", *cells)
    assert not diagnosis.points
    assert diagnosis.mistakes == ["library-norm"], diagnosis
    assert told(diagnosis).startswith("it calls torch")
    assert not any("Error" in note for note in graded.notes)


def test_the_forms_are_right_but_for_the_norm_that_they_call(grade):
    """Else a refusal would show little."""
    for name in ("nn.functional", "TorchScript", "vmap", "native_layer_norm", "a decomposition"):
        assert grade("rms_norm", *BY_THE_LIBRARY[name], setting=ALLOWED)[0].passed, name


@pytest.mark.parametrize("cells", PAST_IT.values(), ids=PAST_IT)
def test_what_goes_past_the_dispatcher_or_changes_it_is_out_of_reach(cells, grade):
    diagnosis, _ = grade("rms_norm", *cells)
    assert not diagnosis.points
    assert diagnosis.mistakes


@pytest.mark.parametrize("source", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_class_that_is_or_has_a_norm_of_torch_is_refused(source, grade):
    diagnosis, _ = grade("RMSNorm", IMPORTS, source)
    assert not diagnosis.points
    assert diagnosis.mistakes == ["library-norm"]


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        (call("F.rms_norm"), "torch.nn.functional.rms_norm"),
        (call("torch.rms_norm"), "torch's operator aten::rms_norm"),
        (BY_THE_LIBRARY["a module"], "torch.nn.RMSNorm.forward"),
        (BY_THE_LIBRARY["a decomposition"], "torch._refs.native_layer_norm"),
        (BY_THE_LIBRARY["local response norm"], "torch.nn.functional.local_response_norm"),
    ],
)
def test_the_route_is_told(cells, name, grade):
    assert told(grade("rms_norm", *cells)[0]) == f"it calls {name}"


def test_every_operator_that_is_a_norm_is_known_and_a_torch_without_one_is_told(monkeypatch):
    found = dispatcher.operators()
    kinds = ("layer", "rms", "batch", "group", "instance")
    names = torch._C._dispatch_get_all_op_names()
    assert {n for n in names if any(f"{kind}_norm" in n for kind in kinds)} <= found.keys()
    assert {"quantized::layer_norm", "aten::native_layer_norm_backward"} <= found.keys()
    assert {"CPU", "Autograd", "CompositeExplicitAutograd"} <= set(found["aten::native_layer_norm"])
    assert {"CompositeImplicitAutograd", "FuncTorchBatchedDecomposition"} <= set(
        found["aten::rms_norm"]
    )
    assert not any("vector_norm" in name or name.endswith("::normal") for name in found)
    monkeypatch.setattr(dispatcher, "EXPECTED", ("aten::layer_norm", "aten::layer_nrom"))
    with pytest.raises(RuntimeError, match=r"torch 2\S* has no aten::layer_nrom, so its norms"):
        dispatcher.find_kernels()


def test_functions_that_are_norms_are_found_and_lose_their_code():
    factor = 2
    module = types.ModuleType("torch.new")

    def rms_norm(x, *, eps=0.0):
        return factor * x + eps

    def mean(x):
        return x

    module.rms_norm, module.mean, module.same = rms_norm, mean, rms_norm
    assert {function for function, _ in norms_in(module)} == {rms_norm}
    take_out(rms_norm, "torch.new.rms_norm")
    with pytest.raises(refusals.LibraryNorm, match=r"torch\.new\.rms_norm is a ready-made norm"):
        rms_norm(1, eps=2)
    refusals.called.clear()


LATE = """
import sys
assert {name!r} not in sys.modules
"""


@pytest.mark.parametrize("where", ["in a cell", "in the answer"])
def test_norms_in_modules_that_are_imported_later_are_taken_out(where, grade):
    name = "torch.nested._internal.ops"
    load = f"import importlib\ndef late(): return importlib.import_module({name!r})"
    own = "late().native_layer_norm_default(None, wide, gain.shape, None, None, eps)"
    ahead = ["late()"] if where == "in a cell" else []
    diagnosis, graded = grade("rms_norm", *rms_norm(own, LATE.format(name=name), load, *ahead))
    assert told(diagnosis) == "it calls a ready-made norm", diagnosis
    assert not any("Error" in note for note in graded.notes)


# What an answer makes of a refusal


CATCHES = """
def tries(*arguments):
    for each in (F.rms_norm, torch.rms_norm, torch.ops.aten.rms_norm):
        try:
            return each(*arguments)
        except BaseException as error:
            while error.__context__:
                error = error.__context__
"""
OWN = "(wide / np.sqrt((wide**2).mean(-1, keepdims=True) + eps) * gain)"


def test_an_answer_that_catches_the_refusal_has_no_norm_of_it(grade):
    diagnosis, _ = grade("rms_norm", *rms_norm("tries(wide, gain.shape, gain, eps)", CATCHES))
    assert diagnosis.mistakes == ["library-norm"]
    wrong = rms_norm("(tries(wide, gain.shape, gain, eps), wide)[1]", CATCHES)
    assert grade("rms_norm", *wrong)[0].mistakes == ["library-norm"]


def test_an_answer_that_is_right_without_the_norm_that_was_refused_is_right(grade):
    right = rms_norm(f"(tries(wide, gain.shape, gain, eps), {OWN})[1]", CATCHES)
    assert grade("rms_norm", *right)[0].passed


FORGED = """
class LibraryNorm(RuntimeError): pass
"""


@pytest.mark.parametrize("text", ["aten::rms_norm", "", "x" * 10**6, "<b>{x}</b>"])
def test_an_error_that_looks_like_a_refusal_earns_nothing(text, grade):
    body = f"    raise LibraryNorm(f{text!r})"
    diagnosis, _ = grade("rms_norm", IMPORTS, FORGED, f"def rms_norm(x, gamma, eps=0):\n{body}")
    assert not diagnosis.points
    assert diagnosis.mistakes == ["raises"]


def test_a_name_that_a_process_makes_up_is_not_shown(grade):
    own = rms_norm(
        "torch._refs.nn.functional.layer_norm(wide, gain.shape)",
        """
import types, torch._refs.nn.functional
import normlab.norms
def tells(x):
    getattr(normlab.norms, f"layer_norm_{x}")()""",
        "rms_norm_ = None",
    )
    source = own[-1].replace("    wide", "    tells('4711')\n    wide", 1)
    diagnosis, _ = grade("rms_norm", *own[:-1], source)
    assert told(diagnosis) == "it calls a ready-made norm"
    assert "4711" not in str(diagnosis)
    assert {"normlab.norms.layer_norm", "normlab.torch_norms.RMSNorm"} <= known_norms()


def test_what_a_norm_is_made_of_may_be_called(grade):
    for norm in (
        "wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps) * gain",
        "gain * wide / torch.linalg.vector_norm(torch.cat([wide, torch.full_like("
        "wide[..., :1], (eps * len(gain)) ** 0.5)], -1), dim=-1, keepdim=True) * len(gain) ** 0.5",
        "torch.func.jvp(lambda t: t / (wide.square().mean(-1, keepdim=True) + eps).sqrt(),"
        " (wide,), (wide,))[1] * gain",
        "torch.func.grad(lambda t: (t * t * gain).sum() / 2)(wide)"
        " / (torch.var_mean(wide, -1, correction=0, keepdim=True)[0]"
        " + wide.mean(-1, keepdim=True) ** 2 + eps).sqrt()",
        "F.normalize(torch.cat([wide, torch.full_like(wide[..., :1], (eps * len(gain)) ** 0.5)],"
        " -1), dim=-1)[..., :-1] * len(gain) ** 0.5 * gain",
    ):
        assert grade("rms_norm", *rms_norm(norm))[0].passed, norm


def test_cells_may_call_norms_and_train_with_them_and_torch_may_still_be_loaded(grade):
    cells = (
        "net = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.BatchNorm1d(2))\n"
        "optimizer = torch.optim.Adam(net.parameters())\n"
        "net(torch.ones(3, 2)).sum().backward()\noptimizer.step()\nprint('trained')",
        "torch.func.vmap(F.rms_norm, in_dims=(0, None))(torch.ones(2, 3), (3,))",
        "@torch.library.custom_op('mine::twice', mutates_args=())\n"
        "def twice(x: torch.Tensor) -> torch.Tensor:\n    return 2 * x\ntwice(torch.ones(1))",
    )
    diagnosis, graded = grade("rms_norm", *rms_norm(OWN, *cells))
    assert diagnosis.passed
    assert graded.printed == "trained\n"
    assert not any("Error" in note for note in graded.notes)


# Libraries that are not there


@pytest.mark.parametrize("name", [e.name for e in all_exercises()])
def test_torch_is_there_where_the_notebook_imports_it(name):
    source = "".join("".join(cell["source"]) for cell in solution(name)["cells"])
    assert imports_torch(name) == ("import torch" in source)
    assert imports_torch(name) == (name[:2] in ("03", "04", "05", "06", "07", "09"))


@pytest.mark.parametrize("library", ["flax", "jax", "keras", "tensorflow", "jax.numpy", "flax.nnx"])
@pytest.mark.parametrize("exercise", ["01_layer_norm", RMS_NORM])
def test_other_libraries_cannot_be_imported(library, exercise, grade):
    function = exercise[3:]
    source = f"def {function}(*arguments):\n    import {library} as own\n    return own"
    diagnosis, graded = grade(function, f"import {library}", source, exercise=exercise)
    sentence = f"{library.split('.')[0]} cannot be imported while an answer is graded"
    assert sentence in diagnosis.message
    assert any(sentence in note for note in graded.notes)
    allowed, _ = grade(function, source, exercise=exercise, setting=ALLOWED)
    assert sentence in allowed.message


PAST_THE_FINDER = """
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
sys.meta_path[:] = [BuiltinImporter, FrozenImporter, PathFinder]
for name in {names}:
    try:
        __import__(name)
        print(name)
    except BaseException as error:
        assert "cannot be imported" not in str(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hides files")
def test_nor_when_nobody_refuses_to_import_them(grade):
    assert importlib.util.find_spec("flax")
    look = PAST_THE_FINDER.format(names=(*LIBRARIES, "torch"))
    diagnosis, graded = grade("layer_norm", look, RIGHT, exercise="01_layer_norm")
    assert diagnosis.passed
    assert not graded.printed


BY_TORCH = """
def layer_norm(x, gamma, beta, eps=1e-5):
    import torch
    t = [torch.from_numpy(each) for each in (x, gamma, beta)]
    return torch.nn.functional.layer_norm(t[0], gamma.shape, t[1], t[2], eps).numpy()
"""
BY_WHAT_KNOWS_TORCH = """
def layer_norm(x, gamma, beta, eps=1e-5):
    from multiprocessing.reduction import ForkingPickler
    torch = next(
        each.__globals__["torch"]
        for each in ForkingPickler._extra_reducers.values()
        if "torch" in getattr(each, "__globals__", {})
    )
    return torch.layer_norm(torch.from_numpy(x), gamma.shape).numpy()
"""


def test_torch_cannot_be_imported_where_the_exercise_is_solved_without_it(grade):
    diagnosis, graded = grade("layer_norm", "import torch", BY_TORCH, exercise="01_layer_norm")
    sentence = "torch cannot be imported while an answer is graded: this exercise is solved"
    assert sentence in diagnosis.message
    assert any(sentence in note for note in graded.notes)
    careful = "try:\n    import torch\nexcept ImportError:\n    torch = None\n" + RIGHT
    assert grade("layer_norm", careful, exercise="01_layer_norm")[0].passed
    found, _ = grade("layer_norm", BY_WHAT_KNOWS_TORCH, exercise="01_layer_norm")
    assert not found.points
    assert grade("layer_norm", BY_TORCH, exercise="01_layer_norm", setting=ALLOWED)[0].points


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hides files")
def test_nothing_of_torch_is_in_the_memory_where_no_answer_needs_it(workshop):
    hidden = next(each for each in workshop.worker().levels if each.name == "landlock")
    if not hidden.active:
        pytest.skip("nothing hides torch's files, so it is there, without its norms")
    look = (
        "import gc\nfrom types import ModuleType\ngc.unfreeze()\n"
        "found = [each for each in gc.get_objects() if issubclass(type(each), ModuleType)]\n"
        "names = [each.__name__ for each in found]\n"
        "print('numpy' in names, [name for name in names if 'torch' in name])"
    )
    for exercise, found in (("01_layer_norm", "True []"), (RMS_NORM, "True ['torch")):
        printed = workshop.grade(paper(look, exercise=exercise), LENIENT).printed
        assert printed.startswith(found)


# Questions of one notebook that may call norms, and others that may not


GRAPH = """
def graph_layer_norm(x, batch, gamma, beta, mode, eps=1e-5):
    t, *affine = (torch.from_numpy(each) for each in (x, gamma, beta))
    return F.layer_norm(t, gamma.shape, *affine, eps).numpy()
"""


def test_in_one_notebook_a_cell_with_norms_passes_beside_a_function_without(workshop):
    content = solved("07_beyond_transformers")
    graded = workshop.grade(content, LENIENT)
    assert all(d.passed for d in graded.diagnoses)

    def edit(cells):
        for cell in cells:
            if "def graph_layer_norm" in "".join(cell["source"]):
                cell["source"] = IMPORTS + GRAPH
        return cells

    lstm, graph = workshop.grade(solved("07_beyond_transformers", edit), LENIENT).diagnoses
    assert lstm.passed
    assert graph.mistakes == ["library-norm"]


def test_in_the_bug_museum_the_norm_of_the_course_is_no_repair(workshop):
    repairs = {
        "annotated_layer_norm": "x, gamma, beta, eps=1e-6",
        "item_layer_norm": "x, eps=1e-5",
        "half_layer_norm": "x, gamma, beta, eps=1e-5",
    }
    course = "from normlab.norms import layer_norm"
    for function, arguments in repairs.items():
        given = ", ".join(each.split("=")[0] for each in arguments.split(", "))
        source = f"def {function}({arguments}):\n    return layer_norm({given}=eps)"
        graded = workshop.grade(paper(course, source, exercise="08_bug_museum"), LENIENT)
        diagnosis = next(d for d in graded.diagnoses if d.function == function)
        assert told(diagnosis) == "it calls normlab.norms.layer_norm", diagnosis
    searches = (
        "import numpy as np\ndef pre_norm_linear_failing_input():\n"
        "    x = layer_norm(np.array([1.0, 5.0])) + 3\n"
        "    return {'x': x, 'weight': np.zeros((2, 2))}"
    )
    graded = workshop.grade(paper(course, searches, exercise="08_bug_museum"), LENIENT)
    assert sum(d.passed for d in graded.diagnoses) == 1


OF_TORCH = """
import torch
import torch.nn.functional as F


def exported_rms_norm(x, gamma, eps=1e-6):
    return F.rms_norm(torch.from_numpy(x), gamma.shape, torch.from_numpy(gamma), eps).numpy()


def half_layer_norm(x, gamma, beta, eps=1e-5):
    wide = torch.from_numpy(x).to(torch.promote_types(torch.from_numpy(x).dtype, torch.float32))
    both = (torch.from_numpy(array).to(wide.dtype) for array in (gamma, beta))
    return F.layer_norm(wide, gamma.shape, *both, eps).numpy().astype(x.dtype)
"""


def test_in_the_bug_museum_a_norm_of_torch_is_no_repair(workshop):
    graded = workshop.grade(paper(OF_TORCH, exercise="08_bug_museum"), LENIENT)
    said = {d.function: d for d in graded.diagnoses}
    for function in ("exported_rms_norm", "half_layer_norm"):
        assert "torch cannot be imported" in told(said[function]), said[function]
        assert said[function].points == 0


def test_the_norms_of_the_course_are_refused_elsewhere(grade):
    own = "from normlab.norms import layer_norm as theirs"
    source = "def layer_norm(*arguments):\n    return theirs(*arguments)"
    diagnosis, _ = grade("layer_norm", own, source, exercise="01_layer_norm")
    assert told(diagnosis) == "it calls normlab.norms.layer_norm"
    inherits = "from normlab import torch_norms\nclass RMSNorm(torch_norms.RMSNorm): pass"
    diagnosis, _ = grade("RMSNorm", IMPORTS, inherits)
    assert "normlab.torch_norms.RMSNorm is not there" in diagnosis.message


def test_a_question_whose_driver_hands_over_a_norm_of_torch_keeps_it():
    for exercise in exercises_here():
        for question in exercise.questions:
            names = getattr(question.driver, "__code__", None)
            assert question.library_norms or "layer_norm" not in str(names and names.co_names)
    assert all(q.library_norms for q in load_exercise("04_residual_placement").questions)


def test_a_notebook_that_dies_in_a_cell_is_not_run_for_each_kind_of_question(workshop):
    content = paper("import torch", "while True: pass", exercise="07_beyond_transformers")
    graded = workshop.grade(content, QUICK)
    assert not any(d.passed for d in graded.diagnoses)
    assert any("All in one run" in note for note in graded.notes)


# Where nothing can be forked


def test_where_there_is_no_fork_norms_are_taken_out_as_well(monkeypatch):
    monkeypatch.setattr(workers, "LINUX", False)
    workshop = Workshop(LEVELS)
    for cells, title in (
        (call("torch.rms_norm"), "it calls torch's operator aten::rms_norm"),
        (
            by_layer_norm("F.layer_norm(t, shape, eps=eps)"),
            "it calls torch.nn.functional.layer_norm",
        ),
    ):
        graded = workshop.grade(paper(*cells, exercise=RMS_NORM), LENIENT)
        assert told(graded.diagnoses[0]) == title
    graded = workshop.grade(paper("import flax", RIGHT), LENIENT)
    assert graded.diagnoses[0].passed
    assert any("flax cannot be imported" in note for note in graded.notes)
    assert all(d.passed for d in workshop.grade(solved("08_bug_museum"), LENIENT).diagnoses)
