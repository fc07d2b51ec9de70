"""A graph of communities, made from a seed, and a graph convolutional network to train on it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normlab.norms import FloatArray


@dataclass(frozen=True)
class Communities:
    """A graph whose nodes fall into communities, with noisy features.

    Attributes:
        adjacency: (N, N), 0 or 1, symmetric, without loops.
        features: (N, D).
        labels: (N,), the community of each node.
        known: (N,), True where the label is given for training.
    """

    adjacency: FloatArray
    features: FloatArray
    labels: Any
    known: Any

    @property
    def propagation(self) -> FloatArray:
        """Â = (D + I)^-½ (A + I) (D + I)^-½ (N, N). Kipf & Welling 2017, arXiv:1609.02907."""
        looped = self.adjacency + np.eye(len(self.adjacency))
        inverse_root = 1 / np.sqrt(looped.sum(1))  # (N, N) -> (N,)
        return inverse_root[:, None] * looped * inverse_root


def draw_communities(
    seed: int,
    sizes: tuple[int, ...] = (40, 40, 40),
    inside: float = 0.15,
    between: float = 0.03,
    features: int = 16,
    noise: float = 3.0,
    known: int = 8,
) -> Communities:
    """A stochastic block model: two nodes are linked by chance, more often inside a community.

    The features are the community's centre, N(0, 1) in each channel, plus N(0, noise²).

    Args:
        seed: of all that is drawn.
        sizes: nodes of each community.
        inside, between: probabilities of a link inside a community, and between two.
        features, noise: D, and how far nodes scatter around their centre.
        known: nodes of each community whose label is given.

    Source: Holland, Laskey & Leinhardt 1983, Stochastic blockmodels: first steps.

    Example:
        >>> graph = draw_communities(seed=0)
        >>> graph.features.shape, int(graph.known.sum())
        ((120, 16), 24)
    """
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    chance = np.where(labels[:, None] == labels, inside, between)
    upper = np.triu(rng.random(chance.shape) < chance, 1).astype(np.float64)
    centres = rng.standard_normal((len(sizes), features))
    points = centres[labels] + noise * rng.standard_normal((len(labels), features))
    given = np.zeros(len(labels), np.bool_)
    for community in range(len(sizes)):
        given[rng.choice(np.flatnonzero(labels == community), known, replace=False)] = True
    return Communities(upper + upper.T, points, labels, given)


class GraphLayerNorm(nn.Module):
    """`normlab.models.graph_layer_norm` with mode "graph" as a module, for one graph: x (N, D)."""

    def __init__(self, features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * nn.functional.layer_norm(x, x.shape, eps=self.eps) + self.bias


class GraphNorm(nn.Module):
    """`normlab.models.graph_norms` as a module, for one graph: x (N, D)."""

    def __init__(self, features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.mean_scale = nn.Parameter(torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        shifted = x - self.mean_scale * x.mean(0)  # (N, D) -> (D,)
        variance = shifted.square().mean(0)  # (N, D) -> (D,)
        return self.weight * shifted / torch.sqrt(variance + self.eps) + self.bias


GRAPH_NORMS: dict[str, Callable[[int], nn.Module]] = {
    "no norm": lambda features: nn.Identity(),
    "LN, mode node": nn.LayerNorm,
    "LN, mode graph": GraphLayerNorm,
    "GraphNorm": GraphNorm,
}


class GCN(nn.Module):
    """Layers x' = ReLU(norm(Â x W)), and a linear head.

    Args:
        depth: layers.
        features, hidden, classes: D of the input, inside, and of the output.
        norm: a name in `GRAPH_NORMS`.
        seed: of the weights, N(0, 2/fan_in), which keep the mean square through a ReLU.

    Source: Kipf & Welling 2017, Eq. 2, arXiv:1609.02907; the norm stands before the activation as
    in Cai et al. 2021, arXiv:2009.03294.

    Example:
        >>> graph = draw_communities(seed=0)
        >>> model = GCN(depth=2, features=16, hidden=32, classes=3, norm="GraphNorm", seed=0)
        >>> x, propagation = map(torch.tensor, (graph.features, graph.propagation))
        >>> model.double()(x, propagation).shape
        torch.Size([120, 3])
    """

    def __init__(
        self, depth: int, features: int, hidden: int, classes: int, norm: str, seed: int
    ) -> None:
        super().__init__()
        if norm not in GRAPH_NORMS:
            raise ValueError(f"norm is {norm!r}; expected one of {', '.join(GRAPH_NORMS)}.")
        sizes = [features] + [hidden] * depth
        linear = partial(nn.Linear, bias=False)
        self.linears = nn.ModuleList(map(linear, sizes[:-1], sizes[1:]))
        self.norms = nn.ModuleList(GRAPH_NORMS[norm](size) for size in sizes[1:])
        self.head = nn.Linear(sizes[-1], classes)
        rng = torch.Generator().manual_seed(seed)
        for layer in [*self.linears, self.head]:
            nn.init.normal_(layer.weight, 0, (2 / layer.in_features) ** 0.5, rng)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor, propagation: Tensor) -> Tensor:
        return self.head(self.layers(x, propagation)[-1])

    def layers(self, x: Tensor, propagation: Tensor) -> list[Tensor]:
        """The node features after 0, 1, … layers, each (N, D)."""
        found = [x]
        for linear, norm in zip(self.linears, self.norms, strict=True):
            found.append(torch.relu(norm(propagation @ linear(found[-1]))))
        return found


def train_gcn(
    graph: Communities,
    depth: int,
    norm: str,
    learning_rate: float,
    seed: int,
    steps: int = 150,
    hidden: int = 32,
) -> float:
    """The share of right labels on the nodes whose label was not given, after training by Adam."""
    model = GCN(depth, graph.features.shape[1], hidden, int(graph.labels.max()) + 1, norm, seed)
    x, propagation = (
        torch.tensor(array, dtype=torch.float32) for array in (graph.features, graph.propagation)
    )
    labels, known = torch.tensor(graph.labels), torch.tensor(graph.known)
    optimizer = torch.optim.Adam(model.parameters(), learning_rate, fused=True)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x, propagation)[known], labels[known])
        torch.autograd.backward(loss)
        optimizer.step()
    with torch.no_grad():
        right = model(x, propagation).argmax(1) == labels  # (N, C) -> (N,)
    return right[~known].float().mean().item()
