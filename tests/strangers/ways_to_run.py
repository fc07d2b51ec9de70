"""Models that are wrapped, compiled, scripted, under autocast, or on the meta device."""

import warnings
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import (
    DIM,
    HIDDEN,
    VOCAB,
    Attention,
    PostBlock,
    PreBlock,
    RMSNorm,
    Stack,
    ids,
    stream,
)
from tests.strangers.stranger import POST, PRE, collection, ln, rms

STRANGERS, stranger = collection()

FINAL = {ln(role="final"): 1}


@stranger("on the meta device", {ln(): 4, **FINAL}, "pre-norm", layers=2, equations=PRE)
def _():
    with torch.device("meta"):
        model = Stack([PreBlock(), PreBlock()], nn.LayerNorm(DIM))
        return model, torch.zeros(3, 7, dtype=torch.long)


@stranger("a bfloat16 model on the meta device", {rms(): 4}, "post-norm", layers=2, equations=POST)
def _():
    with torch.device("meta"):
        model = Stack([PostBlock(RMSNorm), PostBlock(RMSNorm)])
        return model.to(torch.bfloat16), torch.zeros(3, 7, dtype=torch.long)


class Autocast(Stack):
    """torch.autocast in the forward: maps in bfloat16, norms in float32."""

    def forward(self, tokens):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return super().forward(tokens)


@stranger("autocast in the forward", {ln(): 4, **FINAL}, "pre-norm", layers=2, equations=PRE)
def _():
    return Autocast([PreBlock(), PreBlock()], nn.LayerNorm(DIM)), ids()


# It is only built here: the first call would compile it, and a reader need not.
@stranger("compiled as a whole", {ln(): 4, **FINAL}, "pre-norm", layers=2, equations=PRE)
def _():
    return torch.compile(Stack([PreBlock(), PreBlock()], nn.LayerNorm(DIM))), ids()


def norm_to_script(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


with warnings.catch_warnings():  # it is deprecated, and people have it
    warnings.simplefilter("ignore", DeprecationWarning)
    scripted_norm = torch.jit.script(norm_to_script)


class ScriptedNorm(nn.Module):
    """The norm is a scripted function."""

    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return scripted_norm(x, self.weight, 1e-6)


@stranger("a scripted norm", {rms(1e-6): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(ScriptedNorm), stream()


@torch.compile(backend="eager")
def compiled_norm(x, weight, eps):
    mean = x.mean(-1, keepdim=True)
    var = (x - mean).square().mean(-1, keepdim=True)
    return (x - mean) * torch.rsqrt(var + eps) * weight


class CompiledNorm(ScriptedNorm):
    def forward(self, x):
        return compiled_norm(x, self.weight, 1e-5)


@stranger("a compiled function", {ln(bias=False): 2}, "post-norm", equations=POST)
def _():
    return PostBlock(CompiledNorm), stream()


@stranger("nn.DataParallel", {ln(): 4, **FINAL}, "pre-norm", layers=2, equations=PRE)
def _():
    return nn.DataParallel(Stack([PreBlock(), PreBlock()], nn.LayerNorm(DIM))), ids()


class LoRALinear(nn.Module):
    """A sum inside the branch that is no residual."""

    def __init__(self, width_in, width_out, rank=2):
        super().__init__()
        self.base = nn.Linear(width_in, width_out)
        self.A = nn.Parameter(torch.randn(rank, width_in) * 0.1)
        self.B = nn.Parameter(torch.zeros(width_out, rank))

    def forward(self, x):
        return self.base(x) + 2.0 * F.linear(F.linear(x, self.A), self.B)


@stranger("LoRA in the FFN", {rms(): 2}, "pre-norm", equations=PRE)
def _():
    mlp = nn.Sequential(LoRALinear(DIM, HIDDEN), nn.SiLU(), LoRALinear(HIDDEN, DIM))
    return PreBlock(RMSNorm, mlp=mlp), stream()


@dataclass
class Output:
    logits: torch.Tensor
    loss: torch.Tensor | None = None


class ReturnsDataclass(nn.Module):
    """Optional inputs, numbers, None; a dataclass comes back."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, DIM)
        self.h = nn.ModuleList([PreBlock(RMSNorm) for _ in range(2)])
        self.ln_f = RMSNorm(DIM)

    def forward(self, input_ids=None, inputs_embeds=None, scale=1.0, labels=None):
        x = self.embed(input_ids) if inputs_embeds is None else inputs_embeds
        x = x * scale
        for block in self.h:
            x = block(x)
        logits = F.linear(self.ln_f(x), self.embed.weight)
        if labels is None:
            return Output(logits)
        return Output(logits, F.cross_entropy(logits.flatten(0, 1), labels.flatten()))


@stranger(
    "a dataclass comes back",
    {rms(): 4, rms(role="final"): 1},
    "pre-norm",
    layers=2,
    equations=PRE,
)
def _():
    return ReturnsDataclass(), {
        "input_ids": ids(),
        "inputs_embeds": None,
        "scale": 4.0,
        "labels": ids(),
    }


class TwoCalls(nn.Module):
    """A model that runs its trunk twice (EMA targets, contrastive pairs)."""

    def __init__(self):
        super().__init__()
        self.trunk = Stack([PostBlock(), PostBlock()])

    def forward(self, a, b):
        return (self.trunk(a) - self.trunk(b)).square().mean()


# Each layer runs twice, on two inputs: it is one layer or two, and no norm is at two sites.
@stranger(
    "a trunk that runs twice",
    {ln(): 4},
    "post-norm",
    layers=(2, 4),
    equations=POST,
    optional={ln(): 4},
)
def _():
    return TwoCalls(), (ids(), ids())


class MaskedRows(nn.Module):
    """Only the tokens that are there are normed: boolean indexing."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(DIM)
        self.attn = Attention()

    def forward(self, x, keep):
        rows = self.norm(x[keep])
        h = torch.zeros_like(x)
        h[keep] = rows
        return x + self.attn(h)


@stranger("a norm of the tokens that are there", {ln(): 1}, "pre-norm", may_refuse=True)
def _():
    keep = torch.ones(3, 7, dtype=torch.bool)
    keep[0, 5:] = False
    return MaskedRows(), (stream(), keep)
