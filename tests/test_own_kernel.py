"""`time_kernel`: a learner's kernel on a GPU, in a process of its own; without one, compiled."""

import json
import sys

import pytest
import torch
from installed import needs_triton
from torch.nn import functional as F

from normlab.exercises.one_kernel import on_gpu
from normlab.study import own_kernel, time_kernel
from normlab.tools.timing import Race

pytestmark = needs_triton
no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
HEAD = """
import triton
import triton.language as tl

"""
KERNEL = """
@triton.jit
def mean_of_squares(x, D):
    return tl.sum(x * x) / D


@triton.jit
def rms_norm_kernel(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    inside = columns < D
    x = tl.load(x_ptr + row * row_stride + columns, mask=inside, other=0.0).to(tl.float32)
    weight = tl.load(weight_ptr + columns, mask=inside, other=0.0).to(tl.float32)
    y = weight * x / tl.sqrt(mean_of_squares(x, D) + eps)
    tl.store(y_ptr + row * row_stride + columns, y, mask=inside)
"""


@pytest.fixture
def kernel_of(tmp_path, monkeypatch):
    """The kernel of a source, as a notebook has it."""
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path / "cache"))

    def kernel(source):
        path = tmp_path / "notebook.py"
        path.write_text(HEAD + source)
        namespace = {"__name__": "notebook"}
        exec(compile(path.read_text(), str(path), "exec"), namespace)
        return namespace["rms_norm_kernel"]

    return kernel


@no_gpu
def test_without_a_gpu_the_kernel_and_its_functions_are_compiled(kernel_of):
    assert str(time_kernel(kernel_of(KERNEL))) == (
        "There is no GPU here that Triton can use; its compiler takes your kernel."
    )


@no_gpu
def test_what_the_interpreter_takes_and_the_compiler_does_not_is_said(kernel_of):
    in_python = KERNEL.replace("    row =", "    names = {'row': 0}\n    row =")
    said = str(time_kernel(kernel_of(in_python)))
    assert said.startswith("The interpreter takes your kernel, and a GPU does not: ")
    assert "unsupported AST node type: Dict" in said
    assert "names = {'row': 0}" in said


def test_nothing_is_run_before_the_check_is_right_or_while_nbgrader_grades(kernel_of, monkeypatch):
    wrong = kernel_of(KERNEL.replace(", y, mask=inside", ", y"))
    monkeypatch.setattr(own_kernel, "_found", lambda source: pytest.fail("it ran"))
    waits = "Once check(rms_norm_kernel) says ✓, time_kernel(rms_norm_kernel) has it run on a GPU."
    assert str(time_kernel(wrong)) == waits
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert str(time_kernel(kernel_of(KERNEL))) == waits


def test_the_source_has_what_the_kernel_calls_once_and_nothing_of_triton(kernel_of):
    twice = KERNEL.replace("/ tl.sqrt(", "/ tl.sqrt(0 * mean_of_squares(x, D) + ")
    source = own_kernel.source_of(kernel_of(twice))
    assert source.startswith("import triton\nimport triton.language as tl\n")
    assert source.count("def mean_of_squares") == 1
    assert source.index("def mean_of_squares") < source.index("def rms_norm_kernel")
    assert source.count("def ") == 2
    compile(source, "kernel.py", "exec")


def test_a_process_that_dies_is_told_of(kernel_of, monkeypatch):
    monkeypatch.setattr(own_kernel, "MODULE", "normlab.is_not_there")
    said = str(time_kernel(kernel_of(KERNEL)))
    assert "No module named normlab.is_not_there" in said


def test_the_table_has_bandwidths_and_shares_of_the_copys():
    speeds = {"your kernel": 1.342e12, "normlab.fused_norms": 1.678e12, "a copy": 2.684e12}
    table = own_kernel.bandwidths({"machine": "a GPU", "speeds": {"4096": speeds}})
    assert table.columns == ("D", "bfloat16, a GPU", "GB/s", "of a copy")
    assert table.rows == [
        ["4,096", "your kernel", "1,342", "50%"],
        ["4,096", "normlab.fused_norms", "1,678", "63%"],
        ["4,096", "a copy", "2,684", "100%"],
    ]


# What the process on the GPU does, as far as a CPU can show it


def small(monkeypatch):
    monkeypatch.setattr(on_gpu, "FEATURES", (64,))
    monkeypatch.setattr(on_gpu, "ELEMENTS", 128)
    monkeypatch.setattr(on_gpu.torch.cuda, "get_device_name", lambda: "a GPU")
    own = on_gpu.contenders
    monkeypatch.setattr(on_gpu, "contenders", lambda *given: own(*given, device="cpu"))
    monkeypatch.setattr(
        on_gpu.fused_norms, "rms_norm", lambda x, weight, eps: F.rms_norm(x, (64,), weight, eps)
    )
    monkeypatch.setattr(
        on_gpu, "device_race", lambda turns, rounds: Race({name: [0.5] * 3 for name in turns})
    )


@pytest.fixture
def launched_as_torch(monkeypatch):
    """A launch that gives torch's numbers, off by a factor."""

    def launch(factor, x, weight):
        return factor * F.rms_norm(x, (64,), weight, on_gpu.EPS)

    small(monkeypatch)
    monkeypatch.setattr(on_gpu, "launch", launch)


def test_contenders_get_the_same_numbers_and_their_speeds_are_told(launched_as_torch):
    found = on_gpu.timed(1.0)
    names = ["your kernel", "normlab.fused_norms", "torch.nn.functional", "a copy"]
    assert found == {"machine": "a GPU", "speeds": {64: dict.fromkeys(names, 2 * 128 * 2 / 0.5)}}


@pytest.mark.parametrize("factor", [1.1, float("nan")])
def test_a_kernel_that_gives_other_numbers_on_the_gpu_is_not_timed(launched_as_torch, factor):
    with pytest.raises(ArithmeticError, match="on the GPU y is wrong for D = 64"):
        on_gpu.timed(factor)


def test_what_goes_wrong_is_printed_as_json(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "kernel", raising=False)
    (tmp_path / "kernel.py").write_text("rms_norm = 1\n")
    on_gpu.main(str(tmp_path))
    assert json.loads(capsys.readouterr().out)["error"].startswith("AttributeError: ")
