"""Clean models whose streams, lists or inputs are unusual."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.hazards import FINAL
from tests.strangers.parts import (
    DIM,
    MLP,
    VOCAB,
    Attention,
    CrossAttention,
    PostBlock,
    PreBlock,
    RMSNorm,
    Stack,
    ids,
    stream,
)
from tests.strangers.stranger import COSINE, HALF_PRE, POST, PRE, collection, ln, rms

STRANGERS, stranger = collection()


class MemoryNormDecoder(nn.Module):
    """Perceiver: latents read a memory through its own norm."""

    def __init__(self):
        super().__init__()
        self.latents = nn.Parameter(torch.randn(5, DIM))
        self.norm_x, self.norm_m, self.norm_f = (nn.LayerNorm(DIM) for _ in range(3))
        self.cross, self.mlp = CrossAttention(), MLP()

    def forward(self, memory):
        x = self.latents[None].expand(memory.shape[0], -1, -1)
        x = x + self.cross(self.norm_x(x), self.norm_m(memory))
        return x + self.mlp(self.norm_f(x))


# The norm of the memory is on no stream of this layer.
@stranger(
    "Perceiver block",
    {ln(): 2, ln(role=("inner", "stream", "embedding")): 1},
    "pre-norm",
)
def _():
    return MemoryNormDecoder(), stream()


class NormsInModel(nn.Module):
    """Norms, attentions and FFNs in lists of their own."""

    def __init__(self, depth=3):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, DIM)
        self.attn_norms = nn.ModuleList([nn.LayerNorm(DIM) for _ in range(depth)])
        self.ffn_norms = nn.ModuleList([nn.LayerNorm(DIM) for _ in range(depth)])
        self.attentions = nn.ModuleList([Attention() for _ in range(depth)])
        self.ffns = nn.ModuleList([MLP() for _ in range(depth)])
        self.final = nn.LayerNorm(DIM)

    def forward(self, tokens):
        x = self.embed(tokens)
        for n1, attn, n2, ffn in zip(
            self.attn_norms, self.attentions, self.ffn_norms, self.ffns, strict=True
        ):
            x = x + attn(n1(x))
            x = x + ffn(n2(x))
        return self.final(x)


@stranger("norms in lists of the model", {ln(): 6, **FINAL}, "pre-norm", layers=(3, 6))
def _():
    return NormsInModel(), ids()


class TwoStreams(nn.Module):
    """SD3: text and image each have a stream; they meet in one attention."""

    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(DIM) for _ in range(4)])
        self.attn = Attention()
        self.mlp_x, self.mlp_c = MLP(), MLP()

    def forward(self, x, c):
        h = self.attn(torch.cat((self.norms[0](x), self.norms[1](c)), dim=1))
        x, c = x + h[:, : x.shape[1]], c + h[:, x.shape[1] :]
        return x + self.mlp_x(self.norms[2](x)), c + self.mlp_c(self.norms[3](c))


# Two streams: each is pre-norm; "other" and a refusal are right as well, the norms may be inner
# where only one stream is followed.
@stranger(
    "two streams in one attention",
    {ln(role=("stream", "inner")): 4},
    "pre-norm|other",
    layers=(1, 2),
    may_refuse=True,
)
def _():
    return TwoStreams(), (stream(), stream(tokens=5))


class Adapter(nn.Module):
    """Houlsby's adapters in a post-norm layer: a residual within the branch."""

    def __init__(self):
        super().__init__()
        self.attn, self.mlp = Attention(), MLP()
        self.down1, self.up1 = nn.Linear(DIM, 6), nn.Linear(6, DIM)
        self.ln1, self.ln2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)

    def adapt(self, h):
        return h + self.up1(F.gelu(self.down1(h)))

    def forward(self, x):
        x = self.ln1(x + self.adapt(self.attn(x)))
        return self.ln2(x + self.mlp(x))


# In the branch f1 = h + g(h): it may be drawn as one sub-layer or as two.
@stranger("adapters, post-norm", {ln(): 2}, "post-norm")
def _():
    return Adapter(), stream()


class Dense(nn.Module):
    """DenseNet-like: each layer reads the sum of all before, with learned weights."""

    def __init__(self, depth=3):
        super().__init__()
        self.blocks = nn.ModuleList([PreBlock() for _ in range(depth)])
        self.w = nn.ParameterList([torch.full((i + 1,), 1 / (i + 1)) for i in range(depth + 1)])
        self.norm = nn.LayerNorm(DIM)

    def forward(self, x):
        states = [x]
        for w, block in zip(self.w, self.blocks, strict=False):
            states.append(block(sum(w[i] * s for i, s in enumerate(states))))
        return self.norm(sum(self.w[-1][i] * s for i, s in enumerate(states)))


@stranger("weighted sums of all layers", {ln(): 6, **FINAL}, "pre-norm", layers=3, may_refuse=True)
def _():
    return Dense(), stream()


class Frozen(Stack):
    """No parameter needs a gradient, and the forward runs without one."""

    @torch.no_grad()
    def forward(self, tokens):
        return super().forward(tokens)


@stranger("frozen, no_grad", {ln(): 4, **FINAL}, "pre-norm", layers=2, equations=PRE)
def _():
    model = Frozen([PreBlock(), PreBlock()], nn.LayerNorm(DIM))
    return model.requires_grad_(False), ids()


class Skipping(PreBlock):
    """Stochastic depth by a coin in Python, in training alone."""

    def forward(self, x):
        if self.training and torch.rand(()).item() < 0.5:
            return x
        return super().forward(x)


@stranger("stochastic depth", {ln(): 8, **FINAL}, "pre-norm", layers=4, equations=PRE)
def _():
    return Stack([Skipping() for _ in range(4)], nn.LayerNorm(DIM)), ids()


@stranger("post-norm with a padding of zeros", {ln(): 4}, "post-norm", layers=2, equations=POST)
def _():
    x = stream()
    x[1, 4:] = 0  # rows whose variance is 0
    return nn.Sequential(PostBlock(), PostBlock()), x


@stranger("batch of one, one token", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(), torch.randn(1, 1, DIM)


@stranger("no batch", {rms(): 1}, "pre-norm", equations=HALF_PRE)
def _():
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.mlp = RMSNorm(DIM), MLP()

        def forward(self, x):
            return x + self.mlp(self.norm(x))

    return Flat(), torch.randn(7, DIM)


# Nothing is there: an empty report is right, and so is a refusal.
@stranger("no norm and no stream", {}, may_refuse=True)
def _():
    return nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 5)), torch.randn(3, 10)


class Whisper(nn.Module):
    """Convolutions over (B, mel, T), positions, pre-norm blocks, a final norm."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(10, DIM, 3, padding=1)
        self.conv2 = nn.Conv1d(DIM, DIM, 3, stride=2, padding=1)
        self.register_buffer("positions", torch.randn(7, DIM))
        self.blocks = nn.ModuleList([PreBlock() for _ in range(2)])
        self.ln_post = nn.LayerNorm(DIM)

    def forward(self, mel):
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).permute(0, 2, 1)
        x = (x + self.positions).to(x.dtype)
        for block in self.blocks:
            x = block(x)
        return self.ln_post(x)


@stranger("Whisper's encoder", {ln(): 4, **FINAL}, "pre-norm", layers=2, equations=PRE)
def _():
    return Whisper(), torch.randn(3, 10, 14)


@stranger(
    "cosine of pooled outputs", {ln(): 2}, "pre-norm", (), "no-final-norm", optional={COSINE: 2}
)
def _():
    class Siamese(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = PreBlock()

        def forward(self, a):
            h = self.block(a).mean(1)
            return F.cosine_similarity(h[:, None], h[None], dim=-1)

    return Siamese(), stream()
