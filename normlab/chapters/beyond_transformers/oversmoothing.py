"""Over-smoothing: how far apart the nodes of a graph are, after more and more untrained layers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from normlab.models.graph_network import GCN, GRAPH_NORMS, Communities, draw_communities
from normlab.norms import FloatArray
from normlab.probes import replaced_outputs
from normlab.tools.table import Table

DEPTH, HIDDEN = 64, 32
MODES = {"LN, mode node": "node", "LN, mode graph": "graph"}


def dirichlet_energy(x: FloatArray, adjacency: FloatArray) -> float:
    """½ Σ_ij A_ij ‖x_i/√(1+d_i) − x_j/√(1+d_j)‖² = tr(Xᵀ(I − Â)X), with d_i the links of node i.

    It is 0 where every node is √(1+d_i) times one and the same vector, and nowhere else in a
    connected graph. The sum of squares has no cancellation, where the trace has.

    Shape:
        x (N, D), adjacency A (N, N) -> a number

    Source: Cai & Wang 2020, arXiv:2006.13318.

    Example:
        >>> two_linked = np.array([[0.0, 1.0], [1.0, 0.0]])
        >>> round(dirichlet_energy(np.array([[1.0], [3.0]]), two_linked), 9)
        2.0
    """
    scaled = x / np.sqrt(1 + adjacency.sum(1, keepdims=True))  # (N, D) / (N, 1)
    one, other = np.nonzero(np.triu(adjacency))
    return float(((scaled[one] - scaled[other]) ** 2).sum())


def directions_apart(x: FloatArray) -> float:
    """The mean of 1 − cos(x_i, x_j) over all pairs of nodes: 0 where all point the same way.

    It is the mean of ‖u_i − ū‖² with u_i = x_i/‖x_i‖, and 0 for a node that is 0.

    Shape:
        x (N, D) -> a number from 0 to 2

    Example:
        >>> directions_apart(np.array([[1.0, 0.0], [0.0, 5.0]]))
        0.5
    """
    lengths = np.sqrt((x**2).sum(1, keepdims=True))  # (N, D) -> (N, 1)
    units = np.divide(x, lengths, out=np.zeros_like(x), where=lengths > 0)
    return float(((units - units.mean(0)) ** 2).sum(1).mean())  # (N, D) -> (N,) -> ()


def share_explained(x: FloatArray, known: FloatArray) -> float:
    """How much of the spread of the nodes' directions is a linear function of what is known.

    R² of least squares: the share of Σ ‖u_i − ū‖² that is left of the fitted values.

    Shape:
        x (N, D), known (N, K) -> a number from 0 to 1

    Example:
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
        >>> round(share_explained(x, known=np.array([[1.0], [0.0], [0.0]])), 6)
        1.0
    """
    units = x / np.sqrt((x**2).sum(1, keepdims=True))  # (N, D) / (N, 1)
    spread, causes = units - units.mean(0), known - known.mean(0)
    weights, *_ = np.linalg.lstsq(causes, spread)
    return float(((causes @ weights) ** 2).sum() / (spread**2).sum())


def flattened(x: FloatArray) -> FloatArray:
    """Each node in the two directions in which the nodes differ most, over the nodes' length.

    (N, D) -> (N, 2): 0 for all where the nodes are one and the same vector.
    """
    length = np.sqrt((x**2).sum(1).mean())  # (N, D) -> (N,) -> ()
    centered = (x - x.mean(0)) / length  # (N, D) - (D,)
    _, _, directions = np.linalg.svd(centered, full_matrices=False)
    places: FloatArray = centered @ directions[:2].T  # (N, D) @ (D, 2) -> (N, 2)
    return places * np.sign(places[np.abs(places).argmax(0), [0, 1]])


def one_digit(value: float) -> str:
    """
    >>> one_digit(130.0), one_digit(0.24), one_digit(2.2e-6)
    ('100', '0.2', '2e-06')
    """
    return f"{float(f'{value:.1g}'):g}"


def layers_in_words(depth: int) -> str:
    """The head of a column.

    >>> layers_in_words(1), layers_in_words(2)
    ('1 layer', '2 layers')
    """
    return f"{depth} layer{'' if depth == 1 else 's'}"


@dataclass(frozen=True)
class Smoothing:
    """The nodes of one graph after each layer of untrained networks with the same weights.

    Attributes:
        graph: what they ran on.
        layers: by norm, the features (N, D) after 0, 1, … layers.
    """

    graph: Communities
    layers: Mapping[str, Sequence[FloatArray]]

    def energy(self, norm: str) -> FloatArray:
        """The Dirichlet energy over the nodes, after each layer (L+1,)."""
        adjacency = self.graph.adjacency
        return np.array([dirichlet_energy(x, adjacency) / len(x) for x in self.layers[norm]])

    def apart(self, norm: str) -> FloatArray:
        """`directions_apart` after each layer (L+1,)."""
        return np.array([directions_apart(x) for x in self.layers[norm]])

    def places(self, norm: str, depth: int) -> FloatArray:
        """The nodes after so many layers, `flattened` (N, 2)."""
        return flattened(self.layers[norm][depth])

    def shares(self, depth: int) -> Table:
        """One row per norm: what share of the spread is the number of links, or the community."""
        roots = np.sqrt(1 + self.graph.adjacency.sum(1, keepdims=True))  # (N, N) -> (N, 1)
        communities = np.eye(int(self.graph.labels.max()) + 1)[self.graph.labels]
        rows = []
        for norm, layers in self.layers.items():
            causes = (roots, communities)
            rows.append([norm, *(f"{share_explained(layers[depth], c):.2f}" for c in causes)])
        return Table(("norm", "by number of links", "by community"), rows)

    def table(self, depths: Sequence[int] = (0, 2, 4, 8, 16, 32)) -> Table:
        """Two rows per norm: the energy, and how far the directions are apart."""
        rows = [
            [norm, name, *(one_digit(values[depth]) for depth in depths)]
            for norm in self.layers
            for name, values in {"energy": self.energy(norm), "apart": self.apart(norm)}.items()
        ]
        return Table(("norm", "", *map(layers_in_words, depths)), rows)


def smoothing(
    seed: int = 0, depth: int = DEPTH, graph_layer_norm: Callable[..., FloatArray] | None = None
) -> Smoothing:
    """Run an untrained network of `depth` layers with each norm, in float64.

    Args:
        seed: of graph and weights.
        depth: layers.
        graph_layer_norm: graph_layer_norm(x, batch, gamma, beta, mode) in NumPy that computes in
            place of the layer norms of both modes.

    Example:
        >>> found = smoothing(depth=4)
        >>> len(found.layers["no norm"]), found.layers["GraphNorm"][4].shape
        (5, (120, 32))
    """
    graph = draw_communities(seed)
    x, propagation = map(torch.tensor, (graph.features, graph.propagation))
    layers = {}
    for norm in GRAPH_NORMS:
        model = GCN(depth, x.shape[1], HIDDEN, 3, norm, seed).double()
        own = [*model.norms] if graph_layer_norm and norm in MODES else []
        in_numpy = partial(_in_numpy, graph_layer_norm, MODES.get(norm, ""))
        with torch.no_grad(), replaced_outputs(own, in_numpy):
            layers[norm] = [features.numpy() for features in model.layers(x, propagation)]
    return Smoothing(graph, layers)


def _in_numpy(graph_layer_norm: Any, mode: str, module: Any, x: Tensor) -> Tensor:
    """What a NumPy function makes of one graph's nodes, with the gain and shift of a module."""
    gamma, beta = (parameter.detach().numpy() for parameter in (module.weight, module.bias))
    one_graph = np.zeros(len(x), np.int64)
    return torch.from_numpy(graph_layer_norm(x.numpy(), one_graph, gamma, beta, mode))
