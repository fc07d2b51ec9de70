"""Attention and FFN side by side: GPT-J, GPT-NeoX, PaLM, Falcon."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import (
    DIM,
    HEADS,
    HIDDEN,
    MLP,
    Attention,
    Stack,
    ids,
    stream,
)
from tests.strangers.stranger import collection, ln

STRANGERS, stranger = collection()


class GPTJBlock(nn.Module):
    """One norm for both."""

    def __init__(self):
        super().__init__()
        self.ln_1 = nn.LayerNorm(DIM, eps=1e-5)
        self.attn, self.mlp = Attention(causal=True), MLP()

    def forward(self, hidden_states):
        residual = hidden_states
        hidden_states = self.ln_1(hidden_states)
        attn_output = self.attn(hidden_states)
        feed_forward_hidden_states = self.mlp(hidden_states)
        return attn_output + feed_forward_hidden_states + residual


@stranger("GPT-J block", {ln(): 1}, "parallel")
def _():
    return GPTJBlock(), stream()


@stranger("GPT-J", {ln(): 3, ln(role="final"): 1}, "parallel", layers=3)
def _():
    return Stack([GPTJBlock() for _ in range(3)], nn.LayerNorm(DIM)), ids()


class NeoXBlock(nn.Module):
    """A norm for each; the switch is that of the repository."""

    def __init__(self, use_parallel_residual=True):
        super().__init__()
        self.use_parallel_residual = use_parallel_residual
        self.input_layernorm = nn.LayerNorm(DIM)
        self.post_attention_layernorm = nn.LayerNorm(DIM)
        self.attention, self.mlp = Attention(causal=True), MLP()

    def forward(self, hidden_states):
        attn_output = self.attention(self.input_layernorm(hidden_states))
        if self.use_parallel_residual:
            mlp_output = self.mlp(self.post_attention_layernorm(hidden_states))
            return mlp_output + attn_output + hidden_states
        attn_output = attn_output + hidden_states
        return self.mlp(self.post_attention_layernorm(attn_output)) + attn_output


for switch in (True, False):

    @stranger(
        f"GPT-NeoX, parallel={switch}",
        {ln(): 6, ln(role="final"): 1},
        "parallel" if switch else "pre-norm",
        layers=3,
    )
    def _(switch=switch):
        return Stack([NeoXBlock(switch) for _ in range(3)], nn.LayerNorm(DIM)), ids()


class PaLMBlock(nn.Module):
    """One linear map for q, k, v and the FFN; one head of k and v."""

    def __init__(self, width=8):
        super().__init__()
        self.norm = nn.LayerNorm(DIM, bias=False)
        self.fused_dims = (HEADS * width, width, width, HIDDEN * 2)
        self.fused = nn.Linear(DIM, sum(self.fused_dims), bias=False)
        self.attn_out = nn.Linear(HEADS * width, DIM, bias=False)
        self.ff_out = nn.Linear(HIDDEN, DIM, bias=False)

    def forward(self, x):
        q, k, v, ff = self.fused(self.norm(x)).split(self.fused_dims, dim=-1)
        q = q.unflatten(-1, (HEADS, -1)).transpose(1, 2)
        sim = torch.einsum("b h i d, b j d -> b h i j", q * q.shape[-1] ** -0.5, k)
        causal = torch.ones(sim.shape[-2:], dtype=torch.bool).triu(1)
        sim = sim.masked_fill(causal, -torch.finfo(sim.dtype).max)
        attn = (sim - sim.amax(dim=-1, keepdim=True).detach()).softmax(dim=-1)
        out = torch.einsum("b h i j, b j d -> b h i d", attn, v).transpose(1, 2).flatten(2)
        gate, ff = ff.chunk(2, dim=-1)
        return x + self.attn_out(out) + self.ff_out(F.silu(gate) * ff)


# One norm and one fused map; attention and FFN are both on the branch.
@stranger("PaLM block", {ln(bias=False): 1}, "parallel|pre-norm")
def _():
    return PaLMBlock(), stream()


class FalconBlock(nn.Module):
    """Two norms of the same stream, read by parallel sub-layers."""

    def __init__(self):
        super().__init__()
        self.ln_attn, self.ln_mlp = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.self_attention, self.mlp = Attention(causal=True), MLP()

    def forward(self, hidden_states):
        residual = hidden_states
        attention_layernorm_out = self.ln_attn(hidden_states)
        mlp_layernorm_out = self.ln_mlp(hidden_states)
        attention_output = self.self_attention(attention_layernorm_out)
        mlp_output = self.mlp(mlp_layernorm_out)
        mlp_output += attention_output
        return residual + F.dropout(mlp_output, 0.1, training=self.training)


@stranger("Falcon block", {ln(): 2}, "parallel")
def _():
    return FalconBlock(), stream()
