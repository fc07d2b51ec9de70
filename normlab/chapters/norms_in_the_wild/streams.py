"""Several residual streams: what mixing them in every layer does to what they carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from normlab.norms import FloatArray

STREAMS, LAYERS, NEAR = 4, 60, 5.0


def sinkhorn(weights: FloatArray, rounds: int = 20) -> FloatArray:
    """Doubly stochastic matrices, whose rows and columns sum to 1, from positive weights.

    Formula: divide each row by its sum, then each column by its sum, and again.

    Args:
        weights: all above 0 (..., n, n).
        rounds: of both; DeepSeek-V4 has 20.

    Raises:
        ValueError: if a weight is not above 0.

    Source: Sinkhorn and Knopp 1967; in residual streams Xie et al. 2025 (manifold-constrained
    hyper-connections, arXiv:2512.24880), as `transformers` 5.24 has it in
    `deepseek_v4/modeling_deepseek_v4.py`.

    Example:
        >>> sinkhorn(np.array([[1.0, 3.0], [1.0, 1.0]])).round(3)
        array([[0.366, 0.634],
               [0.634, 0.366]])
    """
    if not (weights > 0).all():
        raise ValueError(
            f"the smallest weight is {weights.min():g}; expected weights above 0, "
            "such as exp of any numbers."
        )
    for _ in range(rounds):
        weights = weights / weights.sum(-1, keepdims=True)  # rows: (..., n, n) -> (..., n, 1)
        weights = weights / weights.sum(-2, keepdims=True)  # columns: (..., n, n) -> (..., 1, n)
    return weights


@dataclass(frozen=True)
class MixedStreams:
    """What the product of the mixing matrices of l layers does, for l = 0 … L.

    Attributes:
        largest: by the kind of mixing, its largest singular value (L + 1,): the factor by which
            it stretches the streams at most.
        between: the same for the differences between the streams (L + 1,), the mean of the
            streams taken away: how much of a difference is left at most.
    """

    largest: Mapping[str, FloatArray]
    between: Mapping[str, FloatArray]


def mixed_streams(seeds: Sequence[int] = range(20), layers: int = LAYERS) -> MixedStreams:
    """Multiply the mixing matrices of random layers; medians over the seeds.

    Formula: with a noise N of independent N(0, 1),

        I + 0.1 N, I + 0.3 N
        doubly stochastic            sinkhorn(exp(N))
        doubly stochastic, near I    sinkhorn(exp(5 (I + 0.1 N)))

    How far a trained model's matrices are from I is the model's business: the noise here is a
    choice.

    Args:
        seeds: of the noise, the same for all kinds.
        layers: L.

    Example:
        >>> mixed = mixed_streams(seeds=[0], layers=3)
        >>> mixed.largest["doubly stochastic"].round(6).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    shape = len(seeds), layers, STREAMS, STREAMS
    noise = np.stack([np.random.default_rng(seed).standard_normal(shape[1:]) for seed in seeds])
    eye = np.eye(STREAMS)
    kinds = {
        "I + 0.1 N": eye + 0.1 * noise,
        "I + 0.3 N": eye + 0.3 * noise,
        "doubly stochastic, near I": sinkhorn(np.exp(NEAR * (eye + 0.1 * noise))),
        "doubly stochastic": sinkhorn(np.exp(noise)),
    }
    products = {kind: _products(matrices) for kind, matrices in kinds.items()}
    without_mean = eye - 1 / STREAMS
    return MixedStreams(
        {kind: _stretch(product) for kind, product in products.items()},
        {kind: _stretch(without_mean @ product) for kind, product in products.items()},
    )


def _products(matrices: FloatArray) -> FloatArray:
    """I, K_1, K_2 K_1, …: (S, L, n, n) -> (S, L + 1, n, n)."""
    product = np.broadcast_to(np.eye(STREAMS), matrices[:, 0].shape)
    products = [product]
    for layer in range(matrices.shape[1]):
        product = matrices[:, layer] @ product
        products.append(product)
    return np.stack(products, axis=1)


def _stretch(products: FloatArray) -> FloatArray:
    """The largest singular value, median over seeds: (S, L + 1, n, n) -> (L + 1,)."""
    stretch: FloatArray = np.median(np.linalg.norm(products, 2, (2, 3)), axis=0)
    return stretch
