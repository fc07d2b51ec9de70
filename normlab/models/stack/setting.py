"""What a stack is made of: sizes, placement, norm, initialization, seed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from normlab.models.placement.deepnorm_constants import deepnorm_constants

STACK_PLACEMENTS = ("post-norm", "pre-norm", "deepnorm", "peri-norm", "none")
STACK_NORMS = ("layer_norm", "rms_norm")
INITS = ("xavier", "xiong", "gpt2")
DTYPES = ("float32", "float64")
ATTENTION_WEIGHTS = ("W_q", "W_k", "W_v", "W_o")
FEED_FORWARD_WEIGHTS = ("W_1", "W_2")


@dataclass(frozen=True)
class StackSetting:
    """Everything that fixes a stack of transformer sub-layers, except its depth.

    Sub-layer 0 is attention, 1 is the feed-forward network, 2 attention again, and so on; two
    sub-layers are one layer. Attention is bidirectional, as in an encoder. Without biases:

        attention: softmax(q kᵀ/√d_h) v W_o  with  q, k, v = x W_q, x W_k, x W_v  in `heads` heads
        feed-forward: ReLU(x W_1) W_2

    The norms are those of `normlab.norms` with γ = 1 and β = 0.

    Args:
        placement: "post-norm", "pre-norm", "deepnorm", "peri-norm" or "none".
        norm: "layer_norm" or "rms_norm".
        init: the standard deviation σ of the weights W (fan_in, fan_out) and of the input:
            "xavier": σ² = 2/(fan_in + fan_out); input N(0, 1).
            "xiong": σ² = 1/fan_in, and W_q = W_k = 0, so that attention is uniform; input
            N(0, 1). This is Xiong et al. 2020, §3.2, whose W_1 and W_2 are square.
            "gpt2": σ = 0.02, input (the embeddings) too.
        init_scale: multiplies all weights on top; ≥ 0. The input stays as it is.
        d_model, heads, d_ff, tokens, batch: sizes; `heads` divides `d_model`.
        eps: ε of every norm; > 0.
        seed: of weights, input and upstream gradient. Layer l has the same draws whatever the
            depth, and in both dtypes.
        dtype: "float32" or "float64", of every array of the forward and backward pass.

    Raises:
        ValueError: names the argument, what was given, and what is expected.

    >>> StackSetting(placement="deepnorm", d_model=128).d_head
    32
    """

    placement: str = "pre-norm"
    norm: str = "layer_norm"
    init: str = "xavier"
    init_scale: float = 1.0
    d_model: int = 64
    heads: int = 4
    d_ff: int = 256
    tokens: int = 32
    batch: int = 4
    eps: float = 1e-5
    seed: int = 0
    dtype: str = "float32"

    def __post_init__(self) -> None:
        self._check_choices()
        for name in ("d_model", "heads", "d_ff", "tokens", "batch"):
            check_count(getattr(self, name), name)
        if self.d_model % self.heads:
            raise ValueError(
                f"heads is {self.heads}, but d_model is {self.d_model}; expected heads that "
                f"divide d_model, for instance {math.gcd(self.heads, self.d_model)}."
            )
        if not 0 <= self.init_scale < math.inf:
            raise ValueError(f"init_scale is {self.init_scale}; expected a finite number ≥ 0.")
        if not 0 < self.eps < math.inf:
            raise ValueError(f"eps is {self.eps}; expected a number > 0, for instance 1e-5.")

    def _check_choices(self) -> None:
        choices = {
            "placement": STACK_PLACEMENTS,
            "norm": STACK_NORMS,
            "init": INITS,
            "dtype": DTYPES,
        }
        for name, known in choices.items():
            given = getattr(self, name)
            if given not in known:
                raise ValueError(f"{name} is {given!r}; expected one of {', '.join(known)}.")

    @property
    def d_head(self) -> int:
        return self.d_model // self.heads

    @property
    def uniform_attention(self) -> bool:
        """Whether W_q = W_k = 0, so that every token reads the mean of the values."""
        return self.init == "xiong"

    @property
    def rows(self) -> int:
        """Tokens of the whole batch: the rows of every activation (rows, d_model)."""
        return self.batch * self.tokens

    @property
    def numpy_dtype(self) -> np.dtype:
        return np.dtype(self.dtype)

    @property
    def input_std(self) -> float:
        return 0.02 if self.init == "gpt2" else 1.0

    def weight_shapes(self) -> Mapping[str, tuple[int, int]]:
        """(fan_in, fan_out) of each weight of one layer; y = x W."""
        d, d_ff = self.d_model, self.d_ff
        square = dict.fromkeys(ATTENTION_WEIGHTS, (d, d))
        return MappingProxyType({**square, "W_1": (d, d_ff), "W_2": (d_ff, d)})

    def constants(self, sub_layers: int) -> tuple[float, float]:
        """(α, β) of a stack of this depth: DeepNorm's, or (1, 1).

        N is the number of layers of an encoder alone; a half layer counts as one.

        Source: Wang et al. 2022, DeepNet, Figure 2 (arXiv:2203.00555).

        >>> [round(c, 4) for c in StackSetting("deepnorm").constants(sub_layers=24)]
        [2.2134, 0.3195]
        """
        if self.placement != "deepnorm":
            return 1.0, 1.0
        constants = deepnorm_constants(encoder_layers=math.ceil(sub_layers / 2), decoder_layers=0)
        assert constants["encoder"] is not None  # there is at least one layer
        return constants["encoder"]

    def weight_stds(self, sub_layers: int) -> Mapping[str, float]:
        """σ of each weight. DeepNorm's β scales all but W_q and W_k."""
        _, beta = self.constants(sub_layers)
        scales = dict.fromkeys(ATTENTION_WEIGHTS + FEED_FORWARD_WEIGHTS, self.init_scale * beta)
        scales["W_q"] = scales["W_k"] = self.init_scale
        return MappingProxyType(
            {name: scales[name] * self._init_std(name) for name in self.weight_shapes()}
        )

    def _init_std(self, name: str) -> float:
        fan_in, fan_out = self.weight_shapes()[name]
        if self.init == "gpt2":
            return 0.02
        if self.init == "xiong":
            return 0.0 if name in ("W_q", "W_k") else fan_in**-0.5
        return math.sqrt(2 / (fan_in + fan_out))


def check_count(count: int, name: str) -> None:
    """A whole number ≥ 1, or a ValueError."""
    if not (isinstance(count, (int, np.integer)) and count >= 1):
        raise ValueError(f"{name} is {count!r}; expected a whole number ≥ 1.")
