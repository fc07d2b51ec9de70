"""Memory under watch: every address is checked before it is touched, and every byte is counted."""

import os
import subprocess
import sys

import pytest
import torch

from normlab.checks.interpreter import interpreting
from normlab.checks.watched_memory import OutOfBounds, error_of_kernel, watch_memory

triton = pytest.importorskip("triton", reason="the interpreter is Triton's")
tl = pytest.importorskip("triton.language")


@pytest.fixture
def launch():
    """Runs a function as a kernel of so many programs."""

    def run(kernel, programs, *given, **named):
        with interpreting():
            triton.jit(kernel)[(programs,)](*given, **named)

    return run


def copy(x_ptr, y_ptr, x_stride, y_stride, D, BLOCK: tl.constexpr):
    row, columns = tl.program_id(0), tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * x_stride + columns, mask=columns < D, other=0.0)
    tl.store(y_ptr + row * y_stride + columns, x, mask=columns < D)


def read(x_ptr, offset, BLOCK: tl.constexpr):
    tl.load(x_ptr + offset + tl.arange(0, BLOCK))


def write(x_ptr, offset, BLOCK: tl.constexpr):
    tl.store(x_ptr + offset + tl.arange(0, BLOCK), tl.zeros((BLOCK,), tl.float32))


def add(x_ptr, y_ptr, D, BLOCK: tl.constexpr):
    columns = tl.arange(0, BLOCK)
    tl.atomic_add(y_ptr + columns, tl.load(x_ptr + columns), mask=columns < D)


def sum_of_block(x_ptr, y_ptr, D, BLOCK: tl.constexpr):
    columns = tl.arange(0, BLOCK)
    tl.store(y_ptr, tl.sum(tl.load(x_ptr + columns, mask=columns < D)))


def error_of(launch, *given, **named):
    with watch_memory(), pytest.raises(triton.runtime.errors.InterpreterError) as raised:
        launch(*given, **named)
    return error_of_kernel(raised.value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_bytes_are_those_that_the_mask_lets_through(launch, dtype):
    x, y = torch.randn(3, 8).to(dtype)[:, :5], torch.empty(3, 5, dtype=dtype)
    with watch_memory() as traffic:
        launch(copy, 3, x, y, x.stride(0), y.stride(0), 5, BLOCK=8)
    assert torch.equal(x, y)
    size = 3 * 5 * dtype.itemsize
    assert (traffic.read, traffic.written, traffic.total) == (
        {"x_ptr": size},
        {"y_ptr": size},
        2 * size,
    )


def test_an_atomic_sum_reads_and_writes(launch):
    x, y = torch.ones(4), torch.ones(4)
    with watch_memory() as traffic:
        launch(add, 2, x, y, 3, BLOCK=4)
    assert y.tolist() == [3, 3, 3, 1]
    assert traffic.read == {"x_ptr": 2 * 16, "y_ptr": 2 * 12}
    assert traffic.written == {"y_ptr": 2 * 12}


@pytest.mark.parametrize("kernel", [read, write])
@pytest.mark.parametrize(("offset", "stray"), [(-3, -3), (1, 5), (10**9, 10**9)])
def test_an_address_outside_is_an_error_before_it_is_touched(launch, kernel, offset, stray):
    x = torch.ones(5)
    error = error_of(launch, kernel, 1, x, offset, BLOCK=8)
    assert isinstance(error, OutOfBounds)
    assert (error.kernel, error.tensor, error.element) == (kernel.__name__, "x_ptr", stray)
    assert error.access == f"{kernel.__name__}s"
    assert (
        str(error) == f"program (0, 0, 0) of {kernel.__name__} {kernel.__name__}s at x_ptr + "
        f"{stray}, which is no element of a tensor that it was given"
    )
    assert x.tolist() == [1] * 5


def test_what_lies_between_two_rows_is_outside(launch):
    x, y = torch.zeros(2, 8)[:, :5], torch.ones(2, 8)[:, :5]
    error = error_of(launch, copy, 2, x, y, 8, 8, 6, BLOCK=8)
    assert (error.tensor, error.element, error.access) == ("x_ptr", 5, "reads")


def test_an_atomic_sum_outside_is_an_error(launch):
    error = error_of(launch, add, 1, torch.ones(4), torch.ones(3), 4, BLOCK=4)
    assert (error.tensor, error.element) == ("y_ptr", 3)


def every_row_and_the_next(x_ptr, y_ptr, stride, D, BLOCK: tl.constexpr):
    row, columns = tl.program_id(0), tl.arange(0, BLOCK)
    for step in range(2):
        x = tl.load(x_ptr + row * stride + columns, mask=columns < D, other=0.0)
        tl.store(y_ptr + (row + step) * stride + columns, x, mask=columns < D - 1)


def test_who_wrote_an_element_and_over_whom_is_known(launch):
    x, y = torch.zeros(3, 4)[:, :3], torch.zeros(4, 4)[:, :3]
    with watch_memory() as traffic:
        launch(every_row_and_the_next, 3, x, y, 4, 3, BLOCK=4)
    elements = traffic.elements["y_ptr"]
    assert elements.writer.reshape(4, 3).tolist() == [
        [0, 0, -1],
        [1, 1, -1],
        [2, 2, -1],
        [2, 2, -1],
    ]
    assert elements.overwritten.reshape(4, 3).any(axis=1).tolist() == [False, True, True, False]
    assert not elements.read_first.any()
    assert traffic.elements["x_ptr"].read_first.all()


def test_an_atomic_sum_overwrites_nothing_and_reads_what_was_there(launch):
    x, y = torch.ones(4), torch.zeros(4)
    with watch_memory() as traffic:
        launch(add, 2, x, y, 3, BLOCK=4)
    elements = traffic.elements["y_ptr"]
    assert elements.writer.tolist() == [1, 1, 1, -1]
    assert not elements.overwritten.any()
    assert elements.read_first.tolist() == [True] * 3 + [False]


def test_what_a_mask_leaves_undefined_is_not_0(launch):
    x, y = torch.ones(3), torch.zeros(1)
    launch(sum_of_block, 1, x, y, 3, BLOCK=4)
    assert y == 3
    with watch_memory():
        launch(sum_of_block, 1, x, y, 3, BLOCK=4)
    assert y.isnan()


def test_afterwards_nothing_is_watched(launch):
    x = torch.ones(8)
    error_of(launch, read, 1, x[:5], 0, BLOCK=8)
    launch(read, 1, x[:5], 0, BLOCK=8)


def test_one_watch_may_stand_within_another(launch):
    x, y = torch.ones(1, 4), torch.zeros(1, 4)
    with watch_memory() as outer:
        launch(copy, 1, x, y, 4, 4, 4, BLOCK=4)
        with watch_memory() as inner:
            launch(copy, 1, x, y, 4, 4, 4, BLOCK=4)
    assert (outer.total, inner.total) == (64, 32)


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


COMPILE = """
import os
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

def sum_of_row(x_ptr, y_ptr, D, BLOCK: tl.constexpr):
    columns = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + columns, mask=columns < D, other=0.0)
    tl.store(y_ptr, tl.sum(x * x) + x.sum() + tl.max(x))

def compile():
    types = {"x_ptr": "*fp32", "y_ptr": "*fp32", "D": "i32", "BLOCK": "constexpr"}
    source = ASTSource(triton.jit(sum_of_row), types, {"BLOCK": 4})
    made = triton.compile(source, target=GPUTarget("cuda", 80, 32))
    assert ".entry sum_of_row" in made.asm["ptx"]

def interpret():
    import torch
    from normlab.checks.watched_memory import watch_memory
    x, y = torch.tensor([1.0, 2, 4]), torch.zeros(1)
    with watch_memory() as traffic:
        triton.jit(sum_of_row)[(1,)](x, y, 3, BLOCK=4)
    assert (y.item(), traffic.total) == (32, 16)
    assert "TRITON_INTERPRET" not in os.environ
"""


@pytest.mark.parametrize(
    "steps",
    [
        "interpret(); compile(); interpret(); interpret()",
        "compile(); interpret(); compile(); interpret()",
        "import torch._dynamo; interpret(); compile()",
    ],
)
def test_triton_interprets_in_the_block_and_compiles_before_and_after(steps, tmp_path):
    program = tmp_path / "program.py"  # triton.jit reads its source
    program.write_text(COMPILE + steps.replace("; ", "\n") + "\n")
    settings = os.environ | {"TRITON_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, program], env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_without_triton_there_is_nothing_to_watch():
    code = "from normlab.checks import watch_memory\nwith watch_memory():\n    pass"
    said = run("import sys; sys.modules['triton'] = None\n" + code).stderr
    assert said.splitlines()[-1].startswith("ModuleNotFoundError")


def test_a_notebook_gets_triton_or_what_stands_for_it_and_a_sentence():
    code = """
from normlab.checks import interpreted_triton

triton, tl = interpreted_triton()

@triton.jit
def kernel(x_ptr, BLOCK: tl.constexpr):
    pass

print(type(kernel).__name__)
"""
    assert run(code).stdout == "InterpretedFunction\n"
    assert run("import triton" + code).stdout == (
        "Triton was imported before its interpreter was switched on, as torch's optimizers do: "
        "kernels run under watch_memory alone. To run others, restart, and run this cell first.\n"
        "InterpretedFunction\n"
    )
    assert run("import sys; sys.modules['triton'] = None" + code).stdout == (
        "Kernels cannot run here: it needs Triton, which is not installed: "
        "run pip install 'normlab[kernels]', on Linux.\nfunction\n"
    )
