"""Exercise 07: each wrong answer is told what is wrong with it, once, and nothing else."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from normlab.checks import examine
from normlab.exercises import load_exercise

EXERCISE = load_exercise("07_beyond_transformers")


def checked(x, batch, gamma, beta, mode):
    n, d = x.shape
    if gamma.shape != (d,) or beta.shape != (d,) or batch.shape != (n,):
        raise ValueError(f"x {x.shape}, batch {batch.shape}, {gamma.shape}, {beta.shape}")
    if mode not in ("node", "graph"):
        raise ValueError(f"mode {mode!r}")


def batch_and_mode_checked(x, batch, gamma, beta, mode):
    checked(x, batch, np.ones(x.shape[1]), np.ones(x.shape[1]), mode)


def asserted(x, batch, *rest):
    assert batch.shape == x.shape[:1], f"{batch.shape} {x.shape}"


def widened(x):
    return x.astype(np.promote_types(x.dtype, np.float32))


def as_given(x):
    return x


def plain(own, eps, mode):
    return (own - own.mean()) / np.sqrt(own.var() + eps)


def norm(statistics=plain, wide=widened, check=checked, narrow=True):
    """A pure function: whatever is wrong in it, no argument is changed."""

    def graph_layer_norm(x, batch, gamma, beta, mode, eps=1e-5):
        check(x, batch, gamma, beta, mode)
        h = wide(x)
        out = np.zeros_like(h)
        group = batch if mode == "graph" else np.arange(len(h))
        for one in np.unique(group):
            out[group == one] = statistics(h[group == one], eps, mode)
        y = gamma * out + beta
        return y.astype(x.dtype) if narrow else y

    return graph_layer_norm


def changed_in_place(x, batch, gamma, beta, mode, eps=1e-5):
    checked(x, batch, gamma, beta, mode)
    h = x.astype(np.promote_types(x.dtype, np.float32), copy=False)
    group = batch if mode == "graph" else np.arange(len(h))
    for one in np.unique(group):
        h[group == one] = plain(h[group == one], eps, mode)
    return (gamma * h + beta).astype(x.dtype)


def one_pass(own, eps, mode):
    m = own.mean()
    return (own - m) / np.sqrt((own * own).mean() - m * m + eps)


def clipped(own, eps, mode):
    variance = np.maximum((own * own).mean() - own.mean() ** 2, 0)
    return (own - own.mean()) / np.sqrt(variance + eps)


def node_mean(own, eps, mode):
    return (own - own.mean(1, keepdims=True)) / np.sqrt(own.var() + eps)


def node_mean_and_its_variance(own, eps, mode):
    centered = own - own.mean(1, keepdims=True)
    return centered / np.sqrt((centered**2).mean() + eps)


def averaged(own, eps, mode):
    return (own - own.mean()) / np.sqrt(own.var(1).mean() + eps)


def outside(own, eps, mode):
    return (own - own.mean()) / (own.std() + eps)


def of_channels(own, eps, mode):
    axis = 0 if mode == "graph" else None
    return (own - own.mean(axis)) / np.sqrt(own.var(axis) + eps)


def by_nodes(own, eps, mode):
    if mode == "node":
        return plain(own, eps, mode)
    centered = own - own.sum() / len(own)
    return centered / np.sqrt((centered**2).sum() / len(own) + eps)


def float32_mean(own, eps, mode):
    return (own - own.astype(np.float32).mean()) / np.sqrt(own.var() + eps)


SHAPES = ["shapes-not-checked", "batch-not-checked", "mode-not-checked"]
GRAPHS = {
    "not widened": (norm(wide=as_given), ["half-statistics"]),
    "copied, not widened": (norm(wide=np.copy), ["half-statistics"]),
    "changed in place": (changed_in_place, ["input-mutated"]),
    "one pass": (norm(one_pass), ["cancellation"]),
    "one pass, clipped": (norm(clipped), ["cancellation"]),
    "one pass, not widened": (norm(one_pass, as_given), ["cancellation", "half-statistics"]),
    "node mean, graph variance": (norm(node_mean), ["node-mean-graph-variance"]),
    "the same, not widened": (norm(node_mean, as_given), ["node-mean-graph-variance"]),
    "node mean, its variance": (norm(node_mean_and_its_variance), ["node-mean-in-graph"]),
    "averaged variances": (norm(averaged), ["node-statistics-averaged"]),
    "ε outside": (norm(outside), ["eps-outside"]),
    "channels apart": (norm(of_channels), ["channels-apart"]),
    "divided by nodes": (norm(by_nodes), ["divided-by-nodes"]),
    "float32 everywhere": (norm(wide=lambda x: x.astype(np.float32)), ["float64-narrowed"]),
    "a float32 mean": (norm(float32_mean), ["float64-narrowed"]),
    "float64 comes back": (
        norm(wide=lambda x: x.astype(np.float64), narrow=False),
        ["dtype-lost"],
    ),
    "nothing is checked": (norm(check=lambda *given: None), SHAPES),
    "γ and β are not checked": (norm(check=batch_and_mode_checked), ["shapes-not-checked"]),
    "assert in place of raise": (norm(check=asserted), SHAPES),
}


@pytest.mark.parametrize(("answer", "names"), GRAPHS.values(), ids=GRAPHS)
def test_a_graph_norm_is_told_what_is_wrong_with_it_alone(answer, names):
    for seed in (0, 1, 2):
        diagnosis = examine(EXERCISE, EXERCISE.question("graph_layer_norm"), answer, seed)
        assert diagnosis.mistakes == names, str(diagnosis)


def test_who_forgets_the_shapes_keeps_the_points_of_the_norm():
    question = EXERCISE.question("graph_layer_norm")
    for check in (lambda *given: None, batch_and_mode_checked, asserted):
        diagnosis = examine(EXERCISE, question, norm(check=check))
        assert diagnosis.levels[0].passed
        assert diagnosis.points == question.levels["the formula"] > 0


class Cell(nn.Module):
    def __init__(self, inputs, units):
        super().__init__()
        self.linear_x = nn.Linear(inputs, 4 * units, bias=False)
        self.linear_h = nn.Linear(units, 4 * units, bias=False)
        self.bias = nn.Parameter(torch.zeros(4 * units))
        self.norm_x, self.norm_h = nn.LayerNorm(4 * units), nn.LayerNorm(4 * units)
        self.norm_c = nn.LayerNorm(units)

    def sums(self, x, h):
        return self.norm_x(self.linear_x(x)) + self.norm_h(self.linear_h(h)) + self.bias

    def cut(self, sums):
        return sums.chunk(4, -1)

    def memory(self, gates, h, c):
        f, i, _, g = gates
        return f.sigmoid() * c + i.sigmoid() * g.tanh()

    def read(self, o, c):
        return o.sigmoid() * self.norm_c(c).tanh()

    def forward(self, x, state):
        h, c = state
        gates = self.cut(self.sums(x, h))
        c = self.memory(gates, h, c)
        return self.read(gates[2], c), c


class CutAlongAxisOne(Cell):
    def cut(self, sums):
        return sums.chunk(4, dim=1)


class SizeOfAxisOne(Cell):
    def cut(self, sums):
        n = sums.shape[1] // 4
        return sums[:, :n], sums[:, n : 2 * n], sums[:, 2 * n : 3 * n], sums[:, 3 * n :]


class AxisOneAndOrder(Cell):
    def cut(self, sums):
        i, f, g, o = sums.chunk(4, dim=1)
        return f, i, o, g


class BiasedMaps(Cell):
    def __init__(self, inputs, units):
        super().__init__(inputs, units)
        self.linear_x, self.linear_h = nn.Linear(inputs, 4 * units), nn.Linear(units, 4 * units)


class OneBiasedMap(Cell):
    def __init__(self, inputs, units):
        super().__init__(inputs, units)
        self.linear_x = nn.Linear(inputs, 4 * units)


class BiasedMapsForBias(BiasedMaps):
    def __init__(self, inputs, units):
        super().__init__(inputs, units)
        del self.bias

    def sums(self, x, h):
        return self.norm_x(self.linear_x(x)) + self.norm_h(self.linear_h(h))


class BiasedMapsAndOrder(BiasedMaps):
    def cut(self, sums):
        i, f, g, o = sums.chunk(4, -1)
        return f, i, o, g


class Renamed(Cell):
    def __init__(self, inputs, units):
        super().__init__(inputs, units)
        self.norm_cell = self.norm_c
        del self.norm_c

    def read(self, o, c):
        return o.sigmoid() * self.norm_cell(c).tanh()


class PlainLSTM(Cell):
    def sums(self, x, h):
        return self.linear_x(x) + self.linear_h(h) + self.bias

    def read(self, o, c):
        return o.sigmoid() * c.tanh()


class OnlyTheCellRead(Cell):
    def sums(self, x, h):
        return self.linear_x(x) + self.linear_h(h) + self.bias


class OldCellNormalized(Cell):
    def memory(self, gates, h, c):
        return super().memory(gates, h, self.norm_c(c))

    def read(self, o, c):
        return o.sigmoid() * c.tanh()


class NewCellNormalized(Cell):
    def memory(self, gates, h, c):
        return self.norm_c(super().memory(gates, h, c))

    def read(self, o, c):
        return o.sigmoid() * c.tanh()


class GainNotUsed(Cell):
    def read(self, o, c):
        return o.sigmoid() * F.layer_norm(c, c.shape[-1:]).tanh()


class StateForMemory(Cell):
    def memory(self, gates, h, c):
        return super().memory(gates, h, h)


class ChangedInPlace(Cell):
    def memory(self, gates, h, c):
        f, i, _, g = gates
        c *= f.sigmoid()
        c += i.sigmoid() * g.tanh()
        return c


class StateDetached(Cell):
    def sums(self, x, h):
        return super().sums(x, h.detach())


class OpenAtTheStart(Cell):
    def __init__(self, inputs, units):
        super().__init__(inputs, units)
        self.bias.data[:units] = 1


class GatesInFloat32(Cell):
    def cut(self, sums):
        return sums.float().to(sums.dtype).chunk(4, -1)


class NothingSquashed(Cell):
    def memory(self, gates, h, c):
        f, i, _, g = gates
        return f.sigmoid() * c + i.sigmoid() * g


class Squeezed(Cell):
    def forward(self, x, state):
        h, c = super().forward(x, state)
        return h.squeeze(0), c.squeeze(0)


CELLS = {
    CutAlongAxisOne: ["axis-counted-from-front", "raises"],
    SizeOfAxisOne: ["axis-counted-from-front", "raises"],
    AxisOneAndOrder: ["gate-order"],
    BiasedMaps: ["linear-bias"],
    OneBiasedMap: ["linear-bias"],
    BiasedMapsForBias: ["linear-bias"],
    BiasedMapsAndOrder: ["linear-bias"],
    Renamed: ["parameters-differ"],
    PlainLSTM: ["norms-missing"],
    OnlyTheCellRead: ["products-not-normalized"],
    OldCellNormalized: ["cell-normalized", "cell-norm-missing"],
    NewCellNormalized: ["cell-normalized"],
    GainNotUsed: ["norm-without-gain"],
    StateForMemory: ["state-for-memory"],
    ChangedInPlace: ["input-mutated"],
    StateDetached: ["gradient-cut"],
    OpenAtTheStart: ["bias-start"],
    GatesInFloat32: ["float64-narrowed"],
    NothingSquashed: ["tanh-missing"],
    Squeezed: ["wrong-shape"],
}


@pytest.mark.parametrize(("answer", "names"), CELLS.items(), ids=[c.__name__ for c in CELLS])
def test_a_cell_is_told_what_is_wrong_with_it_alone(answer, names):
    for seed in (0, 1, 2):
        diagnosis = examine(EXERCISE, EXERCISE.question("LayerNormLSTMCell"), answer, seed)
        assert diagnosis.mistakes == names, str(diagnosis)


def test_of_an_axis_counted_from_the_front_it_is_said_how_to_count():
    diagnosis = examine(EXERCISE, EXERCISE.question("LayerNormLSTMCell"), SizeOfAxisOne)
    assert "Count from the end" in diagnosis.faults[0].why


def test_the_parts_that_the_wrong_answers_change_are_right():
    assert examine(EXERCISE, EXERCISE.question("LayerNormLSTMCell"), Cell).passed
    assert examine(EXERCISE, EXERCISE.question("graph_layer_norm"), norm()).passed
