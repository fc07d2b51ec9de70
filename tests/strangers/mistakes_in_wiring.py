"""Blocks and models wired with one mistake each, and near ones without it."""

from torch import nn

from tests.strangers.parts import (
    DIM,
    HEADS,
    PostBlock,
    PreBlock,
    Stack,
    ids,
    stream,
)
from tests.strangers.stranger import POST, PRE, collection, ln

STRANGERS, stranger = collection()


class NormedResidual(PreBlock):
    """The residual is what the norm returned."""

    def forward(self, x):
        x = self.norm1(x)
        x = x + self.attn(x)
        x = self.norm2(x)
        return x + self.mlp(x)


NORMED = ("n1 = norm(x)", "f1 = f(n1)", "n2 = norm(n1 + f1)", "f2 = f(n2)", "y = n2 + f2")


# Seen from one sub-layer further on it is post-norm; a report may say so beside the warning.
@stranger("normed-residual", {ln(): 2}, "other|post-norm", "normed-residual", equations=NORMED)
def _():
    return NormedResidual(), stream()


class NormedResidualOnce(PreBlock):
    """BLOOM's and Megatron's switch: the residual of one sub-layer is the normed one."""

    def forward(self, x):
        h = self.norm1(x)
        x = h + self.attn(h)
        return x + self.mlp(self.norm2(x))


@stranger("normed-residual: in attention only", {ln(): 2}, "other|pre-norm", "normed-residual")
def _():
    return NormedResidualOnce(), stream()


@stranger("near normed-residual: pre-norm", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(), stream()


@stranger("near normed-residual: post-norm", {ln(): 2}, "post-norm", equations=POST)
def _():
    return PostBlock(), stream()


class AlphaBlock(PostBlock):
    """norm(αx + f(x)), or by mistake norm(x + αf(x))."""

    def __init__(self, depth, on_branch):
        super().__init__()
        self.alpha, self.on_branch = (2 * depth) ** 0.25, on_branch

    def add(self, x, branch):
        return x + self.alpha * branch if self.on_branch else self.alpha * x + branch

    def forward(self, x):
        x = self.norm1(self.add(x, self.attn(x)))
        return self.norm2(self.add(x, self.mlp(x)))


@stranger(
    "alpha-on-branch",
    {ln(): 2},
    "post-norm|other|DeepNorm",
    "alpha-on-branch",
    equations=POST,
)
def _():
    return AlphaBlock(18, on_branch=True), stream()


@stranger("near alpha-on-branch: DeepNorm", {ln(): 2}, "DeepNorm", equations=POST)
def _():
    return AlphaBlock(18, on_branch=False), stream()


@stranger("no-final-norm", {ln(): 8}, "pre-norm", "no-final-norm", layers=4, equations=PRE)
def _():
    return Stack([PreBlock() for _ in range(4)]), ids()


@stranger(
    "no-final-norm: nn.TransformerEncoder",
    {ln(): 8},
    "pre-norm",
    "no-final-norm",
    layers=4,
    equations=PRE,
)
def _():
    layer = nn.TransformerEncoderLayer(DIM, HEADS, 40, batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, 4, enable_nested_tensor=False), stream()


@stranger(
    "near no-final-norm: it is there",
    {ln(): 8, ln(role="final"): 1},
    "pre-norm",
    layers=4,
    equations=PRE,
)
def _():
    return Stack([PreBlock() for _ in range(4)], nn.LayerNorm(DIM)), ids()


@stranger("near no-final-norm: post-norm", {ln(): 8}, "post-norm", layers=4, equations=POST)
def _():
    return Stack([PostBlock() for _ in range(4)]), ids()


@stranger("deep-post-norm", {ln(): 60}, "post-norm", "deep-post-norm", layers=30, equations=POST)
def _():
    return Stack([PostBlock() for _ in range(30)]), ids()


@stranger("near deep-post-norm: 3 layers", {ln(): 6}, "post-norm", layers=3, equations=POST)
def _():
    return Stack([PostBlock() for _ in range(3)]), ids()


@stranger(
    "near deep-post-norm: 30 layers of DeepNorm",
    {ln(): 60},
    "DeepNorm",
    layers=30,
    equations=POST,
)
def _():
    return Stack([AlphaBlock(30, on_branch=False) for _ in range(30)]), ids()
