"""nGPT: a transformer whose stream and whose weights stay on the unit sphere.

Loshchilov et al. 2024, §2, arXiv:2410.01131; the authors' code: NVIDIA/ngpt, `model.py` and
`train.py`.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from normlab.models.placement.in_the_wild import HyperSphere, unit
from normlab.models.transformer import FeedForward, Transformer, TransformerConfig

COLUMNS = ("attention.output.weight", "feed_forward.outer.weight")
"""The matrices that write to the stream: each of their columns has D entries."""
ROWS = (
    *("query.weight", "key.weight", "value.weight", "inner.0.weight", "head.0.weight"),
    *("token_embedding.weight", "position_embedding.weight"),
)
"""Those that read it, and the embeddings: each of their rows has."""


class LearnedScale(nn.Module):
    """y = start · (w/step) ⊙ x, where w (size,) starts at `step`.

    Adam moves w by about the learning rate whatever its size, so a small `step` lets the factor
    move faster (§2.5).

    >>> LearnedScale(2, start=3.0, step=0.25)(torch.ones(2)).tolist()
    [3.0, 3.0]
    """

    def __init__(self, size: int, start: float, step: float) -> None:
        super().__init__()
        self.factor = start / step
        self.weight = nn.Parameter(torch.full((size,), step))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * self.weight * x


class QueryKeyScale(nn.Module):
    """√d_h · s ⊙ unit(x): with the 1/√d_h of attention the logits are √d_h s² cos (Eq. 15, 16).

    Shape:
        (..., d_h) -> (..., d_h).
    """

    def __init__(self, size: int, d_model: int) -> None:
        super().__init__()
        self.scale = LearnedScale(size, math.sqrt(size), d_model**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.scale(unit(x))


def make_ngpt(config: TransformerConfig, seed: int) -> Transformer:
    """A model of that size on the sphere; its `placement`, `norm` and `qk_norm` are replaced.

    From the authors' it differs in this: the FFN is the course's, with ReLU, and positions are its
    embeddings. The step of a sub-layer is the plain number that starts at 0.05, where theirs is |w|
    times a factor. Queries and keys have a scale each, the same for all heads of a layer, where
    theirs share one that differs by head.

    Args:
        config: of the size.
        seed: of the initial weights.

    Example:
        >>> model = make_ngpt(TransformerConfig(decoder_layers=1, d_model=8), seed=0)
        >>> model.decoder.blocks[0].attention.query.weight.norm(dim=1).round(decimals=6).tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    d = config.d_model
    scale = partial(QueryKeyScale, d_model=d)
    sphere = replace(config, placement=HyperSphere, qk_norm=True, norm=scale)
    model = Transformer(sphere, seed)
    for module in model.modules():
        if isinstance(module, FeedForward):
            module.inner = nn.Sequential(module.inner, LearnedScale(config.d_ff, 1.0, 1.0))
    model.head = nn.Sequential(model.head, LearnedScale(config.vocab_size, 1.0, d**-0.5))
    put_on_sphere(dict(model.named_parameters()))
    return model


def put_on_sphere(parameters: Mapping[str, Tensor]) -> None:
    """Divide each row, or column, of D entries by its length, in place, as after each update.

    Args:
        parameters: by name, of one model of `make_ngpt`, or of several along a first axis.

    Raises:
        ValueError: if they are of another model.
    """
    if not all(any(name.endswith(each) for name in parameters) for each in (*COLUMNS, *ROWS)):
        raise ValueError(
            f"the parameters are {', '.join(list(parameters)[:3])} …; expected all those of a "
            "model that `make_ngpt` made."
        )
    with torch.no_grad():
        for name, weight in parameters.items():
            if name.endswith(COLUMNS):
                weight.div_(weight.norm(dim=-2, keepdim=True))  # (…, D, K) / (…, 1, K)
            elif name.endswith(ROWS):
                weight.div_(weight.norm(dim=-1, keepdim=True))  # (…, K, D) / (…, K, 1)
