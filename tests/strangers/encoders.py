"""Post-norm and its relatives: BERT, DeepNorm, B2T, Mix-LN."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import (
    DIM,
    HEADS,
    HIDDEN,
    MLP,
    VOCAB,
    Attention,
    CrossAttention,
    PostBlock,
    PreBlock,
    Stack,
    ids,
    stream,
)
from tests.strangers.stranger import POST, collection, ln

STRANGERS, stranger = collection()


class BertSelfOutput(nn.Module):
    """The residual is added inside the module that has the output projection."""

    def __init__(self, width=DIM):
        super().__init__()
        self.dense = nn.Linear(width, DIM)
        self.LayerNorm = nn.LayerNorm(DIM, eps=1e-12)
        self.dropout = nn.Dropout(0.1)

    def forward(self, hidden_states, input_tensor):
        hidden_states = self.dropout(self.dense(hidden_states))
        return self.LayerNorm(hidden_states + input_tensor)


class BertLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(DIM, DIM) for _ in range(3))
        self.attention_output = BertSelfOutput()
        self.intermediate = nn.Linear(DIM, HIDDEN)
        self.output = BertSelfOutput(HIDDEN)

    def transpose_for_scores(self, x):
        return x.view(*x.size()[:-1], HEADS, DIM // HEADS).permute(0, 2, 1, 3)

    def forward(self, hidden_states, attention_mask=None):
        q = self.transpose_for_scores(self.query(hidden_states))
        k = self.transpose_for_scores(self.key(hidden_states))
        v = self.transpose_for_scores(self.value(hidden_states))
        scores = torch.matmul(q, k.transpose(-1, -2)) / (DIM // HEADS) ** 0.5
        if attention_mask is not None:
            scores = scores + attention_mask
        context = torch.matmul(nn.Softmax(dim=-1)(scores), v).permute(0, 2, 1, 3).contiguous()
        attention_output = self.attention_output(context.view(hidden_states.shape), hidden_states)
        return (self.output(F.gelu(self.intermediate(attention_output)), attention_output),)


@stranger("BERT layer", {ln(1e-12): 2}, "post-norm", equations=POST)
def _():
    return BertLayer(), stream()


class Bert(nn.Module):
    """Embeddings of three kinds and their norm; a pooler at the end."""

    def __init__(self, layers=3):
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCAB, DIM, padding_idx=0)
        self.position_embeddings = nn.Embedding(11, DIM)
        self.token_type_embeddings = nn.Embedding(2, DIM)
        self.LayerNorm = nn.LayerNorm(DIM, eps=1e-12)
        self.layer = nn.ModuleList([BertLayer() for _ in range(layers)])
        self.pooler = nn.Linear(DIM, DIM)

    def forward(self, input_ids, token_type_ids, attention_mask):
        positions = torch.arange(input_ids.shape[1])[None]
        x = self.word_embeddings(input_ids) + self.token_type_embeddings(token_type_ids)
        x = self.LayerNorm(x + self.position_embeddings(positions))
        mask = (1.0 - attention_mask[:, None, None, :]) * torch.finfo(x.dtype).min
        for layer in self.layer:
            x = layer(x, mask)[0]
        return {"last_hidden_state": x, "pooler_output": torch.tanh(self.pooler(x[:, 0]))}


@stranger(
    "BERT",
    {ln(1e-12): 6, ln(1e-12, role="embedding"): 1},
    "post-norm",
    layers=3,
    equations=POST,
)
def _():
    mask = torch.ones(3, 7)
    mask[1, 5:] = 0
    return Bert(), {
        "input_ids": ids(),
        "token_type_ids": torch.zeros(3, 7, dtype=torch.long),
        "attention_mask": mask,
    }


class DeepNormLayer(nn.Module):
    """norm(αx + f(x)), as torchscale writes it: residual_connection with alpha."""

    def __init__(self, alpha, cross=False):
        super().__init__()
        self.alpha = alpha
        self.self_attn, self.ffn = Attention(causal=cross), MLP()
        self.self_attn_layer_norm = nn.LayerNorm(DIM)
        self.final_layer_norm = nn.LayerNorm(DIM)
        self.cross_attn = CrossAttention() if cross else None
        self.cross_attn_layer_norm = nn.LayerNorm(DIM) if cross else None

    def residual_connection(self, x, residual):
        return residual * self.alpha + x

    def forward(self, x, memory=None):
        residual = x
        x = self.residual_connection(self.self_attn(x), residual)
        x = self.self_attn_layer_norm(x)
        if self.cross_attn is not None:
            x = self.residual_connection(self.cross_attn(x, memory), x)
            x = self.cross_attn_layer_norm(x)
        residual = x
        x = self.residual_connection(self.ffn(x), residual)
        return self.final_layer_norm(x)


@stranger("DeepNorm encoder", {ln(): 6}, "DeepNorm", layers=3, equations=POST)
def _():
    return Stack([DeepNormLayer((2 * 3) ** 0.25) for _ in range(3)]), ids()


@stranger("DeepNorm decoder block", {ln(): 3}, "DeepNorm")
def _():
    return DeepNormLayer((3 * 4) ** 0.25, cross=True), (stream(), stream(tokens=5))


class B2TLayer(nn.Module):
    """The layer's input once more before the last norm."""

    def __init__(self):
        super().__init__()
        self.attn, self.mlp = Attention(), MLP()
        self.ln1, self.ln2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)

    def forward(self, x):
        bottom = x
        x = self.ln1(x + self.attn(x))
        return self.ln2(x + self.mlp(x) + bottom)


@stranger(
    "B2T block",
    {ln(): 2},
    "other|post-norm",
    equations=("f1 = f(x)", "n1 = norm(x + f1)", "f2 = f(n1)", "y = norm(x + n1 + f2)"),
)
def _():
    return B2TLayer(), stream()


@stranger(
    "Mix-LN",
    {ln(): 8, ln(role="final"): 1},
    ("post-norm", "pre-norm", "pre-norm", "pre-norm"),
)
def _():
    return Stack([PostBlock(), *(PreBlock() for _ in range(3))], nn.LayerNorm(DIM)), ids()
