"""Exercise 07, second question: layer norm on the nodes of graphs."""

import numpy as np
from numpy.typing import NDArray

from normlab.checks.examples import number
from normlab.checks.exercise import (
    ANY_INPUT,
    FORMULA,
    PRECISION,
    Law,
    Outputs,
    Question,
)
from normlab.exercises.beyond_transformers.graph_mistakes import MISTAKES
from normlab.exercises.beyond_transformers.graph_probes import probes
from normlab.exercises.drivers import beyond_transformers as drivers
from normlab.norms import FloatArray


def graph_layer_norm(
    x: FloatArray,
    batch: NDArray[np.integer],
    gamma: FloatArray,
    beta: FloatArray,
    mode: str,
    eps: float = 1e-5,
) -> FloatArray:
    nodes, features = x.shape
    if not gamma.shape == beta.shape == (features,):
        raise ValueError(f"gamma {gamma.shape} and beta {beta.shape} do not fit x {x.shape}.")
    if batch.shape != (nodes,):
        raise ValueError(f"batch {batch.shape} does not fit x {x.shape}.")
    if mode not in ("node", "graph"):
        raise ValueError(f"mode is {mode!r}; expected 'node' or 'graph'.")
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    group = batch if mode == "graph" else np.arange(nodes)
    normalized = np.empty_like(wide)
    for one in np.unique(group):
        rows = group == one
        own = wide[rows]  # (N, D) -> (n, D)
        centered = own - own.mean()  # (n, D) -> ()
        variance = (centered**2).mean()  # (n, D) -> ()
        normalized[rows] = centered / np.sqrt(variance + eps)
    return (gamma * normalized + beta).astype(x.dtype)


_X = np.array([[1.0, 3, -2], [5, 5, 8], [0, 1, 1], [9, -4, 2]])
_ONE = {
    "x": _X,
    "batch": np.array([0, 1, 0, 1], np.int64),
    "gamma": np.ones(3),
    "beta": np.zeros(3),
    "mode": "graph",
}
_ORDER = np.array([3, 0, 2, 1])


def _alone(together: Outputs, alone: Outputs) -> str | None:
    change = np.abs(together["y"][[0, 2]] - alone["y"]).max()
    return None if change < 1e-9 else f"alone, graph 0 of two changes by {change:.3g}."


def _statistics(out: Outputs) -> str | None:
    graphs = [out["y"][rows] for rows in ([0, 2], [1, 3])]
    mean, variance = np.mean(graphs, axis=(1, 2)), np.var(graphs, axis=(1, 2))  # (2, n, D) -> (2,)
    if np.allclose(mean, 0, atol=1e-6) and np.allclose(variance, 1, atol=1e-3):
        return None
    return (
        f"with γ = 1, β = 0 two graphs have the means {number(mean)} and variances "
        f"{number(variance)}."
    )


def _rows(out: Outputs) -> str | None:
    mean, variance = out["y"].mean(-1), out["y"].var(-1)  # (N, D) -> (N,)
    if np.allclose(mean, 0, atol=1e-6) and np.allclose(variance, 1, atol=1e-3):
        return None
    return (
        f"with γ = 1, β = 0 the nodes have the means {number(mean)} and variances "
        f"{number(variance)}."
    )


def _reordered(one: Outputs, other: Outputs) -> str | None:
    change = np.abs(one["y"][_ORDER] - other["y"]).max()
    return None if change < 1e-9 else f"the largest change is {change:.3g}."


LAWS = (
    Law(
        "graphs-depend",
        "graphs change each other's outputs",
        (_ONE, {**_ONE, "x": _X[[0, 2]], "batch": np.zeros(2, np.int64)}),
        _alone,
    ),
    Law(
        "graph-not-standard", "mode graph does not give mean 0 and variance 1", (_ONE,), _statistics
    ),
    Law(
        "node-not-standard",
        "mode node does not give mean 0 and variance 1",
        ({**_ONE, "mode": "node"},),
        _rows,
    ),
    Law(
        "order-matters",
        "the order in which the nodes are listed changes their outputs",
        (_ONE, {**_ONE, "x": _X[_ORDER], "batch": np.array([0, 1, 0, 1], np.int64)[_ORDER]}),
        _reordered,
    ),
)

GRAPH = Question(
    function="graph_layer_norm",
    levels={FORMULA: 1, ANY_INPUT: 1, PRECISION: 1},
    driver=drivers.graph,
    reference=graph_layer_norm,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints={
        FORMULA: (
            "Mode node is layer norm on each row. In mode graph, which numbers share a mean? "
            "batch == 3 selects the rows of graph 3.",
            "Go through the graphs. For each: own = x[batch == one], one mean and one variance "
            "over all of it (no axis), and write the result back into the same rows. ε stands "
            "under the root: try ε = 0.5 and a graph of equal numbers.",
            "normalized = np.empty_like(x); for one in np.unique(batch): rows = batch == one; "
            "centered = x[rows] - x[rows].mean(); normalized[rows] = centered / "
            "np.sqrt((centered**2).mean() + eps). Mode node is the same with batch = "
            "np.arange(len(x)). Return gamma * normalized + beta.",
        ),
        ANY_INPUT: (
            "What does your loop do with batch = [0, 0, 3, 3], and what without any node? And what "
            "if gamma has one entry only?",
            "np.unique(batch) gives the numbers that have nodes, and none for an empty batch. "
            "First of all compare gamma.shape, beta.shape, batch.shape and mode with what they "
            "must be.",
            "if gamma.shape != x.shape[1:] or beta.shape != x.shape[1:] or batch.shape != "
            'x.shape[:1]: raise ValueError(f"gamma {gamma.shape}, beta {beta.shape}, batch '
            '{batch.shape} do not fit x {x.shape}"). Likewise mode not in ("node", "graph").',
        ),
        PRECISION: (
            "Try float16 numbers near 300, and numbers near 10,000. Which one comes out wrong, and "
            "in which line does it happen?",
            "Subtract the mean before you square. float16 is converted to float32 before the first "
            "mean, float64 stays float64, and the result gets the dtype of x.",
            "wide = x.astype(np.promote_types(x.dtype, np.float32)) first; the formula with wide; "
            "y.astype(x.dtype) last.",
        ),
    },
)

QUESTIONS = (GRAPH,)
