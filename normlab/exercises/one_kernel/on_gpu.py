"""A learner's kernel on a GPU, compiled and timed beside a copy; without a GPU, compiled alone.

    python -m normlab.exercises.one_kernel.on_gpu FOLDER

reads `kernel.py` in a folder, and prints a JSON object: "error" says why the kernel cannot be
timed; "machine" and "speeds" (bytes a second, by D and contender) what came of it; neither, that
there is no GPU and the compiler takes the kernel. It is a process of its own, since Triton compiles
nothing in one that has imported its interpreter.
"""

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from normlab import fused_norms
from normlab.fused_norms.tiles import Tile
from normlab.tools.device_turns import device_race

NAME = "rms_norm_kernel"
OWN, OURS, COPY = "your kernel", "normlab.fused_norms", "a copy"
ELEMENTS, FEATURES, DTYPE = 2**25, (1024, 4096, 5000, 16384), torch.bfloat16
"""N·D, so many that memory decides the time; D; and the dtype of x, γ and y."""
EPS = 1e-6
ROUNDS = 20
STEPS_OF_BFLOAT16 = 2e-2
"""Of the greatest number: two roundings, and a little more."""
WITHOUT_GPU = ("cuda", 90, 32)
"""For what to compile where there is none: an H100 or H200."""
Turns = Mapping[str, Callable[[], Any]]


def main(folder: str) -> None:
    sys.path.insert(0, folder)
    try:
        kernel = getattr(importlib.import_module("kernel"), NAME)
        if fused_norms.has_kernels(torch.device("cuda"), DTYPE):
            print(json.dumps(timed(kernel)))
        else:
            compile_alone(kernel)
            print(json.dumps({}))
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))


def timed(kernel: Any) -> dict[str, Any]:
    """Bytes of x and y a second by D and contender, in the median of the turns.

    Raises:
        ArithmeticError: if y is another than under the interpreter.
    """
    speeds = {}
    for features in FEATURES:
        turns = contenders(kernel, ELEMENTS // features, features)
        own, right = (turns[name]().float() for name in (OWN, OURS))
        if not (own - right).abs().max() <= STEPS_OF_BFLOAT16 * right.abs().max():
            raise ArithmeticError(f"on the GPU y is wrong for D = {features}.")
        moved = 2 * right.numel() * DTYPE.itemsize
        seconds = device_race(turns, ROUNDS).seconds
        speeds[features] = {name: moved / median for name, median in seconds.items()}
    return {"machine": torch.cuda.get_device_name(), "speeds": speeds}


def contenders(kernel: Any, rows: int, features: int, device: str = "cuda") -> Turns:
    """Each on the same numbers; the copy last."""
    x, target = (torch.randn(rows, features, device=device, dtype=DTYPE) for _ in range(2))
    weight = torch.rand(features, device=device, dtype=DTYPE)
    return {
        OWN: partial(launch, kernel, x, weight),
        OURS: partial(fused_norms.rms_norm, x, weight, EPS),
        "torch.nn.functional": partial(F.rms_norm, x, (features,), weight, EPS),
        COPY: partial(target.copy_, x),
    }


def launch(kernel: Any, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """y of the kernel, one program for each row of x (N, D)."""
    (N, D), y = x.shape, torch.empty_like(x)
    block = 1 << (D - 1).bit_length()
    given = x, weight, y, x.stride(0), D, EPS, block
    kernel[(N,)](*given, num_warps=Tile(1, block).warps)
    return y


def compile_alone(kernel: Any) -> None:
    """Have the kernel compiled for a GPU that is not here."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    types = ("*bf16", "*bf16", "*bf16", "i32", "i32", "fp32", "constexpr")
    source = ASTSource(
        fn=kernel,
        signature=dict(zip(kernel.arg_names, types, strict=True)),
        constexprs={kernel.arg_names[-1]: 1024},
    )
    triton.compile(source, target=GPUTarget(*WITHOUT_GPU))


if __name__ == "__main__":
    main(sys.argv[1])
