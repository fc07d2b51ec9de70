"""The fused norms where they cannot run, where they are only compiled, and where they can run.

The last in a process of its own (kernels_at_work.py): Triton's interpreter, or a GPU.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from normlab import fused_norms, torch_norms
from normlab.fused_norms.launches import _kernels
from normlab.fused_norms.tiles import COLUMNS_TILE, LONG_TILE, SUMS_TILE, Tile, whole_tile

HERE = Path(__file__).parent
needs_triton = pytest.mark.skipif(
    find_spec("triton") is None, reason="the kernels need Triton, which is not installed here"
)
no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
WHERE = {"interpreted": {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}}
WHERE |= {"on a GPU": {}} if torch.cuda.is_available() else {}


@needs_triton
@pytest.mark.parametrize("settings", WHERE.values(), ids=WHERE)
def test_the_kernels_at_work(settings):
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--show-capture=no"]
    done = subprocess.run(
        [*run, str(HERE / "kernels_at_work.py")],
        env=os.environ | settings,
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr


# Without a GPU a compiler for one is there all the same


KERNELS = [
    *((name, kernel) for name in ("layer_norm", "rms_norm") for kernel in ("forward", "backward")),
    *(
        (f"long_{name}", kernel)
        for name in ("layer_norm", "rms_norm")
        for kernel in ("forward", "backward_means", "backward")
    ),
    ("common", "add_partials"),
]


@needs_triton
@pytest.mark.parametrize("dtype", ["bf16", "fp32", "fp64"])
@pytest.mark.parametrize(("module", "name"), KERNELS)
def test_every_kernel_compiles_for_a_gpu(module, name, dtype, tmp_path, monkeypatch):
    """The interpreter takes more than the compiler does."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernel = getattr(_kernels(module), name)
    tile = whole_tile(256, name) if module in ("layer_norm", "rms_norm") else Tile(*LONG_TILE)
    tile = {"backward": Tile(*COLUMNS_TILE), "add_partials": Tile(*SUMS_TILE)}.get(
        name if module.startswith("long") or module == "common" else "", tile
    )
    constants = {"eps": 1e-5, "offset": 1.0, "ROWS": tile.rows, "BLOCK": tile.block}
    constants = {key: value for key, value in constants.items() if key in kernel.arg_names}
    source = ASTSource(
        fn=kernel,
        signature={each: type_of(each, dtype) for each in kernel.arg_names},
        constexprs=constants,
    )
    compiled = triton.compile(
        source, target=GPUTarget("cuda", 80, 32), options={"num_warps": tile.warps}
    )
    assert f".visible .entry {name}" in compiled.asm["ptx"]


def type_of(argument, dtype):
    if argument in ("eps", "offset", "ROWS", "BLOCK"):
        return "constexpr"
    if not argument.endswith("_ptr"):
        return "i32"
    wide = ("statistics", "means", "dweight_parts", "dbias_parts")
    return f"*{dtype}" if dtype == "fp64" or not argument.startswith(wide) else "*fp32"


# Where they do not run


@no_gpu
def test_on_a_cpu_the_norms_are_refused_and_torch_norms_goes_its_own_way():
    x = torch.ones(2, 4)
    assert not fused_norms.applies(x)
    for norm in (fused_norms.layer_norm, fused_norms.rms_norm):
        with pytest.raises(RuntimeError, match=r"on cpu, which has no kernels.*normlab\[kernels\]"):
            norm(x)
    assert "path=chunks" in repr(torch_norms.LayerNorm(4))


def test_without_triton_everything_else_is_there():
    code = (
        "import sys; sys.modules['triton'] = None\n"
        "import torch\nfrom normlab import fused_norms, torch_norms\n"
        "assert not fused_norms.has_kernels(torch.device('cuda'), torch.float32)\n"
        "assert torch_norms.rms_norm(torch.ones(1, 4), 4).shape == (1, 4)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_the_norms_load_neither_triton_nor_the_compiler():
    code = (
        "import sys, torch\nbefore = {*sys.modules}\nimport normlab.torch_norms\n"
        "assert not {'triton', 'torch._dynamo'} & ({*sys.modules} - before)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
