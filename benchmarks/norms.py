"""How fast are the norms, beside `torch.nn.functional.layer_norm` and its autograd?

    make bench                      every shape, one thread
    make bench ARGS="--rounds 51"   more rounds

All contenders of a shape take turns in one run, so that a busy moment of the machine hits all
alike. On a CPU the time is the processor's for this program, and a race that a busy machine
disturbed says so. Where there is a CUDA device, the torch contenders run there too. On a CPU a
second table has bfloat16 too, and the same text compiled, where there is a compiler for that.
"""

import argparse
import shutil
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from normlab import torch_norms
from normlab.chapters.rms_norm.norm_race import fairest_clock, race_norms
from normlab.chapters.rms_norm.norm_times import NormTimes
from normlab.tools.table import Table
from normlab.tools.timing import memory_kept, one_thread, race

SHAPES = ((32, 512), (2048, 768), (64, 16384))
DIRECTIONS = ("forward", "backward")
REFERENCE = ("torch.nn.functional", "LayerNorm")


def cell(times: NormTimes, contender: tuple[str, str]) -> str:
    """Microseconds, and the ratio to the reference."""
    seconds = times.seconds[contender].median
    return f"{1e6 * seconds:.0f} µs  {seconds / times.seconds[REFERENCE].median:.2f}"


def table(device: str, rounds: int) -> Table:
    """One row per direction and contender, one column per shape."""
    rows = []
    for direction in DIRECTIONS:
        races = [race_norms(*shape, direction, device, rounds) for shape in SHAPES]
        print(
            *(f"{race.title}: {race.warning}\n" for race in races if race.warning), sep="", end=""
        )
        for contender in races[0].seconds:
            rows.append([direction, *contender, *(cell(times, contender) for times in races)])
    return Table(("", "library", "norm", *(f"{n} × {d}" for n, d in SHAPES)), rows)


def beside_torch(rounds: int) -> Table:
    """Ratios to `F.layer_norm`: one row per direction, dtype and contender."""
    rows = []
    for direction in DIRECTIONS:
        for dtype in (torch.float32, torch.bfloat16):
            times = [medians(shape, dtype, direction, rounds) for shape in SHAPES]
            for name in times[0]:
                ratios = (f"{each[name] / each['F.layer_norm']:.2f}" for each in times)
                rows.append([direction, str(dtype).removeprefix("torch."), name, *ratios])
    return Table(("", "", "norm", *(f"{n} × {d}" for n, d in SHAPES)), rows)


def medians(
    shape: tuple[int, int], dtype: torch.dtype, direction: str, rounds: int
) -> dict[str, float]:
    """Seconds of each contender on one thread."""
    torch.compiler.reset()  # else a compiled norm gives up after eight kinds of input
    generator = torch.Generator().manual_seed(0)
    x, dy = torch.randn(2, *shape, generator=generator).to(dtype)
    weight, bias = torch.randn(2, shape[1], generator=generator).to(dtype)
    given = [each.requires_grad_(direction == "backward") for each in (x, weight, bias)]
    forward = {name: partial(norm, *given) for name, norm in norms_of(shape[1]).items()}
    runs: dict[str, Callable[[], object]] = {**forward}
    if direction == "backward":
        runs = {name: backward_of(run(), given, dy) for name, run in forward.items()}
    with (
        one_thread(),
        memory_kept(),
        torch._functorch.config.patch(donated_buffer=False),
    ):  # run more than once
        result = race(runs, rounds, 0.005, lambda: None, fairest_clock("cpu"))
    return {name: result.quartiles(name).median for name in runs}


def backward_of(
    y: torch.Tensor, given: list[torch.Tensor], dy: torch.Tensor
) -> Callable[[], object]:
    """What takes the gradients of all that y depends on."""
    return lambda: torch.autograd.grad(y, given, dy, retain_graph=True, allow_unused=True)


def norms_of(features: int) -> dict[str, Callable[..., torch.Tensor]]:
    """Name -> the norm of (x, weight, bias)."""
    size = (features,)
    written_out: dict[str, Callable[..., torch.Tensor]] = {
        "layer_norm": lambda x, w, b: torch_norms.layer_norm(x, size, w, b),
        "rms_norm": lambda x, w, b: torch_norms.rms_norm(x, size, w),
    }
    compiled = written_out if shutil.which("g++") or shutil.which("clang++") else {}
    return {
        "F.layer_norm": lambda x, w, b: F.layer_norm(x, size, w, b),
        **{f"torch_norms.{name}": norm for name, norm in written_out.items()},
        **{f"torch_norms.{name}, compiled": torch.compile(f) for name, f in compiled.items()},
        "F.rms_norm": lambda x, w, b: F.rms_norm(x, size, w),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=41, help="turns of each contender")
    rounds = parser.parse_args().rounds
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        name = torch.cuda.get_device_name() if device == "cuda" else "CPU, one thread"
        print(f"\n{name}, float32, torch {torch.__version__}, NumPy {np.__version__}")
        print(f"Median of {rounds} turns, and the ratio to {' '.join(REFERENCE)}\n")
        print(table(device, rounds))
        if device == "cpu":
            print("\nRatios to F.layer_norm of the same dtype\n")
            print(beside_torch(rounds))


if __name__ == "__main__":
    main()
