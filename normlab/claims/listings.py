"""Claims that the seed makes in code: PyTorch's modules and its own listings."""

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import nn

from normlab.chapters.frameworks.examine import run_listings
from normlab.claims.claim import Claim, Finding, Measure
from normlab.norms import layer_norm, rms_norm

TORCH = "torch.nn.{}, PyTorch's documentation"
FLOAT32 = "float32 rounds at 1e-7, outputs reach 4"


@cache
def seed_code() -> Mapping[str, Any]:
    """What the seed's PyTorch listing defines when it is run as it stands.

    >>> layer = seed_code()["ln"]
    >>> layer.normalized_shape, layer.eps, layer.elementwise_affine
    ((512,), 1e-05, True)
    """
    names: dict[str, Any] = {}
    run_listings(["seed_pytorch"], names)
    return names


def tokens(features: int = 512) -> torch.Tensor:
    """Random tokens (2, 10, D) with mean 1 and std 1, the same every time."""
    return torch.randn(2, 10, features, generator=torch.Generator().manual_seed(0)) + 1


def furthest(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().max())


@torch.no_grad()
def torchs_layer_norm() -> Finding:
    """Claim 36: does the listing's module compute the formula?"""
    x = tokens()
    ln = seed_code()["ln"]
    formula = torch.from_numpy(layer_norm(x.double().numpy(), eps=1e-5))
    apart, mean = furthest(ln(x), formula), float(ln(x).mean(-1).abs().max())
    default = inspect.signature(nn.LayerNorm).parameters["eps"].default
    return Finding(
        (
            Measure("nn.LayerNorm − the formula", apart, FLOAT32, high=1e-5),
            Measure("greatest mean of a token", mean, FLOAT32, high=1e-5),
            Measure("the default ε", default, "as in the listing", 1e-5, 1e-5),
        ),
        "On (2, 10, 512) nn.LayerNorm and the formula differ by less than 1e-5, and every token "
        "has mean 0.",
    )


@torch.no_grad()
def torchs_rms_norm() -> Finding:
    """Claim 37: is nn.RMSNorm there, and what does it compute?"""
    x = tokens()
    apart = furthest(
        nn.RMSNorm(512, eps=1e-6)(x), torch.from_numpy(rms_norm(x.double().numpy(), eps=1e-6))
    )
    mean = float(nn.RMSNorm(512)(x).mean())
    return Finding(
        (
            Measure("nn.RMSNorm − the formula", apart, FLOAT32, high=1e-5),
            Measure("mean of its output at mean = std", mean, "no centering: 1/√2", 0.6, 0.8),
        ),
        f"nn.RMSNorm is there, and differs from the formula by less than 1e-5; tokens with mean 1 "
        f"and std 1 leave with mean {mean:.2f}.",
    )


@torch.no_grad()
def custom_and_built_in() -> Finding:
    """Claim 38: on which tokens do the listing and the built-in differ?"""
    x = tokens() - 1  # mean 0
    custom, built_in = seed_code()["RMSNorm"](512), nn.RMSNorm(512)
    same = nn.RMSNorm(512, eps=1e-6)
    tiny, usual = 1e-3 * x, x
    ratio = float(custom(tiny).norm() / built_in(tiny).norm())
    large = torch.full((1, 512), 300.0, dtype=torch.float16)
    half = float(seed_code()["RMSNorm"](512).half()(large).max())
    return Finding(
        (
            Measure("std 0.001: custom / built-in", ratio, "0.707/0.945", 0.7, 0.8),
            Measure(
                "std 1: custom − built-in",
                furthest(custom(usual), built_in(usual)),
                FLOAT32,
                high=1e-5,
            ),
            Measure(
                "std 0.001, ε the same", furthest(custom(tiny), same(tiny)), FLOAT32, high=1e-5
            ),
            Measure("300 in float16: what it returns", half, "300² overflows: 0", high=0.01),
        ),
        f"The listing and nn.RMSNorm(512) agree on tokens of std 1; at std 0.001 the listing's "
        f"output is {ratio:.2f} of the other. With ε the same they agree there too. For rows of "
        f"300 in float16 the listing returns {half:.0f}.",
    )


@torch.no_grad()
def seed_block() -> Finding:
    """Claim 39: is the listing a pre-norm block, and what does a model need besides?"""
    block = seed_code()["PreNormBlock"]
    torch.manual_seed(0)
    blocks = nn.Sequential(*(block(64, 4, 256) for _ in range(24)))
    x = torch.randn(2, 10, 64)
    later = x.clone()
    later[:, -1] *= -1  # to add a constant would change nothing: the norm removes it
    y = blocks(x)
    leak = furthest(blocks(later)[:, 0], y[:, 0])
    grown = float(y.square().mean() / x.square().mean())  # (B, T, D) -> ()
    first: Any = blocks[0]
    n = first.norm1(x)
    half = x + first.attn(n, n, n)[0]
    raw = furthest(first(x) - first.ffn(first.norm2(half)) - first.attn(n, n, n)[0], x)
    return Finding(
        (
            Measure("y − both branches − x", raw, "a pre-norm block: 0", high=1e-5),
            Measure("‖x‖²/d after 24 blocks / before", grown, "a final norm would give 1", low=1.3),
            Measure(
                "token 0 when the last one moves", leak, "a causal mask would give 0", low=1e-3
            ),
        ),
        f"The listing is a pre-norm block. Stacked 24 times, the stream's mean square grows by "
        f"{grown:.1f}, and the first token's output reads the last token.",
    )


CLAIMS = (
    Claim(
        36,
        "nn.LayerNorm(normalized_shape=512, eps=1e-5)",
        "measurement",
        "holds",
        "",
        "It normalizes over the last 512 features of each token, with the biased variance, and ε "
        "inside the root.",
        torchs_layer_norm,
        "(2, 10, 512), float32, as in the listing",
        TORCH.format("LayerNorm"),
        "01",
    ),
    Claim(
        37,
        "RMSNorm — built-in from PyTorch 2.4",
        "measurement",
        "holds",
        "",
        "nn.RMSNorm is in PyTorch since 2.4, and does not center.",
        torchs_rms_norm,
        "(2, 10, 512), float32, in the PyTorch that is installed; 2.3 was not run",
        TORCH.format("RMSNorm"),
        "04",
    ),
    Claim(
        38,
        "Custom RMSNorm for older PyTorch",
        "measurement",
        "holds if",
        "ε is set to that of nn.RMSNorm, and the input is float32",
        "Its ε is 1e-6; nn.RMSNorm's default is None, the machine epsilon of float32, 1.19e-7.",
        custom_and_built_in,
        "(2, 10, 512), float32, std 1 and 0.001",
        TORCH.format("RMSNorm"),
        "03",
    ),
    Claim(
        39,
        "Pre-norm transformer block: y = x + SubLayer(LN(x))",
        "measurement",
        "holds",
        "",
        "The listing runs and is a pre-norm block; on its own it is not a model.",
        seed_block,
        "24 blocks of the listing, d = 64, untrained",
        "Xiong et al. 2020, Table 1, arXiv:2002.04745",
        "05",
    ),
)
