"""How fast is the NumPy stack, beside autograd through `nn.TransformerEncoderLayer`?

    .venv/bin/python -m benchmarks.stack                 12, 96 and 1,000 sub-layers
    .venv/bin/python -m benchmarks.stack --rounds 21     more rounds

Both run the same probe, forward and backward: ‖x_l‖²/d, ‖∂L/∂x_l‖ and the norms of all weight
gradients, in every sub-layer weights of its own, float32, one thread. A torch layer is two
sub-layers; its stream is probed once a layer. First the NumPy stack runs by itself, as it does
under a slider. Then the contenders take turns, so that a busy moment of the machine hits both
alike; between two turns of the NumPy stack torch's thousand layers pass through the caches.

Last, what chapter 06's explorer asks for: two placements at all depths of its slider, each stack
by itself and with the gradients of its weights, and side by side without them.
"""

import argparse
import resource
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import nn

from normlab.chapters.gradient_flow.explorers import DEPTHS as EXPLORED
from normlab.chapters.gradient_flow.explorers import TOKENS
from normlab.models.stack import (
    StackSetting,
    profiles_side_by_side,
    stack_profile,
    stack_profiles,
)
from normlab.tools.table import Table
from normlab.tools.timing import Race, one_thread, race

DEPTHS = (12, 96, 1000)
PLACEMENTS = ("post-norm", "pre-norm")
NUMPY, TORCH = "normlab.models.stack", "nn.TransformerEncoderLayer"


def torch_probe(setting: StackSetting, sub_layers: int) -> Callable[[], object]:
    """The probe on torch's own layers: norms of streams, their gradients and all weights'."""
    s = setting
    layers = nn.ModuleList(
        nn.TransformerEncoderLayer(
            s.d_model,
            s.heads,
            s.d_ff,
            dropout=0,
            batch_first=True,
            norm_first=s.placement == "pre-norm",
            bias=False,
        )
        for _ in range(sub_layers // 2)
    )
    generator = torch.Generator().manual_seed(s.seed)
    start = torch.randn(s.batch, s.tokens, s.d_model, generator=generator)
    upstream = torch.randn(start.shape, generator=generator)

    def probe() -> list[torch.Tensor]:
        streams = [start.clone().requires_grad_()]
        for layer in layers:
            streams.append(layer(streams[-1]))
            streams[-1].retain_grad()
        layers.zero_grad()
        torch.autograd.backward(streams[-1], upstream)
        gradients = [x.grad for x in streams] + [w.grad for w in layers.parameters()]
        measured = [x.detach() for x in streams] + [g for g in gradients if g is not None]
        return list(torch._foreach_norm(measured))

    return probe


def run(setting: StackSetting, sub_layers: int, rounds: int) -> Race:
    """Both contenders at one depth."""
    contenders = {
        NUMPY: lambda: stack_profile(setting, sub_layers),
        TORCH: torch_probe(setting, sub_layers),
    }
    with one_thread():
        return race(contenders, rounds=rounds)


def alone(rounds: int) -> Table:
    """The NumPy stack by itself: one row per depth and placement."""
    rows: list[list[str]] = []
    for placement in PLACEMENTS:
        for sub_layers in DEPTHS:
            probe = partial(stack_profile, StackSetting(placement), sub_layers)
            with one_thread():
                seconds = race({NUMPY: probe}, rounds=3 * rounds).seconds[NUMPY]
            cells = [f"{1e3 * seconds:.1f}", f"{1e6 * seconds / sub_layers:.0f}"]
            rows.append([placement, f"{sub_layers}", *cells])
    return Table(("placement", "sub-layers", f"{NUMPY} ms", "µs each"), rows)


def side_by_side(setting: StackSetting, rounds: int) -> Table:
    """One row per depth: the whole probe, and the time of one sub-layer."""
    rows: list[list[str]] = []
    for sub_layers in DEPTHS:
        times = run(setting, sub_layers, rounds)
        rows.append([f"{sub_layers}"])
        for seconds in (times.seconds[NUMPY], times.seconds[TORCH]):
            rows[-1] += [f"{1e3 * seconds:.1f}", f"{1e6 * seconds / sub_layers:.0f}"]
        rows[-1].append(f"{times.ratio(TORCH, to=NUMPY):.2f}")
    columns = ("sub-layers", f"{NUMPY} ms", "µs each", f"{TORCH} ms", "µs each", "times as fast")
    return Table(columns, rows)


def both_ways(
    pair: Sequence[StackSetting], depths: Sequence[int]
) -> dict[str, Callable[[], object]]:
    return {
        "each by itself": lambda: [list(stack_profiles(one, depths)) for one in pair],
        "side by side": lambda: list(profiles_side_by_side(pair, depths)),
    }


def slider(rounds: int) -> Table:
    """One row per initialization: post-norm and pre-norm at every depth of the explorer."""
    rows: list[list[str]] = []
    depths = sorted(EXPLORED, reverse=True)
    for init in ("xiong", "xavier"):
        pair = [StackSetting(name, init=init, tokens=16, batch=TOKENS // 16) for name in PLACEMENTS]
        with one_thread():
            times = race(both_ways(pair, depths), rounds=rounds)
        rows.append([init, *(f"{1e3 * seconds:.0f}" for seconds in times.seconds.values())])
        rows[-1].append(f"{times.ratio('each by itself', to='side by side'):.2f}")
    return Table(("initialization", "each by itself ms", "side by side ms", "times as fast"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="turns of each contender")
    rounds = parser.parse_args().rounds
    s = StackSetting()
    print(f"\n{s.norm}, d_model {s.d_model}, {s.heads} heads, d_ff {s.d_ff}, {s.tokens} tokens,")
    print(f"batch {s.batch}, {s.dtype}, one thread, torch {torch.__version__}, ", end="")
    print(f"NumPy {np.__version__}\n\nBy itself, median of {3 * rounds} runs:\n")
    print(alone(rounds))
    for placement in PLACEMENTS:
        print(f"\nSide by side, {placement}, median of {rounds} turns:\n")
        print(side_by_side(StackSetting(placement), rounds))
    print(f"\nTwo placements at {len(EXPLORED)} depths, 16 tokens, median of {rounds} turns:\n")
    print(slider(rounds))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nGreatest memory of the process, torch's stack included: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
