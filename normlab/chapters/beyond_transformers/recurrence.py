"""What untrained recurrent cells do over 500 steps, by the scale of their recurrent weights."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from normlab.models.recurrent import LayerNormLSTM, LayerNormRNN
from normlab.norms import FloatArray
from normlab.tools.table import Table

Cell = Literal["RNN", "LSTM"]
Inputs = Literal["none", "at every step"]
KINDS = ("plain", "LN")
SCALES = (0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0, 8.0, 16.0)
SIZE, LAST = 64, 100


@dataclass(frozen=True)
class StateCurves:
    """Curves over time of cells with the same weights, plain and with layer norm.

    Attributes:
        cell, inputs: what was run on what.
        scales: s, where the recurrent weights are s times N(0, 1/H).
        size: by kind and scale (T,): the root mean square of the H numbers of h.
        memory: by kind and scale (T,): how far two runs are apart that differ only in where they
            began, as a root mean square.
    """

    cell: Cell
    inputs: Inputs
    scales: Sequence[float]
    size: Mapping[tuple[str, float], FloatArray]
    memory: Mapping[tuple[str, float], FloatArray]

    def end(self, kind: str, scale: float) -> tuple[float, float]:
        """The mean of size and distance over the last 100 steps."""
        curves = self.size[kind, scale], self.memory[kind, scale]
        size, memory = (float(curve[-LAST:].mean()) for curve in curves)
        return size, memory

    def table(self) -> Table:
        """One row per scale: size of h, and the distance of two starts, over the last 100 steps."""
        columns = ("W_h ×", *(f"{what}, {kind}" for what in ("size", "apart") for kind in KINDS))
        rows = []
        for scale in self.scales:
            ends = [self.end(kind, scale) for kind in KINDS]
            sizes, apart = zip(*ends, strict=True)
            rows.append([f"{scale:g}", *(f"{s:.1f}" for s in sizes), *map(_in_words, apart)])
        return Table(columns, rows)


def _in_words(apart: float) -> str:
    """Runs that do not come together go their own ways, and no two machines agree how far."""
    return "still apart" if apart > 1e-3 else "together"


def state_curves(
    cell: Cell = "RNN",
    inputs: Inputs = "none",
    scales: Sequence[float] = SCALES,
    steps: int = 500,
    seed: int = 0,
) -> StateCurves:
    """Run plain and layer-normed cells with recurrent weights of each scale, in float64.

    Every run begins at two states drawn from N(0, 1) and reads the same inputs, N(0, 1) or 0.

    Example:
        >>> curves = state_curves("RNN", "none", scales=[0.25], steps=100)
        >>> bool(curves.size["plain", 0.25][-1] < 1e-9 < curves.size["LN", 0.25][-1])
        True
    """
    size, memory = {}, {}
    rng = torch.Generator().manual_seed(seed)
    start = torch.randn(1, 2, SIZE, generator=rng, dtype=torch.float64)
    x = torch.randn(1, steps, SIZE, generator=rng, dtype=torch.float64).expand(2, -1, -1)
    for scale in scales:
        for kind in KINDS:
            stack = make_stack(cell, kind, scale, seed)
            h = _hidden(stack, x if inputs == "at every step" else torch.zeros_like(x), start)
            size[kind, scale] = h[0].square().mean(1).sqrt().numpy()  # (T, H) -> (T,)
            apart = (h[0] - h[1]).square().mean(1).sqrt()  # (T, H) -> (T,)
            memory[kind, scale] = apart.numpy()
    return StateCurves(cell, inputs, tuple(scales), size, memory)


def make_stack(cell: Cell, kind: str, scale: float, seed: int) -> nn.Module:
    """One layer in float64 with weights N(0, 1/H), the recurrent ones times `scale`, no biases.

    `kind` "plain" is `nn.RNN` or `nn.LSTM`, and "LN" the one of `normlab.models`, with the same
    weights.
    """
    rng, gates = torch.Generator().manual_seed(seed + 1), 4 if cell == "LSTM" else 1
    w_x, w_h = torch.randn(2, gates, SIZE, SIZE, generator=rng, dtype=torch.float64) / SIZE**0.5
    if kind == "plain":
        order = [1, 0, 3, 2] if cell == "LSTM" else [0]  # f, i, o, g -> torch's i, f, g, o
        plain: nn.RNNBase = (nn.LSTM if cell == "LSTM" else nn.RNN)(
            SIZE, SIZE, bias=False, batch_first=True
        )
        plain.weight_ih_l0 = nn.Parameter(w_x[order].flatten(0, 1))  # (G, H, H) -> (GH, H)
        plain.weight_hh_l0 = nn.Parameter(scale * w_h[order].flatten(0, 1))
        return plain
    stack = (LayerNormLSTM if cell == "LSTM" else LayerNormRNN)(SIZE, SIZE).double()
    stack.cells[0].linear_x.weight = nn.Parameter(w_x.flatten(0, 1))
    stack.cells[0].linear_h.weight = nn.Parameter(scale * w_h.flatten(0, 1))
    return stack


@torch.no_grad()
def _hidden(stack: nn.Module, x: Tensor, start: Tensor) -> Tensor:
    """h at every step (B, T, H), from h (and c) = `start` (1, B, H)."""
    lstm = isinstance(stack, nn.LSTM | LayerNormLSTM)
    output, _ = stack(x, (start, start) if lstm else start)
    return output


def growth_per_step(
    cell: Cell, kind: str, scale: float, seeds: Sequence[int] = range(5), steps: int = 30
) -> float:
    """By what factor a small difference of two starts changes at each step, without inputs.

    The geometric mean over the steps and over weights of several seeds. Below 1 the start is
    forgotten, above 1 the cell is chaotic.

    Example:
        >>> growth_per_step("RNN", "plain", scale=0.25) < 0.5
        True
    """
    logs = []
    for seed in seeds:
        start = torch.randn(1, 1, SIZE, generator=torch.Generator().manual_seed(seed)).double()
        pair = torch.cat([start, start + 1e-9], dim=1)  # (1, 1, H) twice -> (1, 2, H)
        stack = make_stack(cell, kind, scale, seed)
        h = _hidden(stack, pair.new_zeros(2, steps + 1, SIZE), pair)
        apart = (h[0] - h[1]).square().mean(1)  # (T, H) -> (T,)
        logs.append(0.5 * (apart[-1] / apart[0]).log().item() / steps)
    return math.exp(statistics.mean(logs))
