"""The experiments, the same for every library; the inputs come from NumPy with fixed seeds."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from normlab.chapters.frameworks.framework import COMPARED_NORMS, Framework
from normlab.chapters.frameworks.library import Library, Weights
from normlab.chapters.frameworks.report import Carried, Defaults, HalfPrecision, SweepPoint
from normlab.norms import FloatArray, layer_norm, layer_norm_backward, rms_norm, rms_norm_backward

EPS = 1e-5
"""The one ε of the comparison."""
TORCH_EPS = {"LayerNorm": 1e-5, "RMSNorm": 2.0**-23}
"""torch's defaults, which go along when its block is carried."""
STDS = (1, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4)
OFFSETS = (0, 10, 1000)
FEATURES, HIDDEN, BLOCK_STD = 64, 128, 0.05


def exact(
    norm: str, x: FloatArray, weights: Mapping[str, FloatArray] | None = None, eps: float = EPS
) -> FloatArray:
    """A norm in float64 by `normlab.norms`; weights are by torch's names.

    >>> exact("RMSNorm", np.array([[3.0, 4.0]]), eps=0).round(4)
    array([[0.8485, 1.1314]])
    """
    weights, x = weights or {}, x.astype(np.float64)
    if norm == "LayerNorm":
        return layer_norm(x, weights.get("weight"), weights.get("bias"), eps)
    return rms_norm(x, weights.get("weight"), eps)


def read_defaults(library: Library, framework: Framework, norm: str) -> Defaults:
    """A norm's defaults from its signature, and its ε once more from an output."""
    signature = library.signature(norm)
    x = np.array([[1e-4, -1e-4]], np.float32)  # mean 0, so it serves both norms
    y, _ = library.run(library.norm(norm, 2), x, "float32")
    mean_square = (x.astype(np.float64) ** 2).mean()  # (1, 2) -> ()
    return Defaults(
        framework.norms[norm].replace(":", "."),
        next(iter(signature)),
        str(signature[library.epsilon].default),
        float(mean_square / (y**2).mean() - mean_square),
        library.own_names(norm),
    )


def random_weights(norm: str, features: int, rng: np.random.Generator) -> Weights:
    """γ near 1 and, for layer norm, β near 0; each is a float16 number too."""
    gamma, beta = 0.3 * rng.standard_normal((2, features)) + [[1], [0]]  # (2, D)
    weights = {"weight": gamma} | ({"bias": beta} if norm == "LayerNorm" else {})
    return {name: w.astype(np.float16).astype(np.float32) for name, w in weights.items()}


def differences(library: Library, norm: str, seed: int = 0) -> dict[str, float]:
    """Output and gradients in float32 against float64, on 32 rows of 512 features, ε = 1e-5.

    Each is the greatest difference as a fraction of the greatest entry.
    """
    rng = np.random.default_rng(seed)
    x, dy = rng.standard_normal((2, 32, 512), np.float32)  # (2, N, D) -> (N, D) twice
    weights = random_weights(norm, 512, rng)
    layer = library.norm(norm, 512, **{library.epsilon: EPS})
    library.write(layer, weights)
    found = {"y": library.run(layer, x, "float32")[0], **library.gradients(layer, x, dy)}
    backward: Any = layer_norm_backward if norm == "LayerNorm" else rms_norm_backward
    gradients = backward(*(a.astype(np.float64) for a in (dy, x, weights["weight"])), EPS)
    want = {"y": exact(norm, x, weights)}
    want |= dict(zip(("x", "weight", "bias"), gradients, strict=False))
    shown = {"y": "y", "x": "dx", "weight": "dγ", "bias": "dβ"}
    return {
        shown[name]: float(np.abs(found[name] - w).max() / np.abs(w).max())
        for name, w in want.items()
    }


def half_precision(library: Library, norm: str, seed: int = 0) -> HalfPrecision:
    """float16 inputs into a layer with defaults, and into one that is in float16 itself."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((16, 64)).astype(np.float16).astype(np.float32)  # (N, D)
    weights = {"weight": random_weights(norm, 64, rng)["weight"]}
    if norm == "LayerNorm":
        weights["bias"] = np.zeros(64, np.float32)
    _, plain_dtype = library.run(library.norm(norm, 64), x, "float16")
    half = library.norm(norm, 64, **{library.epsilon: EPS}, **library.half)
    library.write(half, weights)
    y, dtype = library.run(half, x, "float16")
    want = exact(norm, x, weights)
    spacing = np.spacing(np.abs(want).astype(dtype)).astype(np.float64)
    sizable = np.abs(want) > 0.1  # near 0 the spacing vanishes, and no error does
    pair = library.norm(norm, 2, **library.half)
    large, _ = library.run(pair, np.array([[300, -300]], np.float32), "float16")
    roundings = (np.abs(y - want) / spacing)[sizable].max()
    return HalfPrecision(plain_dtype, dtype, float(roundings), float(large[0, 0]))


def sweep(library: Library, norm: str, eps: float, seed: int = 0) -> list[SweepPoint]:
    """A norm with its defaults on 16 rows of 512 features for each of `STDS` and `OFFSETS`.

    `eps` is the library's default, for the float64 that it is compared with. The inputs are
    rounded to float32 first, and both sides see the rounded ones.
    """
    rows = np.random.default_rng(seed).standard_normal((16, 512))
    layer = library.norm(norm, 512)
    points = []
    for offset in OFFSETS:
        for std in STDS:
            x = (offset + std * rows).astype(np.float32)  # (N, D)
            y, _ = library.run(layer, x, "float32")
            own, ideal = (float(np.abs(y - exact(norm, x, eps=e)).max()) for e in (eps, 0))
            points.append(SweepPoint(std, offset, own, ideal, float(np.sqrt((y**2).mean()))))
    return points


def exact_block(weights: Weights, x: FloatArray) -> FloatArray:
    """RMS(x + W₂ gelu(W₁ LN(x) + b₁) + b₂) in float64, with u·Φ(u) as GELU and `TORCH_EPS`.

    Source: Hendrycks & Gimpel 2016, arXiv:1606.08415, §2.
    """
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    norm = {"weight": w["norm.weight"], "bias": w["norm.bias"]}
    erf: Callable[..., Any] = np.vectorize(math.erf)
    normed = exact("LayerNorm", x, norm, TORCH_EPS["LayerNorm"])
    inner = normed @ w["inner.weight"].T + w["inner.bias"]  # (N, D) -> (N, H)
    active = inner * (1 + erf(inner / math.sqrt(2))) / 2
    stream = x + active @ w["outer.weight"].T + w["outer.bias"]  # (N, H) -> (N, D)
    return exact("RMSNorm", stream, {"weight": w["final.weight"]}, TORCH_EPS["RMSNorm"])


def block_input(seed: int = 0) -> FloatArray:
    """16 rows of standard deviation 0.05, the size of an embedding: small enough for ε to count."""
    rows = np.random.default_rng(seed).standard_normal((16, FEATURES), np.float32)
    return np.float32(BLOCK_STD) * rows


def carry(library: Library, weights: Weights) -> tuple[Carried, Weights]:
    """Put torch's weights into a block here, run it three ways, and read the weights back."""
    x = block_input()
    want, back = exact_block(weights, x), {}

    def error(gelu: Mapping[str, Any], eps: Mapping[str, float]) -> float:
        block = library.block(FEATURES, HIDDEN, gelu, eps)
        library.write(block, weights)
        back.update(library.read(block))
        y, _ = library.run(block, x, "float32")
        return float(np.abs(y - want).max() / np.abs(want).max())

    carried = Carried(
        settled=error(library.exact_gelu, TORCH_EPS),
        default_eps=error(library.exact_gelu, {}),
        default_gelu=error({}, TORCH_EPS),
    )
    return carried, back


def all_norms(experiment: Callable[[str], Any]) -> dict[str, Any]:
    """One experiment for each norm."""
    return {norm: experiment(norm) for norm in COMPARED_NORMS}
