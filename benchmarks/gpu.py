"""Fused norms on a GPU, beside a copy: forward and backward, alone and with the sum before.

Contenders take turns, each after the cache was overwritten, and a turn is timed by the device. The
bytes that have to be moved over the time, as a part of a copy's, is what a norm can be judged by.
Stores the rows beside chapter 04; all of it takes less than four minutes on an H200.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from normlab import fused_norms
from normlab.chapters.rms_norm.fused_races import (
    COPY,
    OURS,
    STORED,
    FusedRace,
    Setting,
    fused_race_table,
    write_fused_races,
)
from normlab.tools.device_turns import device_race

COMMAND = "make bench BENCH=gpu"
ELEMENTS = 2**25
"""N·D: memory decides the time, and not the launch."""
FEATURES = {
    "bfloat16": (4096, 1024, 16384, 8192, 2048, 768, 32768, 65536),
    "float32": (4096, 1024, 16384, 65536),
}
COMPILED = ("bfloat16", (1024, 4096, 16384))
"""Where torch.compile takes part, which spends seconds on each size."""
EPS = 1e-5
Norm = Callable[..., Any]
"""(x, weight, bias), or with a residual after x, -> y, or the sum and y."""


def settings() -> Iterator[Setting]:
    """What the goal is read from comes first."""
    for added in (False, True):
        for dtype, sizes in FEATURES.items():
            for features in sizes:
                for norm in ("RMSNorm", "LayerNorm"):
                    for direction in ("forward", "backward"):
                        rows = ELEMENTS // features
                        yield Setting(direction, norm, added, dtype, rows, features)


def contenders(setting: Setting) -> dict[str, Norm]:
    """Name -> norm of those that are installed."""
    return _added_norms(setting) if setting.added else _norms(setting)


def _norms(setting: Setting) -> dict[str, Norm]:
    size, layer = (setting.features,), setting.norm == "LayerNorm"
    of_torch: Norm = (
        (lambda x, w, b: F.layer_norm(x, size, w, b, EPS))
        if layer
        else (lambda x, w, b: F.rms_norm(x, size, w, EPS))
    )
    found: dict[str, Norm] = {
        OURS: (lambda x, w, b: fused_norms.layer_norm(x, w, b, EPS))
        if layer
        else (lambda x, w, b: fused_norms.rms_norm(x, w, EPS)),
        "torch.nn.functional": of_torch,
    }
    dtype, sizes = COMPILED
    if setting.dtype == dtype and setting.features in sizes:
        found["torch.compile"] = torch.compile(of_torch, dynamic=False)
    if find_spec("liger_kernel"):
        from liger_kernel.transformers import functional as liger

        found["Liger"] = (
            (lambda x, w, b: liger.liger_layer_norm(x, w, b, EPS))
            if layer
            else (lambda x, w, b: liger.liger_rms_norm(x, w, EPS, in_place=False))
        )
    if find_spec("quack") and not layer:
        import quack

        found["QuACK"] = lambda x, w, b: quack.rmsnorm(x, w, eps=EPS)
    return found


def _added_norms(setting: Setting) -> dict[str, Norm]:
    size, layer = (setting.features,), setting.norm == "LayerNorm"

    def of_torch(x: Tensor, residual: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        total = x + residual
        y = F.layer_norm(total, size, w, b, EPS) if layer else F.rms_norm(total, size, w, EPS)
        return total, y

    found: dict[str, Norm] = {
        OURS: (lambda x, r, w, b: fused_norms.add_layer_norm(x, r, w, b, EPS))
        if layer
        else (lambda x, r, w, b: fused_norms.add_rms_norm(x, r, w, EPS)),
        "torch.nn.functional": of_torch,
    }
    if find_spec("liger_kernel") and not layer:
        from liger_kernel.ops.fused_add_rms_norm import LigerFusedAddRMSNormFunction as Liger

        found["Liger"] = lambda x, r, w, b: Liger.apply(x, r, w, EPS, 0.0, "llama", False)[::-1]
    if find_spec("quack") and not layer:
        import quack

        found["QuACK"] = lambda x, r, w, b: quack.rmsnorm(x, w, residual=r, eps=EPS, prenorm=True)[
            ::-1
        ]
    return found


def runs(setting: Setting, norms: dict[str, Norm], device: str) -> dict[str, Callable[[], Any]]:
    """What is timed of each contender, and the copy."""
    shape, dtype = (setting.rows, setting.features), getattr(torch, setting.dtype)
    backward = setting.direction == "backward"

    def draw(*sizes: int) -> Tensor:
        return torch.randn(sizes, device=device, dtype=dtype)

    inputs = [draw(*shape) for _ in range(1 + setting.added)]
    inputs += [draw(setting.features) for _ in range(2)]  # γ and β
    inputs = [each.requires_grad_(backward) for each in inputs]
    upstream = [draw(*shape) for _ in range(1 + setting.added)]
    source, target = draw(*shape), draw(*shape)
    found: dict[str, Callable[[], Any]] = {}
    for name, norm in norms.items():
        found[name] = partial(norm, *inputs)
        if backward:
            results = norm(*inputs)
            results = results if isinstance(results, tuple) else (results,)
            found[name] = partial(
                torch.autograd.grad,
                *(results, inputs, upstream),
                retain_graph=True,
                allow_unused=True,
            )
    return found | {COPY: lambda: target.copy_(source)}


def measure(seconds: float, rounds: int) -> tuple[list[FusedRace], int]:
    """The races that there was time for, and how many there was none for."""
    begun, races, all_settings = time.monotonic(), [], list(settings())
    for setting in all_settings:
        if time.monotonic() - begun > seconds:
            break
        torch.compiler.reset()
        with torch._functorch.config.patch(donated_buffer=False):  # backward, more than once
            race = device_race(runs(setting, contenders(setting), "cuda"), rounds)
        quartiles = {name: race.quartiles(name) for name in race.turns}
        copy = quartiles.pop(COPY)
        races.append(FusedRace(setting, torch.cuda.get_device_name(), quartiles, copy))
    return races, len(all_settings) - len(races)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="turns of each contender")
    parser.add_argument("--seconds", type=float, default=210, help="begin no race after these")
    parser.add_argument("--out", type=Path, default=STORED, help="where the rows are stored")
    given = parser.parse_args()
    if not fused_norms.has_kernels(torch.device("cuda"), torch.bfloat16):
        raise SystemExit(
            "There is no GPU here that can be measured: this needs a CUDA device of compute "
            "capability 8.0 or more, a CUDA build of torch, a C compiler, and Triton "
            "(pip install 'normlab[kernels]'). Nothing was stored."
        )
    races, left = measure(given.seconds, given.rounds)
    write_fused_races(given.out, races, version("triton"), COMMAND)
    print(f"{races[0].machine}, torch {torch.__version__}, Triton {version('triton')}\n")
    print(fused_race_table(races))
    print(f"\nStored in {given.out}." + (f" No time was left for {left} races." if left else ""))


if __name__ == "__main__":
    main()
