"""Norms on the nodes of graphs, in NumPy: layer norm in its two modes, and GraphNorm.

A mini-batch of graphs is one array of all nodes, and `batch`, the number of each node's graph.
"""

import numpy as np
from numpy.typing import NDArray

from normlab.norms import FloatArray

Groups = NDArray[np.integer]


def graph_layer_norm(
    x: FloatArray,
    batch: Groups,
    gamma: FloatArray,
    beta: FloatArray,
    mode: str,
    eps: float = 1e-5,
) -> FloatArray:
    """Layer norm of nodes: y = γ ⊙ (x − μ)/√(σ² + ε) + β.

    In mode "node", μ and σ² are taken over the D channels of one node. In mode "graph" they are
    taken over all nodes and channels of one graph. Graphs never mix.

    Args:
        x: (N, D), any float dtype; the sums are taken in float64.
        batch: (N,), the number of each node's graph, in any order; numbers may be missing.
        gamma, beta: (D,), in both modes.
        mode: "node" or "graph".
        eps: ≥ 0, inside the root.

    Returns:
        (N, D) in the dtype of `x`.

    Raises:
        ValueError: if shapes do not fit, or there is no such mode.

    Source: PyTorch Geometric's `LayerNorm` has both modes; its default is "graph".

    Example:
        >>> x, batch = np.array([[0.0, 2.0], [4.0, 10.0]]), np.array([0, 0])
        >>> graph_layer_norm(x, batch, np.ones(2), np.zeros(2), "node").round(2)
        array([[-1.,  1.],
               [-1.,  1.]])
        >>> graph_layer_norm(x, batch, np.ones(2), np.zeros(2), "graph").round(2)
        array([[-1.07, -0.53],
               [ 0.  ,  1.6 ]])
    """
    _check(x, batch, gamma=gamma, beta=beta)
    if mode not in ("node", "graph"):
        raise ValueError(f"mode is {mode!r}; expected 'node' or 'graph'.")
    group = batch if mode == "graph" else np.arange(len(x))
    wide = x.astype(np.float64)
    centered = wide - _group_means(wide.mean(1, keepdims=True), group)  # (N, D) - (N, 1)
    squares = (centered**2).mean(1, keepdims=True)  # (N, D) -> (N, 1)
    normalized = centered / np.sqrt(_group_means(squares, group) + eps)
    return (gamma * normalized + beta).astype(x.dtype)


def graph_norm(
    x: FloatArray,
    batch: Groups,
    gamma: FloatArray,
    beta: FloatArray,
    alpha: FloatArray,
    eps: float = 1e-5,
) -> FloatArray:
    """GraphNorm: y = γ ⊙ (x − α ⊙ μ)/√(σ² + ε) + β, with σ² the mean square of x − α ⊙ μ.

    μ and σ² are taken over the nodes of one graph, for each channel by itself. The learned α says
    how much of the mean is removed: with α = 1 it is instance norm.

    Args:
        x, batch, eps: as in `graph_layer_norm`.
        gamma, beta, alpha: (D,).

    Returns:
        (N, D) in the dtype of `x`.

    Raises:
        ValueError: if shapes do not fit.

    Source: Cai et al. 2021, arXiv:2009.03294.

    Example:
        >>> x, batch, one = np.array([[0.0, 2.0], [4.0, 10.0]]), np.array([0, 0]), np.ones(2)
        >>> graph_norm(x, batch, one, np.zeros(2), alpha=one).round(2)
        array([[-1., -1.],
               [ 1.,  1.]])
    """
    _check(x, batch, gamma=gamma, beta=beta, alpha=alpha)
    wide = x.astype(np.float64)
    shifted = wide - alpha * _group_means(wide, batch)
    normalized = shifted / np.sqrt(_group_means(shifted**2, batch) + eps)
    return (gamma * normalized + beta).astype(x.dtype)


def _group_means(values: FloatArray, group: Groups) -> FloatArray:
    """The mean over each node's group, at each node: (N, K) -> (G, K) -> (N, K)."""
    _, place, counts = np.unique(group, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, place, values)
    means: FloatArray = (sums / counts[:, None])[place]
    return means


def _check(x: FloatArray, batch: Groups, **channels: FloatArray) -> None:
    nodes, features = x.shape
    for name, given in channels.items():
        if given.shape != (features,):
            raise ValueError(
                f"{name} has the shape {given.shape}, but x has {x.shape}; expected ({features},)."
            )
    if batch.shape != (nodes,):
        raise ValueError(
            f"batch has the shape {batch.shape}, but x has {x.shape}; expected ({nodes},)."
        )
