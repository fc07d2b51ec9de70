"""Exercise 03, third question: the known mistakes, as edits of the reference."""

import numpy as np

from normlab.checks.examination import Examination
from normlab.checks.exercise import Mistake
from normlab.checks.signs import differs, gives_text
from normlab.exercises import common
from normlab.exercises.rms_norm import familiar

WIDE = "x.to(torch.promote_types(x.dtype, torch.float32))"
MEAN_SQUARE, SUM = (
    "wide.square().mean(dim=-1, keepdim=True)",
    "wide.square().sum(dim=-1, keepdim=True)",
)
LENGTH = "wide.norm(dim=-1, keepdim=True)"
ROOT = "torch.sqrt(mean_square + self.eps)"
Y = "(self.weight * normalized).to(x.dtype)"
WEIGHT = "nn.Parameter(torch.ones(dim))"
DTYPE, START = "dtype of y", "weight at the start"


def _starts_elsewhere(e: Examination) -> list[int]:
    """Where the weight at the start has the right shape, and other numbers than 1."""
    level = e.first_wrong or ""
    wrong = [i for i in e.up_to(level) if e.differing(i, [START]) and START in e.names(i, level)]
    shapes = [
        [np.shape((o.outputs or {})[START]) for o in (e.got[i], e.expected[i])] for i in wrong
    ]
    return [i for i, (got, expected) in zip(wrong, shapes, strict=True) if got == expected]


def _axis(axis: str) -> dict[str, str]:
    return {MEAN_SQUARE: f"wide.square().mean(dim={axis}, keepdim=True)"}


OF_THE_FORMULA = (
    familiar.still_centered(
        {"wide / ": "(wide - wide.mean(dim=-1, keepdim=True)) / "},
        {
            "wide / ": "(wide - wide.mean(dim=-1, keepdim=True)) / ",
            MEAN_SQUARE: "wide.var(dim=-1, keepdim=True, correction=0)",
        },
    ),
    familiar.deviation_for_rms(
        {MEAN_SQUARE: "wide.var(dim=-1, keepdim=True, correction=0)"},
        {MEAN_SQUARE: "wide.var(dim=-1, keepdim=True)"},
    ),
    familiar.sum_for_mean({MEAN_SQUARE: SUM}),
    familiar.mean_outside({ROOT: f"({LENGTH} / x.shape[-1] + self.eps)"}),
    familiar.unbiased({MEAN_SQUARE: f"{SUM} / (x.shape[-1] - 1)"}),
    familiar.mean_of_sizes(
        {MEAN_SQUARE: "wide.abs().mean(dim=-1, keepdim=True).square()"},
        {MEAN_SQUARE: "wide.mean(dim=-1, keepdim=True).square()"},
    ),
    familiar.root_missing({ROOT: "(mean_square + self.eps)"}),
    familiar.root_twice({ROOT: "torch.sqrt(torch.sqrt(mean_square) + self.eps)"}),
    familiar.multiplied({"wide / ": "wide * "}),
    familiar.gamma_missing({Y: "normalized.to(x.dtype)"}),
    common.gamma_plus_one(
        {"torch.ones(dim)": "torch.zeros(dim)", Y: "((1 + self.weight) * normalized).to(x.dtype)"},
        {Y: "((1 + self.weight) * normalized).to(x.dtype)"},
    ),
    familiar.gain_first({MEAN_SQUARE: "(self.weight * wide).square().mean(dim=-1, keepdim=True)"}),
    familiar.part_of_features(
        {MEAN_SQUARE: "wide[..., : max(1, x.shape[-1] // 4)].square().mean(dim=-1, keepdim=True)"},
    ),
    Mistake(
        "always-half",
        "y is float16, whatever the dtype of x is",
        "x.to(dtype of x) at the end, not half(): a norm gives back the dtype that it is given.",
        {Y: "(self.weight * normalized).half()"},
        seen=gives_text(DTYPE, "torch.float16"),
    ),
    common.keepdims_missing({MEAN_SQUARE: "wide.square().mean(dim=-1)"}),
    common.axis_batch(_axis("0")),
    common.axis_tokens(_axis("-2")),
    common.axis_all(_axis("None"), {MEAN_SQUARE: "wide.square().mean()"}),
    Mistake(
        "axis-example",
        "the mean square is taken over an example, tokens and features together",
        "Then padding changes every token of a sentence. Take it over the last axis alone.",
        _axis("tuple(range(1, x.ndim)) or -1"),
        _axis("tuple(range(1, x.ndim))"),
    ),
    Mistake(
        "axis-one",
        "the mean square is taken over axis 1, which is the last one of a matrix alone",
        "x may have any number of leading axes. The features are axis −1.",
        _axis("1"),
    ),
)

OF_EPS = (
    familiar.eps_missing({ROOT: "torch.sqrt(mean_square)"}),
    familiar.eps_as_floor(
        {ROOT: f"({LENGTH}.clamp(min=self.eps) / x.shape[-1] ** 0.5)"},
        {ROOT: f"({LENGTH}.clamp(min=1e-12) / x.shape[-1] ** 0.5)"},
        {ROOT: "torch.sqrt(mean_square).clamp(min=self.eps)"},
    ),
    common.eps_outside(
        {ROOT: "(torch.sqrt(mean_square) + self.eps)"},
        {ROOT: f"({LENGTH} * x.shape[-1] ** -0.5 + self.eps)"},
    ),
    familiar.eps_wrong_value(
        {ROOT: "torch.sqrt(mean_square + 1e-6)"},
        {ROOT: "torch.sqrt(mean_square + 1e-5)"},
        {ROOT: "torch.sqrt(mean_square + 1e-8)"},
        {ROOT: "torch.sqrt(mean_square + torch.finfo(x.dtype).eps)"},
        {"eps: float = 1e-6": "eps: float = 1e-5"},
        {"eps: float = 1e-6": "eps: float = 1e-8"},
        {"eps: float = 1e-6": "eps: float = 1e-3"},
        {"eps: float = 1e-6": "eps: float = torch.finfo(torch.float32).eps"},
    ),
    familiar.eps_in_sum({ROOT: f"torch.sqrt(({SUM} + self.eps) / x.shape[-1])"}),
    familiar.eps_scaled(
        {ROOT: "torch.sqrt(mean_square + self.eps * wide.abs().amax(-1, keepdim=True).square())"},
    ),
)

OF_PRECISION = (
    Mistake(
        "cast-order",
        "x̂ is rounded to half precision before it is multiplied by the weight",
        "That is LLaMA's order. It rounds twice, and a float32 weight makes the output float32. "
        "Here the order is that of torch.nn.RMSNorm and Gemma: multiply in float32, then convert.",
        {Y: "self.weight * normalized.to(x.dtype)"},
        {Y: "(self.weight * normalized.to(x.dtype)).to(x.dtype)"},
    ),
    Mistake(
        "weight-rounded",
        "a float32 weight is rounded to half precision",
        "The weight is often kept in float32 because half precision is too coarse for it. Multiply "
        "x̂ by it as it is, and convert the product.",
        {Y: "(self.weight.to(x.dtype) * normalized).to(x.dtype)"},
        {Y: "self.weight.to(x.dtype) * normalized.to(x.dtype)"},
    ),
    common.half_statistics(
        {WIDE: "x"},
        {MEAN_SQUARE: "x.square().mean(dim=-1, keepdim=True)"},
        {WIDE: "x", Y: "self.weight * normalized"},
        {
            WIDE: "x",
            f"wide / {ROOT}": "wide * torch.rsqrt(mean_square + self.eps)",
            Y: "normalized * self.weight",
        },
        {WIDE: "(x.float() if x.dtype == torch.float16 else x)"},
        {WIDE: "(x.float() if x.dtype == torch.bfloat16 else x)"},
        output="y",
    ),
    common.float64_narrowed(
        {WIDE: "x.float()"}, {MEAN_SQUARE: "x.float().square().mean(dim=-1, keepdim=True)"}
    ),
    Mistake(
        "dtype-lost",
        "the dtype of x is lost",
        "A norm gives back the dtype that it is given; otherwise every layer after it pays.",
        {Y: "self.weight * normalized"},
        {Y: "(self.weight * normalized).float()"},
        {Y: "(self.weight * normalized).to(self.weight.dtype)"},
        seen=differs(DTYPE),
    ),
)

OF_STATE = (
    Mistake(
        "weight-not-parameter",
        "the weight is not a trained parameter",
        "An optimizer is given module.parameters(). A plain tensor or a buffer is not among them, "
        "so it would never learn: nn.Parameter(…).",
        {WEIGHT: "torch.ones(dim)"},
        {f"self.weight = {WEIGHT}": 'self.register_buffer("weight", torch.ones(dim))'},
        {WEIGHT: "nn.Parameter(torch.ones(dim), requires_grad=False)"},
    ),
    Mistake(
        "weight-start",
        "the weight does not start at 1",
        "At the start a norm only norms. Zeros would silence what follows it, and random gains "
        "favour some features. (Gemma starts at 0, and multiplies by 1 + w.)",
        {"torch.ones(dim)": "torch.zeros(dim)"},
        {"torch.ones(dim)": "torch.linspace(0.9, 1.1, dim)"},
        {"torch.ones(dim)": "torch.full((dim,), dim**0.5)"},
        seen=_starts_elsewhere,
    ),
    Mistake(
        "weight-scalar",
        "there is one weight for all features",
        "Each feature has its own gain: the shape is (dim,).",
        {"torch.ones(dim)": "torch.ones(1)"},
        {"torch.ones(dim)": "torch.tensor(1.0)"},
    ),
    Mistake(
        "bias-added",
        "the module has a bias",
        "RMSNorm as LLaMA and torch.nn.RMSNorm have it has the gain alone, and a state_dict with "
        "`weight` alone.",
        {
            WEIGHT: f"{WEIGHT}; self.bias = nn.Parameter(torch.zeros(dim))",
            Y: "(self.weight * normalized + self.bias).to(x.dtype)",
        },
        {WEIGHT: f"{WEIGHT}; self.bias = nn.Parameter(torch.zeros(dim))"},
    ),
    Mistake(
        "eps-in-state",
        "ε is a part of the state_dict",
        "It is a setting and not learned. As a buffer or a parameter it is stored with the "
        "weights, and a state_dict of torch.nn.RMSNorm no longer fits.",
        {"self.eps = eps": 'self.register_buffer("eps", torch.tensor(eps))'},
        {"self.eps = eps": "self.eps = nn.Parameter(torch.tensor(eps))"},
        {"self.eps = eps": "self.eps = nn.Parameter(torch.tensor(eps), requires_grad=False)"},
    ),
    Mistake(
        "gradient-cut-off",
        "no gradient reaches x",
        "The way from x to y leaves autograd, as by NumPy, detach(), .data, .item() or no_grad() "
        "around all of forward. y is right, and the layers below learn nothing.",
        {WIDE: f"{WIDE}.detach()"},
        {Y: f"{Y}.detach()"},
        {"normalized = wide / ": "normalized = wide.detach() / "},
    ),
    Mistake(
        "rms-detached",
        "no gradient flows through the root mean square",
        "It is computed from x, so x acts on the output through it, too. Leave detach() and "
        "no_grad() out, and do not go through NumPy or .data.",
        {MEAN_SQUARE: "wide.detach().square().mean(dim=-1, keepdim=True)"},
    ),
    Mistake(
        "weight-detached",
        "no gradient reaches the weight",
        "self.weight.data and detach() are numbers without a history. Use self.weight as it is.",
        {"(self.weight * normalized)": "(self.weight.detach() * normalized)"},
    ),
    common.input_mutated({"normalized = wide / ": "normalized = wide; normalized /= "}),
)

MISTAKES = OF_THE_FORMULA + OF_EPS + OF_PRECISION + OF_STATE
