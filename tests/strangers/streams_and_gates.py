"""nGPT, hyper-connections, gates, macaron layers, recurrent and graph layers."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import (
    DIM,
    MLP,
    Attention,
    PreBlock,
    SwiGLU,
    stream,
)
from tests.strangers.stranger import COSINE, HALF_PRE, PRE, collection, ln

STRANGERS, stranger = collection()


class NGPTBlock(nn.Module):
    """nGPT: everything on the sphere; a step towards the branch's direction."""

    def __init__(self):
        super().__init__()
        self.attn, self.mlp = Attention(bias=False), SwiGLU()
        self.attn_alpha = nn.Parameter(0.05 * torch.ones(DIM))
        self.mlp_alpha = nn.Parameter(0.05 * torch.ones(DIM))

    @staticmethod
    def justnorm(x):
        return x / x.norm(p=2, dim=-1, keepdim=True)

    def step(self, h, branch, alpha):
        lr = torch.abs(alpha)
        a, b = self.justnorm(h), self.justnorm(branch)
        return self.justnorm(a + lr * (b - a))

    def forward(self, h):
        h = self.step(h, self.attn(h), self.attn_alpha)
        return self.step(h, self.mlp(h), self.mlp_alpha)


# Norms of length 1 and no ε, on purpose; how they are listed is left open.
@stranger(
    "nGPT block",
    {},
    "other|none|post-norm",
    (),
    "eps-missing",
    optional={COSINE: 6},
    may_refuse=True,
)
def _():
    return NGPTBlock(), stream()


class HyperConnections(nn.Module):
    """Four streams; each sub-layer reads a mix of them and is written to all."""

    def __init__(self, sublayer, streams=4, index=0):
        super().__init__()
        self.norm, self.sublayer = nn.LayerNorm(DIM), sublayer
        self.static_beta = nn.Parameter(torch.ones(streams))
        alpha = torch.zeros(streams, 1)
        alpha[index % streams] = 1.0
        self.static_alpha = nn.Parameter(torch.cat((alpha, torch.eye(streams)), dim=1))

    def forward(self, h):  # (B, T, N, D)
        mixed = torch.einsum("nm,btnd->btmd", self.static_alpha, h)
        branch = self.sublayer(self.norm(mixed[..., 0, :]))
        return mixed[..., 1:, :] + self.static_beta[:, None] * branch[..., None, :]


class HyperModel(nn.Module):
    def __init__(self, layers=2):
        super().__init__()
        subs = [f for _ in range(layers) for f in (Attention(), MLP())]
        self.layers = nn.ModuleList([HyperConnections(f, 4, i) for i, f in enumerate(subs)])
        self.norm = nn.LayerNorm(DIM)

    def forward(self, x):
        h = x.unsqueeze(2).repeat(1, 1, 4, 1)
        for layer in self.layers:
            h = layer(h)
        return self.norm(h.sum(dim=2))


@stranger(
    "hyper-connections",
    {ln(): 4, ln(role="final"): 1},
    "pre-norm|other",
    layers=(2, 4),
    may_refuse=True,
)
def _():
    return HyperModel(), stream()


class Highway(nn.Module):
    """A gate that is computed from the stream."""

    def __init__(self):
        super().__init__()
        self.norm, self.mlp = nn.LayerNorm(DIM), MLP()
        self.gate = nn.Linear(DIM, DIM)

    def forward(self, x):
        t = torch.sigmoid(self.gate(x))
        return t * self.mlp(self.norm(x)) + (1 - t) * x


# (1 − t)·x with t from x: no stream of sums; "other", or a refusal.
@stranger("highway block", {ln(role=("stream", "inner")): 1}, "other|pre-norm", may_refuse=True)
def _():
    return Highway(), stream()


class GatedResidual(PreBlock):
    """x + σ(g)·f(norm(x)), the gate from the normed stream: it is part of the branch."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(DIM, DIM)

    def forward(self, x):
        h = self.norm1(x)
        x = x + torch.sigmoid(self.gate(h)) * self.attn(h)
        return x + self.mlp(self.norm2(x))


@stranger("gate on the branch", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return GatedResidual(), stream()


class ConformerBlock(nn.Module):
    """Macaron: half an FFN, attention, convolution, half an FFN, a closing norm."""

    def __init__(self, closing=True):
        super().__init__()
        self.ff1, self.ff2, self.attn = MLP(), MLP(), Attention()
        self.norms = nn.ModuleList([nn.LayerNorm(DIM) for _ in range(4)])
        self.pointwise1 = nn.Conv1d(DIM, 2 * DIM, 1)
        self.depthwise = nn.Conv1d(DIM, DIM, 3, padding=1, groups=DIM)
        self.pointwise2 = nn.Conv1d(DIM, DIM, 1)
        self.closing = nn.LayerNorm(DIM) if closing else nn.Identity()

    def conv(self, x):
        h = F.glu(self.pointwise1(x.transpose(1, 2)), dim=1)
        return self.pointwise2(F.silu(self.depthwise(h))).transpose(1, 2)

    def forward(self, x):
        x = x + 0.5 * self.ff1(self.norms[0](x))
        x = x + self.attn(self.norms[1](x))
        x = x + self.conv(self.norms[2](x))
        x = x + 0.5 * self.ff2(self.norms[3](x))
        return self.closing(x)


FOUR_PRE = (
    "n1 = norm(x)",
    "f1 = f(n1)",
    "n2 = norm(x + f1)",
    "f2 = f(n2)",
    "n3 = norm(x + f1 + f2)",
    "f3 = f(n3)",
    "n4 = norm(x + f1 + f2 + f3)",
    "f4 = f(n4)",
    "y = x + f1 + f2 + f3 + f4",
)


@stranger("macaron block", {ln(): 4}, "pre-norm", equations=FOUR_PRE)
def _():
    return ConformerBlock(closing=False), stream()


# Pre-norm inside, and the stream itself is normed at the end of each block. That last norm of a
# single block may be called a final one.
@stranger(
    "conformer block",
    {ln(): 4, ln(role=("stream", "final")): 1},
    "other|pre-norm",
)
def _():
    return ConformerBlock(), stream()


class LSTMWithNorm(nn.Module):
    """A recurrent net with norms inside: no residual stream."""

    def __init__(self, hidden=12):
        super().__init__()
        self.x2h = nn.Linear(10, 4 * hidden, bias=False)
        self.h2h = nn.Linear(hidden, 4 * hidden, bias=False)
        self.ln_x, self.ln_h = nn.LayerNorm(4 * hidden), nn.LayerNorm(4 * hidden)
        self.ln_c = nn.LayerNorm(hidden)

    def forward(self, x):
        h = c = x.new_zeros(x.shape[0], self.h2h.in_features)
        outputs = []
        for step in x.unbind(1):
            i, f, g, o = (self.ln_x(self.x2h(step)) + self.ln_h(self.h2h(h))).chunk(4, dim=-1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * self.ln_c(c).tanh()
            outputs.append(h)
        return torch.stack(outputs, 1)


# Each step calls the same norms: that is no mistake. Nothing is to be placed.
_CELL = ln(role=("inner", "stream"))


@stranger("LSTM with norms inside", {_CELL: 3}, optional={_CELL: 18}, may_refuse=True)
def _():
    return LSTMWithNorm(), torch.randn(3, 7, 10)


class GraphLayer(nn.Module):
    """Messages along edges, summed with index_add_, pre-norm."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(DIM)
        self.message, self.update = nn.Linear(2 * DIM, DIM), nn.Linear(2 * DIM, DIM)

    def forward(self, x, edge_index):
        h = self.norm(x)
        source, target = edge_index
        message = F.relu(self.message(torch.cat((h[source], h[target]), -1)))
        received = torch.zeros_like(h).index_add_(0, target, message)
        return x + self.update(torch.cat((h, received), -1))


@stranger("graph layer", {ln(): 1}, "pre-norm", equations=HALF_PRE)
def _():
    return GraphLayer(), (torch.randn(9, DIM), torch.randint(0, 9, (2, 20)))
