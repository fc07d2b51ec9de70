"""Norms behind the branch, and T5: Gemma 2, CogView, OLMo 2."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import (
    DIM,
    HEADS,
    MLP,
    Attention,
    RMSNorm,
    Stack,
    SwiGLU,
    ids,
    stream,
)
from tests.strangers.stranger import PERI, REORDERED, collection, ln, rms

STRANGERS, stranger = collection()


class GemmaRMSNorm(nn.Module):
    """1 + weight, in float32."""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(dim))

    def _norm(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)

    def forward(self, x):
        output = self._norm(x.float())
        output = output * (1.0 + self.weight.float())
        return output.type_as(x)


class Gemma2Block(nn.Module):
    """Peri-norm, softcapped attention."""

    def __init__(self, norm=GemmaRMSNorm):
        super().__init__()
        self.self_attn = SoftcapAttention()
        self.mlp = SwiGLU()
        self.input_layernorm = norm(DIM)
        self.post_attention_layernorm = norm(DIM)
        self.pre_feedforward_layernorm = norm(DIM)
        self.post_feedforward_layernorm = norm(DIM)

    def forward(self, hidden_states):
        residual = hidden_states
        hidden_states = self.input_layernorm(hidden_states)
        hidden_states = self.self_attn(hidden_states)
        hidden_states = self.post_attention_layernorm(hidden_states)
        hidden_states = residual + hidden_states
        residual = hidden_states
        hidden_states = self.pre_feedforward_layernorm(hidden_states)
        hidden_states = self.mlp(hidden_states)
        hidden_states = self.post_feedforward_layernorm(hidden_states)
        return residual + hidden_states


class SoftcapAttention(Attention):
    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        scores = torch.matmul(q, k.transpose(-1, -2)) * q.shape[-1] ** -0.5
        scores = torch.tanh(scores / 50.0) * 50.0
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


GEMMA = rms(gain="1 + weight")


@stranger("Gemma 2 block", {GEMMA: 4}, "peri-norm|sandwich", equations=PERI)
def _():
    return Gemma2Block(), stream()


class Gemma2(Stack):
    """Embeddings times √D, and a softcap on the logits."""

    def forward(self, tokens):
        x = self.embed(tokens)
        x = x * torch.tensor(DIM**0.5, dtype=x.dtype)
        for layer in self.layers:
            x = layer(x)
        logits = self.head(self.norm(x))
        return torch.tanh(logits / 30.0) * 30.0


@stranger(
    "Gemma 2", {GEMMA: 8, GEMMA.at("final"): 1}, "peri-norm|sandwich", layers=2, equations=PERI
)
def _():
    return Gemma2([Gemma2Block() for _ in range(2)], GemmaRMSNorm(DIM)), ids()


# The same wiring as peri-norm.
@stranger("CogView's sandwich", {ln(): 4}, "peri-norm|sandwich", equations=PERI)
def _():
    return Gemma2Block(nn.LayerNorm), stream()


class Olmo2Attention(Attention):
    """QK-norm over all heads, before they are cut."""

    def __init__(self):
        super().__init__(causal=True, bias=False)
        self.q_norm, self.k_norm = RMSNorm(DIM), RMSNorm(DIM)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        q, k = self.q_norm(q), self.k_norm(k)
        q, k, v = (t.unflatten(-1, (HEADS, -1)).transpose(1, 2) for t in (q, k, v))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(out.transpose(1, 2).flatten(2))


class Olmo2Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn, self.mlp = Olmo2Attention(), SwiGLU()
        self.post_attention_layernorm = RMSNorm(DIM)
        self.post_feedforward_layernorm = RMSNorm(DIM)

    def forward(self, x):
        x = x + self.post_attention_layernorm(self.self_attn(x))
        return x + self.post_feedforward_layernorm(self.mlp(x))


# OLMo 2 means its QK-norm over all heads; the warning may stand.
@stranger(
    "OLMo 2",
    {rms(): 4, rms(role="inner"): 4, rms(role="final"): 1},
    "reordered-norm",
    (),
    "qk-norm-all-heads",
    layers=2,
    equations=REORDERED,
)
def _():
    return Stack([Olmo2Block() for _ in range(2)], RMSNorm(DIM)), ids()


class T5LayerNorm(nn.Module):
    def __init__(self, hidden_size, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden_size))
        self.variance_epsilon = eps

    def forward(self, hidden_states):
        variance = hidden_states.to(torch.float32).pow(2).mean(-1, keepdim=True)
        hidden_states = hidden_states * torch.rsqrt(variance + self.variance_epsilon)
        if self.weight.dtype in [torch.float16, torch.bfloat16]:
            hidden_states = hidden_states.to(self.weight.dtype)
        return self.weight * hidden_states


class T5LayerFF(nn.Module):
    """A sub-layer with its own norm and residual."""

    def __init__(self, sublayer):
        super().__init__()
        self.sublayer = sublayer
        self.layer_norm = T5LayerNorm(DIM)
        self.dropout = nn.Dropout(0.1)

    def forward(self, hidden_states):
        forwarded_states = self.sublayer(self.layer_norm(hidden_states))
        return hidden_states + self.dropout(forwarded_states)


class T5Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.ModuleList([T5LayerFF(Attention(bias=False)), T5LayerFF(MLP())])

    def forward(self, x):
        for layer in self.layer:
            x = layer(x)
        return x


@stranger("T5 block", {rms(): 2}, "pre-norm")
def _():
    return T5Block(), stream()


@stranger("T5 encoder", {rms(): 6, rms(role="final"): 1}, "pre-norm", layers=(3, 6))
def _():
    return Stack([T5Block() for _ in range(3)], T5LayerNorm(DIM)), ids()
