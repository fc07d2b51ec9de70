"""Which numbers of a mini-batch of graphs share a mean: found by moving each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from normlab.chapters.beyond_transformers.mini_batch_norms import batched_norms
from normlab.tools.table import Table

NORMS = {"mode node": "mode node", "mode graph": "mode graph, with batch", "GraphNorm": "GraphNorm"}
"""Name in the picture -> name in `batched_norms`."""


@dataclass(frozen=True)
class SharedMeans:
    """Groups of numbers that share a mean and a variance.

    Args:
        batch: the number of each node's graph.
        groups: norm -> (N, D), the same number where a mean is shared, counted from 0.
    """

    batch: tuple[int, ...]
    groups: Mapping[str, NDArray[np.intp]]

    def sizes(self, norm: str) -> list[int]:
        """How many numbers share each of the means of a norm."""
        return [int(size) for size in np.bincount(self.groups[norm].ravel())]  # (N, D) -> (N·D,)

    def table(self) -> Table:
        rows = [[norm, len(self.sizes(norm)), max(self.sizes(norm))] for norm in self.groups]
        return Table(("norm", "means", "numbers that share one"), rows)


def shared_means(batch: Sequence[int] = (1, 0, 1, 0), channels: int = 3) -> SharedMeans:
    """Who shares a mean in layer norm's two modes on graphs, and in GraphNorm.

    Each number is moved by itself; the outputs that change are those of its group.

    Args:
        batch: the number of each node's graph, in any order.
        channels: of a node; at least 3, since two numbers have the same outputs wherever they are.

    >>> shared_means().sizes("mode graph")
    [6, 6]
    """
    x = np.random.default_rng(0).standard_normal((len(batch), channels))
    norms = batched_norms(np.array(batch), channels)
    groups = {}
    for name, called in NORMS.items():
        moved = np.stack([norms[called](x + step) for step in _steps(x.shape)])
        change = np.abs(moved - norms[called](x)) > 1e-6  # (N·D, N, D)
        groups[name] = _numbered(change.reshape(x.size, x.size).argmax(axis=1)).reshape(x.shape)
    return SharedMeans(tuple(batch), groups)


def _steps(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """One step for each number, (N·D, N, D)."""
    size = int(np.prod(shape))  # -> ()
    return 0.1 * np.eye(size).reshape(size, *shape)  # (N·D, N·D) -> (N·D, N, D)


def _numbered(first: NDArray[np.intp]) -> NDArray[np.intp]:
    """The groups counted from 0, each known by its first number: (N·D,) -> (N·D,)."""
    return np.unique(first, return_inverse=True)[1]
