"""How fast are the norms, beside `torch.nn.functional.layer_norm` and its autograd?

    make bench                      every shape, one thread, float32
    make bench ARGS="--rounds 51"   more rounds

All contenders of a shape take turns in one run, so that a busy moment of the machine hits all
alike. On a CPU the time is the processor's for this program, and a race that a busy machine
disturbed says so. Where there is a CUDA device, the torch contenders run there too.
"""

import argparse

import numpy as np
import torch

from normlab.chapters.rms_norm.norm_race import race_norms
from normlab.chapters.rms_norm.norm_times import NormTimes
from normlab.tools.table import Table

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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=41, help="turns of each contender")
    rounds = parser.parse_args().rounds
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        name = torch.cuda.get_device_name() if device == "cuda" else "CPU, one thread"
        print(f"\n{name}, float32, torch {torch.__version__}, NumPy {np.__version__}")
        print(f"Median of {rounds} turns, and the ratio to {' '.join(REFERENCE)}\n")
        print(table(device, rounds))


if __name__ == "__main__":
    main()
