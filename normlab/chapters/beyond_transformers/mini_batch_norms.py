"""The norms of a mini-batch of graphs, as PyTorch Geometric's layers call them."""

from collections.abc import Callable, Mapping

import numpy as np

from normlab.models import graph_layer_norm, graph_norm
from normlab.models.graph_norms import Groups
from normlab.norms import FloatArray


def batched_norms(batch: Groups, channels: int) -> Mapping[str, Callable[[FloatArray], FloatArray]]:
    """Three norms with gain 1 and shift 0, and layer norm as it is called without `batch`.

    Args:
        batch: the number of each node's graph, (N,).
        channels: of a node.

    >>> norms = batched_norms(np.array([0, 0, 1]), channels=2)
    >>> norms["mode node"](np.array([[1.0, 3.0], [5.0, 1.0], [0.0, 4.0]])).round(1).tolist()
    [[-1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]]
    """
    ones, zeros, one_graph = np.ones(channels), np.zeros(channels), np.zeros_like(batch)
    return {
        "mode node": lambda x: graph_layer_norm(x, batch, ones, zeros, "node"),
        "mode graph, with batch": lambda x: graph_layer_norm(x, batch, ones, zeros, "graph"),
        "mode graph, without batch": lambda x: graph_layer_norm(x, one_graph, ones, zeros, "graph"),
        "GraphNorm": lambda x: graph_norm(x, batch, ones, zeros, alpha=ones),
    }
