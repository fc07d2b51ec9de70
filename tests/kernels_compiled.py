"""Every kernel compiled for a GPU, where there may be none.

`test_fused_norms.py` runs these tests in a process of their own, since Triton compiles nothing in
one that has imported its interpreter. By hand: pytest tests/kernels_compiled.py
"""

import pytest
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from normlab.fused_norms.launches import _kernels
from normlab.fused_norms.tiles import COLUMNS_TILE, LONG_TILE, SUMS_TILE, Tile, whole_tile

KERNELS = [
    *((name, kernel) for name in ("layer_norm", "rms_norm") for kernel in ("forward", "backward")),
    *(
        (f"long_{name}", kernel)
        for name in ("layer_norm", "rms_norm")
        for kernel in ("forward", "backward_means", "backward")
    ),
    ("common", "add_partials"),
]


@pytest.mark.parametrize("dtype", ["bf16", "fp32", "fp64"])
@pytest.mark.parametrize(("module", "name"), KERNELS)
def test_every_kernel_compiles_for_a_gpu(module, name, dtype, tmp_path, monkeypatch):
    """The interpreter takes more than the compiler does."""
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
