"""How long does it take to read a model, and to measure depth in it?

    .venv/bin/python -m benchmarks.inspection            stacks of 6, 12, 24 and 48 layers
    .venv/bin/python -m benchmarks.inspection 48 96      these

A stack is torch's own encoder, pre-norm, 256 wide. Beside the seconds stands what a user would do
without the readers: run the model once, forward and backward; and the ratio to that. Depth is
measured at the start and after ten training steps. One thread.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from normlab.inspection import depth_profile, inspect
from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table

WIDTH, BATCH, TOKENS, STEPS, REPEATS = 256, 2, 16, 10, 3


def stack(layers: int) -> nn.Module:
    """torch's encoder with a final norm."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, layers, nn.LayerNorm(WIDTH), enable_nested_tensor=False)


def seconds(work: Callable[[], object]) -> float:
    """The median of a few runs."""
    took = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def row(layers: int) -> list[object]:
    """Layers, and seconds: of one run, of reading, of depth."""
    model, x = stack(layers), torch.randn(BATCH, TOKENS, WIDTH)

    def loss(output: torch.Tensor) -> torch.Tensor:
        return (output[..., 0] - 1).square().mean()  # (B, T, D) -> ()

    once = seconds(lambda: torch.autograd.backward(loss(model(x))))
    read = seconds(lambda: inspect(model, x))
    depth = seconds(lambda: depth_profile(model, x, loss, steps=STEPS))
    return [layers, once, read, f"{read / once:.0f} ×", depth, f"{depth / once / STEPS:.1f} ×"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of reading a model and its depth.")
    parser.add_argument("layers", nargs="*", type=int, default=[6, 12, 24, 48])
    torch.set_num_threads(1)
    rows = [row(layers) for layers in progress_bar(parser.parse_args().layers, "stacks")]
    names = ("layers", "one run, s", "inspect, s", "to a run", "depth, s", "to a run a step")
    print(Table(names, rows))


if __name__ == "__main__":
    main()
