"""How fast are the norms, beside `torch.nn.functional.layer_norm` and its autograd?

    make bench                      every shape, one thread, float32
    make bench ARGS="--rounds 51"   more rounds

All contenders take turns in one run, so that a busy moment of the machine hits all alike.
Where there is a CUDA device, the torch contenders run there too.
"""

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from normlab import norms, torch_norms
from normlab.table import Table
from normlab.timing import Race, one_thread, race

SHAPES = ((32, 512), (2048, 768), (64, 16384))
REFERENCE = "F.layer_norm"
Contenders = Mapping[str, Callable[[], Any]]


def inputs(shape: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """x and dy (N, D), gamma and beta (D,), all float32."""
    rng = np.random.default_rng(0)
    sizes = (shape, shape, shape[1:], shape[1:])
    return tuple(rng.standard_normal(size, dtype=np.float32) for size in sizes)


def numpy_forward(shape: tuple[int, int]) -> Contenders:
    x, _, gamma, beta = inputs(shape)
    return {
        "norms.layer_norm": lambda: norms.layer_norm(x, gamma, beta),
        "norms.rms_norm": lambda: norms.rms_norm(x, gamma),
    }


def numpy_backward(shape: tuple[int, int]) -> Contenders:
    x, dy, gamma, _ = inputs(shape)
    return {
        "norms.layer_norm": lambda: norms.layer_norm_backward(dy, x, gamma),
        "norms.rms_norm": lambda: norms.rms_norm_backward(dy, x, gamma),
    }


def torch_functions(features: int) -> dict[str, Callable[..., Tensor]]:
    """Functions of (x, gamma, beta), the reference first."""
    size = (features,)
    return {
        REFERENCE: lambda x, g, b: F.layer_norm(x, size, g, b),
        "F.rms_norm": lambda x, g, b: F.rms_norm(x, size, g, 1e-6),
        "torch_norms.layer_norm": lambda x, g, b: torch_norms.layer_norm(x, size, g, b),
        "torch_norms.rms_norm": lambda x, g, b: torch_norms.rms_norm(x, size, g, 1e-6),
    }


def torch_forward(shape: tuple[int, int], device: str) -> Contenders:
    x, _, gamma, beta = (torch.tensor(a, device=device) for a in inputs(shape))
    functions = torch_functions(shape[1])
    return {name: partial(f, x, gamma, beta) for name, f in functions.items()}


def torch_backward(shape: tuple[int, int], device: str) -> Contenders:
    """Autograd through a graph that is kept, so that only the backward pass is timed."""
    x, dy, gamma, beta = (torch.tensor(a, device=device) for a in inputs(shape))
    leaves = [a.requires_grad_() for a in (x, gamma, beta)]
    functions = torch_functions(shape[1])

    def gradient(y: Tensor, used: list[Tensor]) -> Callable[[], Any]:
        return lambda: torch.autograd.grad(y, used, dy, retain_graph=True)

    return {
        name: gradient(function(*leaves), leaves if "layer" in name else leaves[:2])
        for name, function in functions.items()
    }


def measure(shape: tuple[int, int], device: str, rounds: int) -> dict[str, Race]:
    """The two races of one shape, forward and backward."""
    on_cpu = device == "cpu"
    wait: Callable[[], object] = (lambda: None) if on_cpu else torch.cuda.synchronize
    forward = {**torch_forward(shape, device), **(numpy_forward(shape) if on_cpu else {})}
    backward = {**torch_backward(shape, device), **(numpy_backward(shape) if on_cpu else {})}
    return {
        "forward": race(forward, rounds, synchronize=wait),
        "backward": race(backward, rounds, synchronize=wait),
    }


def table(device: str, rounds: int) -> Table:
    """One row per contender and pass; a column per shape: microseconds, and the ratio."""
    results = {shape: measure(shape, device, rounds) for shape in SHAPES}
    rows = []
    for direction in ("forward", "backward"):
        for name in results[SHAPES[0]][direction].seconds:
            races = [results[shape][direction] for shape in SHAPES]
            cells = [
                f"{1e6 * r.seconds[name]:.0f} µs  {r.ratio(name, REFERENCE):.2f}" for r in races
            ]
            rows.append([direction, name, *cells])
    return Table(("pass", "function", *(f"{n} × {d}" for n, d in SHAPES)), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=41, help="turns of each contender")
    rounds = parser.parse_args().rounds
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        name = torch.cuda.get_device_name() if device == "cuda" else "CPU, one thread"
        print(f"\n{name}, float32, torch {torch.__version__}, NumPy {np.__version__}")
        print(f"Median time of {rounds} turns, and the ratio to {REFERENCE}\n")
        with one_thread():
            print(table(device, rounds))


if __name__ == "__main__":
    main()
