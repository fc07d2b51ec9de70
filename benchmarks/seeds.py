"""How much faster do several seeds train together than one after the other?

    .venv/bin/python -m benchmarks.seeds                  every size, one CPU thread
    .venv/bin/python -m benchmarks.seeds --rounds 21      more rounds
    .venv/bin/python -m benchmarks.seeds --device cuda    on a GPU

One training step of S models by `normlab.training.seeds.RunStack`, beside S steps of one model, in
turns. The table of medians is what `normlab.training.seeds.seeds_together` decides by.
"""

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import replace

import torch

from normlab.tools.table import Table
from normlab.tools.timing import one_thread, race
from normlab.training.config import TrainConfig
from normlab.training.run import Run
from normlab.training.seeds import RunStack

# (d_model, batch, tokens): batch · tokens · d_model from 1024 to 65536
SIZES = (
    (16, 8, 8),
    (32, 8, 16),
    (64, 8, 8),
    (64, 8, 16),
    (32, 32, 16),
    (64, 32, 16),
    (128, 32, 16),
)
LAYERS = (2, 12)
SEEDS = (2, 4, 8, 16)


def speedups(config: TrainConfig, device: torch.device, rounds: int) -> dict[int, float]:
    """For each number of seeds: seconds one after the other, over seconds together."""

    def run(seed: int) -> Run:
        return Run(replace(config, seed=seed), device)

    contenders = {str(n): RunStack([run(seed) for seed in range(n)]).step for n in SEEDS}
    synchronize = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    seconds = race(contenders | {"1": run(0).step}, rounds, 0.05, synchronize).seconds
    return {n: n * seconds["1"] / seconds[str(n)] for n in SEEDS}


def configs() -> list[TrainConfig]:
    """Every size at every depth."""
    return [
        TrainConfig(
            decoder_layers=layers,
            d_model=d_model,
            d_ff=4 * d_model,
            batch=batch,
            tokens=tokens,
            steps=10**6,
        )
        for d_model, batch, tokens in SIZES
        for layers in LAYERS
    ]


def activations(config: TrainConfig) -> int:
    return config.batch * config.tokens * config.d_model


def by_activations(measured: Sequence[tuple[TrainConfig, dict[int, float]]]) -> Table:
    """Median over depths and sizes with as many activations."""
    sizes = sorted({activations(config) for config, _ in measured})
    rows = []
    for size in sizes:
        alike = [ratio for config, ratio in measured if activations(config) == size]
        medians = [statistics.median(ratio[n] for ratio in alike) for n in SEEDS]
        rows.append([str(size), *(f"{m:.2f}" for m in medians)])
    return Table(("batch · tokens · d_model", *(f"{n} seeds" for n in SEEDS)), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="turns of each contender")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    device = torch.device(options.device)
    with one_thread():
        measured = [(config, speedups(config, device, options.rounds)) for config in configs()]
    rows = [
        [c.decoder_layers, c.d_model, c.batch, c.tokens, *(f"{r[n]:.2f}" for n in SEEDS)]
        for c, r in measured
    ]
    print(f"{options.device}, one thread, float32, torch {torch.__version__}")
    print("Seconds of so many seeds one after the other, over seconds together\n")
    print(Table(("layers", "d_model", "batch", "tokens", *(f"{n} seeds" for n in SEEDS)), rows))
    print(f"\nMedians\n\n{by_activations(measured)}")


if __name__ == "__main__":
    main()
