"""Right answers to exercise 07."""

import itertools
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from normlab import norms


class Cell(nn.Module):
    """The parameters, made in another order and without nn.Linear's own initialization."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.norm_c = nn.LayerNorm(hidden_size)
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))
        for name, size in (("x", input_size), ("h", hidden_size)):
            linear = nn.Linear(size, 4 * hidden_size, bias=False)
            nn.init.orthogonal_(linear.weight)
            self.add_module(f"linear_{name}", linear)
            self.add_module(f"norm_{name}", nn.LayerNorm(4 * hidden_size))


class Functional(Cell):
    def forward(self, x, state):
        h, c = state
        size = (self.bias.numel(),)
        sums = self.bias
        for linear, norm, given in (
            (self.linear_h, self.norm_h, h),
            (self.linear_x, self.norm_x, x),
        ):
            sums = sums + F.layer_norm(F.linear(given, linear.weight), size, norm.weight, norm.bias)
        f, i, o, g = torch.split(sums, size[0] // 4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * self.norm_c(c).tanh(), c


class WrittenOut(Cell):
    def normalize(self, z, norm):
        centered = z - z.mean(dim=-1, keepdim=True)
        variance = centered.square().mean(dim=-1, keepdim=True)
        return norm.weight * centered / torch.sqrt(variance + 1e-5) + norm.bias

    def forward(self, x, state):
        h, c = state
        gates = self.normalize(x @ self.linear_x.weight.T, self.norm_x)
        gates = gates + self.normalize(h @ self.linear_h.weight.T, self.norm_h) + self.bias
        size = c.shape[-1]
        f, i, o, g = (gates[..., k * size : (k + 1) * size] for k in range(4))
        c = c / (1 + torch.exp(-f)) + torch.tanh(g) / (1 + torch.exp(-i))
        return torch.tanh(self.normalize(c, self.norm_c)) / (1 + torch.exp(-o)), c


class Unflattened(Cell):
    def forward(self, x, state):
        h, c = state
        sums = self.norm_x(self.linear_x(x)) + self.norm_h(self.linear_h(h)) + self.bias
        f, i, o, g = sums.unflatten(-1, (4, -1)).unbind(-2)
        c = torch.lerp(torch.zeros_like(c), c, torch.sigmoid(f)) + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


class SigmoidOfAllGates(Cell):
    def forward(self, x, state):
        h, c = state
        sums = self.norm_h(self.linear_h(h)) + self.bias + self.norm_x(self.linear_x(x))
        squashed = torch.sigmoid(sums[..., : 3 * c.shape[-1]])
        f, i, o = squashed.chunk(3, -1)
        c = torch.addcmul(f * c, i, torch.tanh(sums[..., 3 * c.shape[-1] :]))
        return [o * torch.tanh(self.norm_c(c)), c]


class BlockDiagonal(Cell):
    def forward(self, x, state):
        h, c = state
        both = torch.block_diag(self.linear_x.weight, self.linear_h.weight)
        products = torch.einsum("...i,gi->...g", torch.cat([x, h], -1), both)
        from_x, from_h = products.tensor_split(2, -1)
        sums = self.norm_x(from_x) + self.norm_h(from_h) + self.bias
        f, i, o, g = sums.chunk(4, -1)
        c = torch.sigmoid(f).mul(c).add(torch.sigmoid(i).mul(torch.tanh(g)))
        return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c


def check_arguments(x, batch, gamma, beta, mode):
    if gamma.shape != x.shape[1:] or beta.shape != x.shape[1:] or len(batch) != len(x):
        raise ValueError(f"shapes {x.shape}, {batch.shape}, {gamma.shape}, {beta.shape}")
    if mode not in {"node", "graph"}:
        raise ValueError(f"unknown mode {mode}")


def scattered(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    group = np.arange(len(x)) if mode == "node" else batch
    wide = x.astype(np.float64)
    with np.errstate(invalid="ignore"):
        count = np.bincount(group) * x.shape[1]
        mean = np.bincount(group, wide.sum(axis=1)) / count
        centered = wide - mean[group][:, None]
        variance = np.bincount(group, (centered**2).sum(axis=1)) / count
    root = np.sqrt(variance[group][:, None] + eps)
    return (centered / root * gamma + beta).astype(x.dtype)


def added_at(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    _, group = np.unique(batch if mode == "graph" else np.arange(len(x)), return_inverse=True)
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    graphs = group.max(initial=-1) + 1
    total, square, count = np.zeros((3, graphs), wide.dtype)
    np.add.at(count, group, x.shape[1])
    np.add.at(total, group, wide.sum(-1))
    centered = wide - (total / count)[group, None]
    np.add.at(square, group, np.einsum("nd,nd->n", centered, centered))
    scale = 1 / np.sqrt(square / count + eps)
    return (gamma * centered * scale[group, None] + beta).astype(x.dtype)


def one_hot_matrix(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    group = batch if mode == "graph" else np.arange(len(x))
    same = group[:, None] == group  # (N, N)
    share = same / same.sum(axis=1, keepdims=True)
    wide = x.astype(np.float64)
    centered = wide - (share @ wide).mean(axis=1, keepdims=True)
    variance = (share @ centered**2).mean(axis=1, keepdims=True)
    return (gamma * centered / np.sqrt(variance + eps) + beta).astype(x.dtype)


def loops(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    out = np.empty_like(x)
    for node in range(len(x)):
        mates = [node] if mode == "node" else [n for n in range(len(x)) if batch[n] == batch[node]]
        values = [float(v) for n in mates for v in x[n]]
        mean = sum(values) / len(values)
        variance = sum((v - mean) ** 2 for v in values) / len(values)
        for d in range(x.shape[1]):
            value = (float(x[node, d]) - mean) / (variance + eps) ** 0.5
            out[node, d] = float(gamma[d]) * value + float(beta[d])
    return out


def sorted_first(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    if mode == "node":
        return norms.layer_norm(x, gamma, beta, eps)
    order = np.argsort(batch, kind="stable")
    cuts = np.flatnonzero(np.diff(batch[order])) + 1
    out = np.empty_like(x)
    for rows in np.split(order, cuts):
        if len(rows):
            flat = norms.layer_norm(x[rows].astype(np.float64).ravel(), None, None, eps)
            out[rows] = flat.reshape(len(rows), -1) * gamma + beta
    return out


def through_torch(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    wide, weight, bias = (torch.from_numpy(a.astype(np.float64)) for a in (x, gamma, beta))
    if mode == "node":
        return F.layer_norm(wide, [x.shape[1]], weight, bias, eps).numpy().astype(x.dtype)
    out = torch.empty_like(wide)
    for graph in range(int(batch.max(initial=0)) + 1):
        rows = torch.from_numpy(batch == graph)
        if rows.any():
            out[rows] = F.layer_norm(wide[rows], wide[rows].shape, eps=eps)
    return (out * weight + bias).numpy().astype(x.dtype)


class StackedNorms(Cell):
    def forward(self, x, state):
        h, c = state
        size = self.bias.shape
        products = torch.stack([self.linear_x(x), self.linear_h(h)])
        weights = torch.stack([self.norm_x.weight, self.norm_h.weight])
        shifts = self.norm_x.bias + self.norm_h.bias + self.bias
        normed = F.layer_norm(products, size)
        gates = torch.einsum("s...g,sg->...g", normed, weights) + shifts
        f, i, o, g = torch.chunk(gates, 4, -1)
        new = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * self.norm_c(new).tanh(), new


@dataclass(eq=False)
class Dataclass(nn.Module):
    input_size: int
    hidden_size: int

    def __post_init__(self):
        super().__init__()
        gates = 4 * self.hidden_size
        for name, size in {"x": self.input_size, "h": self.hidden_size}.items():
            setattr(self, f"linear_{name}", nn.Linear(size, gates, bias=False))
            setattr(self, f"norm_{name}", nn.LayerNorm(gates))
        self.norm_c = nn.LayerNorm(self.hidden_size)
        self.register_parameter("bias", nn.Parameter(torch.zeros(gates)))

    def forward(self, x, state):
        h, c = state
        sums = sum([self.norm_x(self.linear_x(x)), self.norm_h(self.linear_h(h)), self.bias])
        f, i, o, g = (sums.narrow(-1, k * c.shape[-1], c.shape[-1]) for k in range(4))
        squash = nn.Sigmoid()
        c = squash(f) * c + squash(i) * torch.tanh(g)
        return squash(o) * torch.tanh(self.norm_c(c)), c


class TanhForSigmoid(Cell):
    """σ(z) = (1 + tanh(z/2))/2."""

    def forward(self, x, state):
        h, c = state
        sums = self.norm_x(F.linear(x, self.linear_x.weight)) + self.bias
        sums = sums + self.norm_h(F.linear(h, self.linear_h.weight))
        f, i, o, g = sums.reshape(*sums.shape[:-1], 4, -1).movedim(-2, 0)
        f, i, o = ((1 + torch.tanh(z / 2)) / 2 for z in (f, i, o))
        c = f.mul(c) + i.mul(g.tanh())
        return o.mul(self.norm_c(c).tanh()), c


def means_where(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    group = batch if mode == "graph" else np.arange(len(x))
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    out = np.zeros_like(wide)
    for number in set(group.tolist()):
        inside = np.broadcast_to((group == number)[:, None], x.shape)
        centered = wide - np.mean(wide, where=inside)
        variance = np.mean(np.square(centered), where=inside)
        np.copyto(out, centered / np.sqrt(variance + eps), where=inside)
    return (out * gamma + beta).astype(x.dtype)


def collected_in_a_dict(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    members = defaultdict(list)
    for node, number in enumerate(batch.tolist()):
        members[number if mode == "graph" else node].append(node)
    out = np.empty(x.shape, x.dtype)
    for nodes in members.values():
        values = x[nodes].astype(np.float64)
        z = (values - values.mean()) / np.hypot(values.std(), np.sqrt(eps))
        out[nodes] = z * gamma + beta
    return out


def grouped_by_itertools(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    out = np.empty_like(x)
    if mode == "node":
        for node, row in enumerate(x.astype(np.float64)):
            out[node] = gamma * (row - row.mean()) / np.sqrt(row.var() + eps) + beta
        return out
    in_order = sorted(range(len(x)), key=batch.__getitem__)
    for _, nodes in itertools.groupby(in_order, key=batch.__getitem__):
        rows = list(nodes)
        flat = x[rows].astype(np.float64).ravel()
        flat = (flat - flat.mean()) / np.sqrt(flat.var() + eps)
        out[rows] = gamma * flat.reshape(-1, x.shape[1]) + beta
    return out


def reduced_at_the_cuts(x, batch, gamma, beta, mode, eps=1e-5):
    check_arguments(x, batch, gamma, beta, mode)
    if not len(x):
        return x.copy()
    group = batch if mode == "graph" else np.arange(len(x))
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    lengths = np.diff(starts, append=len(x))
    rows = x[order].astype(np.float64)
    count = lengths * x.shape[1]
    rows -= np.repeat(np.add.reduceat(rows.sum(1), starts) / count, lengths)[:, None]
    variance = np.add.reduceat((rows**2).sum(1), starts) / count
    rows /= np.sqrt(np.repeat(variance, lengths) + eps)[:, None]
    out = np.empty_like(x)
    out[order] = gamma * rows + beta
    return out


RIGHT = {
    "LayerNormLSTMCell": [
        Functional,
        WrittenOut,
        Unflattened,
        SigmoidOfAllGates,
        BlockDiagonal,
        StackedNorms,
        Dataclass,
        TanhForSigmoid,
    ],
    "graph_layer_norm": [
        scattered,
        added_at,
        one_hot_matrix,
        loops,
        sorted_first,
        through_torch,
        means_where,
        collected_in_a_dict,
        grouped_by_itertools,
        reduced_at_the_cuts,
    ],
}
EQUIVALENT = {"LayerNormLSTMCell": {}, "graph_layer_norm": {}}
