"""Exercise 03, third question: the known mistakes, as edits of the reference."""

from normlab.checks.exercise import Mistake
from normlab.exercises import common
from normlab.exercises.rms_norm import familiar

WIDE = "x.to(torch.promote_types(x.dtype, torch.float32))"
MEAN_SQUARE = "wide.square().mean(dim=-1, keepdim=True)"
ROOT = "torch.sqrt(mean_square + self.eps)"
Y = "(self.weight * normalized).to(x.dtype)"
WEIGHT = "nn.Parameter(torch.ones(dim))"


def _axis(axis: str) -> dict[str, str]:
    return {MEAN_SQUARE: f"wide.square().mean(dim={axis}, keepdim=True)"}


MISTAKES = (
    Mistake(
        "cast-order",
        "x̂ is rounded to half precision before it is multiplied by the weight",
        "That is LLaMA's order. It rounds twice, and a float32 weight makes the output float32. "
        "Here the order is that of torch.nn.RMSNorm and Gemma: multiply in float32, then convert.",
        {Y: "self.weight * normalized.to(x.dtype)"},
        {Y: "(self.weight * normalized.to(x.dtype)).to(x.dtype)"},
    ),
    common.half_statistics(
        {WIDE: "x"},
        {MEAN_SQUARE: "x.square().mean(dim=-1, keepdim=True)"},
    ),
    Mistake(
        "weight-rounded",
        "a float32 weight is rounded to half precision",
        "The weight is often kept in float32 because half precision is too coarse for it. Multiply "
        "x̂ by it as it is, and convert the product.",
        {Y: "(self.weight.to(x.dtype) * normalized).to(x.dtype)"},
    ),
    common.float64_narrowed({WIDE: "x.float()"}),
    common.dtype_lost({Y: "self.weight * normalized"}, {Y: "(self.weight * normalized).float()"}),
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
    familiar.sum_for_mean({MEAN_SQUARE: "wide.square().sum(dim=-1, keepdim=True)"}),
    familiar.mean_outside({ROOT: "(wide.norm(dim=-1, keepdim=True) / x.shape[-1] + self.eps)"}),
    familiar.unbiased({MEAN_SQUARE: "wide.square().sum(dim=-1, keepdim=True) / (x.shape[-1] - 1)"}),
    familiar.mean_of_sizes({MEAN_SQUARE: "wide.abs().mean(dim=-1, keepdim=True).square()"}),
    familiar.root_missing({ROOT: "(mean_square + self.eps)"}),
    familiar.eps_missing({ROOT: "torch.sqrt(mean_square)"}),
    familiar.eps_as_floor(
        {ROOT: "(wide.norm(dim=-1, keepdim=True).clamp(min=self.eps) / x.shape[-1] ** 0.5)"}
    ),
    common.eps_outside({ROOT: "(torch.sqrt(mean_square) + self.eps)"}),
    familiar.eps_wrong_value(
        {ROOT: "torch.sqrt(mean_square + 1e-6)"},
        {"eps: float = 1e-6": "eps: float = 1e-5"},
        {"eps: float = 1e-6": "eps: float = torch.finfo(torch.float32).eps"},
    ),
    familiar.gamma_missing({Y: "normalized.to(x.dtype)"}),
    common.gamma_plus_one(
        {"torch.ones(dim)": "torch.zeros(dim)", Y: "((1 + self.weight) * normalized).to(x.dtype)"},
        {Y: "((1 + self.weight) * normalized).to(x.dtype)"},
    ),
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
    ),
    Mistake(
        "weight-scalar",
        "there is one weight for all features",
        "Each feature has its own gain: the shape is (dim,).",
        {"torch.ones(dim)": "torch.ones(1)"},
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
    ),
    Mistake(
        "rms-detached",
        "no gradient flows through the root mean square",
        "It is computed from x, so x acts on the output through it, too. Leave detach() and "
        "no_grad() out, and do not go through NumPy or .data.",
        {MEAN_SQUARE: "wide.detach().square().mean(dim=-1, keepdim=True)"},
    ),
    common.keepdims_missing({MEAN_SQUARE: "wide.square().mean(dim=-1)"}),
    common.axis_batch(_axis("0")),
    common.axis_all(_axis("None")),
    common.input_mutated({WIDE: "x", "normalized = wide / ": "normalized = wide; normalized /= "}),
)
