"""Wrong answers to exercise 07."""

import numpy as np
import torch
from torch import nn


class Cell(nn.Module):
    eps = 1e-5

    def __init__(self, input_size, hidden_size):
        super().__init__()
        gates = 4 * hidden_size
        self.linear_x = nn.Linear(input_size, gates, bias=False)
        self.linear_h = nn.Linear(hidden_size, gates, bias=False)
        self.bias = nn.Parameter(torch.zeros(gates))
        self.norm_x = nn.LayerNorm(gates, eps=self.eps)
        self.norm_h = nn.LayerNorm(gates, eps=self.eps)
        self.norm_c = nn.LayerNorm(hidden_size, eps=self.eps)

    def gates(self, x, h):
        sums = self.norm_x(self.linear_x(x)) + self.norm_h(self.linear_h(h)) + self.bias
        return sums.chunk(4, dim=-1)


class MemoryNormalized(Cell):
    def forward(self, x, state):
        h, c = state
        f, i, o, g = self.gates(x, h)
        c = self.norm_c(torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g))
        return torch.sigmoid(o) * torch.tanh(c), c


class MemoryNotNormalizedWhenRead(Cell):
    def forward(self, x, state):
        h, c = state
        f, i, o, g = self.gates(x, h)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class TorchOrder(Cell):
    def forward(self, x, state):
        h, c = state
        i, f, g, o = self.gates(x, h)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * self.norm_c(c).tanh(), c


class OneNormOfTheSum(Cell):
    def forward(self, x, state):
        h, c = state
        sums = self.norm_x(self.linear_x(x) + self.linear_h(h)) + self.bias
        f, i, o, g = sums.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * self.norm_c(c).tanh(), c


class BiasForgotten(Cell):
    def forward(self, x, state):
        h, c = state
        sums = self.norm_x(self.linear_x(x)) + self.norm_h(self.linear_h(h))
        f, i, o, g = sums.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * self.norm_c(c).tanh(), c


class BiasInsideTheNorm(Cell):
    def forward(self, x, state):
        h, c = state
        sums = self.norm_x(self.linear_x(x) + self.bias) + self.norm_h(self.linear_h(h))
        f, i, o, g = sums.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * self.norm_c(c).tanh(), c


class SigmoidOnTheCandidate(Cell):
    def forward(self, x, state):
        h, c = state
        sums = torch.sigmoid(torch.cat(self.gates(x, h), -1))
        f, i, o, g = sums.chunk(4, -1)
        c = f * c + i * g
        return o * torch.tanh(self.norm_c(c)), c


class NoTanhAtTheOutput(Cell):
    def forward(self, x, state):
        h, c = state
        f, i, o, g = self.gates(x, h)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * self.norm_c(c), c


class NormBehindTanh(Cell):
    def forward(self, x, state):
        h, c = state
        f, i, o, g = self.gates(x, h)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * self.norm_c(torch.tanh(c)), c


class OldMemoryRead(Cell):
    def forward(self, x, state):
        h, c = state
        f, i, o, g = self.gates(x, h)
        new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), new


class CoupledGates(Cell):
    def forward(self, x, state):
        h, c = state
        f, _, o, g = self.gates(x, h)
        f = torch.sigmoid(f)
        c = f * c + (1 - f) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


class KerasReturn(Cell):
    def forward(self, x, state):
        h, c = state
        f, i, o, g = self.gates(x, h)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(self.norm_c(c))
        return h, (h, c)


class StateReversed(Cell):
    def forward(self, x, state):
        c, h = state
        f, i, o, g = self.gates(x, h)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


class SplitAlongAxisOne(Cell):
    def forward(self, x, state):
        h, c = state
        sums = self.norm_x(self.linear_x(x)) + self.norm_h(self.linear_h(h)) + self.bias
        f, i, o, g = torch.chunk(sums, 4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


class NormsExchanged(Cell):
    def forward(self, x, state):
        h, c = state
        sums = self.norm_h(self.linear_x(x)) + self.norm_x(self.linear_h(h)) + self.bias
        f, i, o, g = sums.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


class OneNormForBoth(Cell):
    def forward(self, x, state):
        h, c = state
        sums = self.norm_x(self.linear_x(x)) + self.norm_x(self.linear_h(h)) + self.bias
        f, i, o, g = sums.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


class OnlyTheInputNormalized(Cell):
    def forward(self, x, state):
        h, c = state
        sums = self.norm_x(self.linear_x(x)) + self.linear_h(h) + self.bias
        f, i, o, g = sums.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


class MemoryDetached(Cell):
    def forward(self, x, state):
        h, c = (s.detach() for s in state)
        f, i, o, g = self.gates(x, h)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


class LinearWithBias(Cell):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.linear_x = nn.Linear(input_size, 4 * hidden_size)
        self.linear_h = nn.Linear(hidden_size, 4 * hidden_size)

    def forward(self, x, state):
        h, c = state
        f, i, o, g = self.gates(x, h)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


def check_arguments(x, batch, gamma, beta, mode):
    n, d = x.shape
    if gamma.shape != (d,) or beta.shape != (d,) or batch.shape != (n,):
        raise ValueError(f"x {x.shape}, batch {batch.shape}, {gamma.shape}, {beta.shape}")
    if mode not in ("node", "graph"):
        raise ValueError(f"mode {mode!r}: expected 'node' or 'graph'")


def widened(x):
    return x.astype(np.promote_types(x.dtype, np.float32))


def node_norm(h, eps):
    c = h - h.mean(-1, keepdims=True)
    return c / np.sqrt((c**2).mean(-1, keepdims=True) + eps)


def by_graph(h, batch, norm):
    out = np.zeros_like(h)
    for g in np.unique(batch):
        out[batch == g] = norm(h[batch == g])
    return out


def per_channel(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)

    def norm(r):
        return (r - r.mean(axis=0)) / np.sqrt(r.var(axis=0) + eps)

    y = node_norm(h, eps) if mode == "node" else by_graph(h, batch, norm)
    return (gamma * y + beta).astype(x.dtype)


def batch_ignored(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)
    if mode == "node":
        y = node_norm(h, eps)
    else:
        y = (h - h.mean()) / np.sqrt(h.var() + eps) if len(h) else h
    return (y * gamma + beta).astype(x.dtype)


def modes_exchanged(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)

    def norm(r):
        c = r - r.mean()
        return c / np.sqrt((c**2).mean() + eps)

    y = node_norm(h, eps) if mode == "graph" else by_graph(h, batch, norm)
    return (gamma * y + beta).astype(x.dtype)


def variance_of_each_node(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)

    def norm(r):
        c = r - r.mean()
        return c / np.sqrt((c**2).mean(-1, keepdims=True) + eps)

    y = node_norm(h, eps) if mode == "node" else by_graph(h, batch, norm)
    return (gamma * y + beta).astype(x.dtype)


def channels_not_counted(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)
    if mode == "node":
        return (gamma * node_norm(h, eps) + beta).astype(x.dtype)
    if not len(h):
        return x.copy()
    degree = np.maximum(np.bincount(batch), 1)[:, None]
    total = np.zeros((len(degree), 1), h.dtype)
    np.add.at(total, batch, h.sum(-1, keepdims=True))
    c = h - (total / degree)[batch]
    square = np.zeros_like(total)
    np.add.at(square, batch, (c**2).sum(-1, keepdims=True))
    return (gamma * c / np.sqrt(square / degree + eps)[batch] + beta).astype(x.dtype)


def sorted_assumed(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)
    if mode == "node":
        return (gamma * node_norm(h, eps) + beta).astype(x.dtype)
    cuts = np.flatnonzero(np.diff(batch)) + 1
    pieces = []
    for r in np.split(h, cuts):
        c = r - r.mean() if len(r) else r
        pieces.append(c / np.sqrt((c**2).mean() + eps) if len(r) else r)
    return (gamma * np.concatenate(pieces) + beta).astype(x.dtype)


def consecutive_numbers_assumed(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)
    if mode == "node":
        return (gamma * node_norm(h, eps) + beta).astype(x.dtype)
    out = np.zeros_like(h)
    for g in range(len(np.unique(batch))):
        r = h[batch == g]
        if len(r):
            out[batch == g] = (r - r.mean()) / np.sqrt(r.var() + eps)
    return (gamma * out + beta).astype(x.dtype)


def sample_variance(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)
    out = np.zeros_like(h)
    group = batch if mode == "graph" else np.arange(len(h))
    for g in np.unique(group):
        r = h[group == g]
        ddof = 1 if r.size > 1 else 0
        out[group == g] = (r - r.mean()) / np.sqrt(r.var(ddof=ddof) + eps)
    return (gamma * out + beta).astype(x.dtype)


def old_pyg(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)
    out = np.zeros_like(h)
    group = batch if mode == "graph" else np.arange(len(h))
    for g in np.unique(group):
        r = h[group == g]
        out[group == g] = (r - r.mean()) / (r.std() + eps)
    return (gamma * out + beta).astype(x.dtype)


def empty_batch_fails(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)
    if mode == "node":
        return (gamma * node_norm(h, eps) + beta).astype(x.dtype)
    out = np.zeros_like(h)
    for g in range(batch.max() + 1):
        r = h[batch == g]
        if len(r):
            out[batch == g] = (r - r.mean()) / np.sqrt(r.var() + eps)
    return (gamma * out + beta).astype(x.dtype)


def unknown_mode_is_graph(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, "node")
    h = widened(x)

    def norm(r):
        return (r - r.mean()) / np.sqrt(r.var() + eps)

    y = node_norm(h, eps) if mode == "node" else by_graph(h, batch, norm)
    return (gamma * y + beta).astype(x.dtype)


def mean_of_the_graph_subtracted_twice(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)
    if mode == "graph":
        h = by_graph(h, batch, lambda r: r - r.mean())
    return (gamma * node_norm(h, eps) + beta).astype(x.dtype)


def batch_checked_in_graph_mode_only(x, batch, gamma, beta, mode, eps=1e-5):
    if gamma.shape != x.shape[1:] or beta.shape != x.shape[1:]:
        raise ValueError(f"gamma {gamma.shape}, beta {beta.shape}, x {x.shape}")
    h = widened(x)
    if mode == "node":
        return (gamma * node_norm(h, eps) + beta).astype(x.dtype)
    check_arguments(x, batch, gamma, beta, mode)
    y = by_graph(h, batch, lambda r: (r - r.mean()) / np.sqrt(r.var() + eps))
    return (gamma * y + beta).astype(x.dtype)


def shift_added_after_the_conversion(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)
    y = node_norm(h, eps)
    if mode == "graph":
        y = by_graph(h, batch, lambda r: (r - r.mean()) / np.sqrt(r.var() + eps))
    return (gamma * y).astype(x.dtype) + beta


def single_precision(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = x.astype(np.float32)
    y = node_norm(h, eps)
    if mode == "graph":
        y = by_graph(h, batch, lambda r: (r - r.mean()) / np.sqrt(r.var() + eps))
    return (gamma * y + beta).astype(x.dtype)


def gain_of_the_graph_mode_forgotten(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)
    if mode == "graph":
        y = by_graph(h, batch, lambda r: (r - r.mean()) / np.sqrt(r.var() + eps))
        return y.astype(x.dtype)
    return (gamma * node_norm(h, eps) + beta).astype(x.dtype)


def single_node_graphs_zeroed(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)

    def norm(r):
        return (r - r.mean()) / np.sqrt(r.var() + eps) if len(r) > 1 else np.zeros_like(r)

    y = node_norm(h, eps) if mode == "node" else by_graph(h, batch, norm)
    return (gamma * y + beta).astype(x.dtype)


class GateSizeFromTheInput(Cell):
    def forward(self, x, state):
        h, c = state
        sums = self.norm_x(self.linear_x(x)) + self.norm_h(self.linear_h(h)) + self.bias
        if x.dim() == 1:
            sums = sums.unsqueeze(0)
        f, i, o, g = sums.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


class HardSigmoid(Cell):
    def forward(self, x, state):
        h, c = state
        f, i, o, g = self.gates(x, h)
        hard = nn.functional.hardsigmoid
        c = hard(f) * c + hard(i) * torch.tanh(g)
        return hard(o) * torch.tanh(self.norm_c(c)), c


class InPlace(Cell):
    def forward(self, x, state):
        h, c = state
        f, i, o, g = self.gates(x, h)
        with torch.no_grad():
            c *= torch.sigmoid(f)
        c = c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


WRONG = {
    "LayerNormLSTMCell": [
        (MemoryNormalized, "The c that is passed on is normalized, too."),
        (MemoryNotNormalizedWhenRead, "LN_c is missing: c' is read as it is."),
        (TorchOrder, "The gates are taken in torch's order i, f, g, o."),
        (OneNormOfTheSum, "One norm stands on the sum of W_x x and W_h h."),
        (BiasForgotten, "The bias b is not added."),
        (BiasInsideTheNorm, "The bias is added inside LN_x."),
        (SigmoidOnTheCandidate, "g goes through the sigmoid, not through tanh."),
        (NoTanhAtTheOutput, "The tanh of the output is missing."),
        (NormBehindTanh, "LN_c stands behind the tanh: LN_c(tanh(c'))."),
        (OldMemoryRead, "h' is computed from the old c, not from c'."),
        (CoupledGates, "The input gate is 1 − σ(f): i is not used."),
        (KerasReturn, "The result is (h, (h, c)), as in Keras, and not (h, c)."),
        (StateReversed, "The state is taken apart as (c, h)."),
        (SplitAlongAxisOne, "The gates are split along axis 1: no batch axis, or two, fails."),
        (NormsExchanged, "norm_x and norm_h are exchanged."),
        (OneNormForBoth, "norm_x is used for W_h h, too; norm_h is not used."),
        (OnlyTheInputNormalized, "LN_h is missing."),
        (MemoryDetached, "No gradient flows to h and c: they are detached."),
        (GateSizeFromTheInput, "Without a batch axis the result has one axis too many."),
        (HardSigmoid, "The gates are piecewise linear (hard sigmoid), as in old Keras."),
        (InPlace, "The old c is changed in place."),
        (LinearWithBias, "The two linear maps have biases that were not asked for."),
    ],
    "graph_layer_norm": [
        (
            per_channel,
            "In mode graph each channel has statistics of its own, over the nodes.",
        ),
        (batch_ignored, "In mode graph the whole mini-batch is one graph: batch is ignored."),
        (modes_exchanged, "The two modes are exchanged."),
        (variance_of_each_node, "In mode graph the variance is that of each node by itself."),
        (
            channels_not_counted,
            "In mode graph the sums are divided by the number of nodes n, not by n·D.",
        ),
        (sorted_assumed, "The nodes of a graph are assumed to stand side by side."),
        (
            consecutive_numbers_assumed,
            "The graphs are assumed to be numbered without gaps: after a missing number, nodes "
            "are left out.",
        ),
        (sample_variance, "The variance is divided by the count − 1."),
        (old_pyg, "ε is added to the standard deviation, outside the root."),
        (empty_batch_fails, "No nodes at all: the greatest number of an empty batch fails."),
        (unknown_mode_is_graph, "An unknown mode raises no error."),
        (
            mean_of_the_graph_subtracted_twice,
            "In mode graph the mean of the graph is subtracted, and then each node is normalized "
            "by itself.",
        ),
        (
            shift_added_after_the_conversion,
            "β is added after the conversion, so the result has the dtype of a wider β.",
        ),
        (single_precision, "Everything is computed in float32, also where x is float64."),
        (gain_of_the_graph_mode_forgotten, "In mode graph γ and β are not applied."),
        (single_node_graphs_zeroed, "A graph of one node comes out as β."),
        (batch_checked_in_graph_mode_only, "In mode node the shape of batch is not checked."),
    ],
}


class Forget(Cell):
    def forward(self, x, state):
        h, c = state
        f, i, o, g = self.gates(x, h)
        c = torch.sigmoid(f + 1.0) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


class RightCell(Cell):
    def forward(self, x, state):
        h, c = state
        f, i, o, g = self.gates(x, h)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


class BiasOfOnes(RightCell):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        nn.init.ones_(self.bias)


class EpsOfTensorFlow(RightCell):
    eps = 1e-3


class SketchRNN(Cell):
    def forward(self, x, state):
        h, c = state
        size = c.shape[-1]
        sums = self.linear_x(x) + self.linear_h(h)
        parts = sums.unflatten(-1, (4, size))
        mean = parts.mean(-1, keepdim=True)
        var = parts.var(-1, keepdim=True, unbiased=False)
        normed = ((parts - mean) * torch.rsqrt(var + 1e-5)).flatten(-2)
        sums = normed * self.norm_x.weight + self.norm_x.bias + self.bias
        f, i, o, g = sums.chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


def rows_never_written(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)
    if mode == "node":
        return (gamma * node_norm(h, eps) + beta).astype(x.dtype)
    out = np.empty_like(h)
    for g in range(len(np.unique(batch))):
        r = h[batch == g]
        if len(r):
            out[batch == g] = (r - r.mean()) / np.sqrt(r.var() + eps)
    return (gamma * out + beta).astype(x.dtype)


def node_means_variance_of_the_graph(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)

    def norm(r):
        return (r - r.mean(-1, keepdims=True)) / np.sqrt(r.var() + eps)

    y = node_norm(h, eps) if mode == "node" else by_graph(h, batch, norm)
    return (gamma * y + beta).astype(x.dtype)


def never_widened(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    out = np.zeros_like(x)
    group = batch if mode == "graph" else np.arange(len(x))
    for g in np.unique(group):
        r = x[group == g]
        out[group == g] = (r - r.mean()) / np.sqrt(r.var() + eps)
    return (gamma * out + beta).astype(x.dtype)


def one_pass(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    h = widened(x)
    out = np.zeros_like(h)
    group = batch if mode == "graph" else np.arange(len(h))
    for g in np.unique(group):
        r = h[group == g]
        m = r.mean()
        out[group == g] = (r - m) / np.sqrt((r * r).mean() - m * m + eps)
    return (gamma * out + beta).astype(x.dtype)


NAMED, REJECTED = "rejected and named", "rejected"
REPORTED = {
    "LayerNormLSTMCell": [
        (Forget, "1 is added to the forget gate.", NAMED),
        (BiasOfOnes, "The bias starts at 1, not at 0.", NAMED),
        (SketchRNN, "Each gate has a norm of its own, over the sum of both maps.", NAMED),
        (EpsOfTensorFlow, "The norms' ε is 1e-3, not torch's default.", NAMED),
    ],
    "graph_layer_norm": [
        (
            rows_never_written,
            "Rows of np.empty are never written (a number is missing): they are uninitialised.",
            REJECTED,
        ),
        (
            node_means_variance_of_the_graph,
            "The mean is each node's own, the variance the graph's.",
            NAMED,
        ),
        (never_widened, "float16 is not computed in float32; nothing is changed in place.", NAMED),
        (one_pass, "The variance is E[x²] − E[x]².", NAMED),
    ],
}
