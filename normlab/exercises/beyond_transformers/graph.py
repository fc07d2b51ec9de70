"""Exercise 07, second question: layer norm on the nodes of graphs."""

import numpy as np
from numpy.typing import NDArray

from normlab.checks.examples import number
from normlab.checks.exercise import Law, Outputs, Probe, Question, Value
from normlab.exercises.beyond_transformers.graph_mistakes import MISTAKES
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


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    one, zero = np.ones(2), np.zeros(2)
    gamma, beta = rng.uniform(0.5, 2.0, 4), rng.standard_normal(4)
    drawn = rng.standard_normal((4, 4)) + np.arange(4)[:, None]
    two = np.array([[0.0, 2.0], [4.0, 10.0]])
    usual = {"x": drawn, "batch": np.array([1, 0, 1, 0]), "gamma": gamma, "beta": beta}
    graph = {**usual, "mode": "graph"}
    return (
        Probe(
            "one graph of two nodes",
            {"x": two, "batch": np.zeros(2, int), "gamma": one, "beta": zero, "mode": "graph"},
        ),
        Probe(
            "two nodes by themselves",
            {"x": two, "batch": np.zeros(2, int), "gamma": one, "beta": zero, "mode": "node"},
        ),
        Probe("two graphs whose nodes are mixed, mode graph", graph),
        Probe("two graphs whose nodes are mixed, mode node", {**usual, "mode": "node"}),
        Probe("graphs 0 and 3; 1 and 2 have no nodes", {**graph, "batch": np.array([0, 0, 3, 3])}),
        Probe("a variance of the size of ε, mode graph", {**graph, "x": 0.002 * drawn}),
        Probe(
            "a variance of the size of ε, mode node", {**usual, "x": 0.002 * drawn, "mode": "node"}
        ),
        Probe("a large ε, mode graph", {**graph, "eps": 0.5}),
        Probe("a graph of equal numbers", {**graph, "x": np.full((4, 4), 3.0)}),
        Probe(
            "no nodes at all",
            {**graph, "x": drawn[:0], "batch": np.zeros(0, int)},
            special=True,
        ),
        Probe(
            # A float32 mean of numbers near 1e4 is off by about 1e-3.
            "float32 numbers far from 0, mode graph",
            {**_as(np.float32, graph), "x": (drawn + 1e4).astype(np.float32)},
            tolerance=5e-3,
            special=True,
            rounding=True,
        ),
        Probe(
            "float64 numbers far from 0, mode node",
            {**usual, "x": drawn + 1e8, "mode": "node"},
            tolerance=1e-6,
            special=True,
            rounding=True,
        ),
        Probe(
            "float16 numbers whose squares overflow",
            {
                **_as(np.float16, graph),
                "x": np.array([[300, -300, 0, 0], [9, 1, 2, 3]] * 2, np.float16),
            },
            tolerance=4e-3,  # four float16 steps
            special=True,
        ),
        Probe(
            "a gain and a shift of another dtype, and a small batch dtype",
            {
                **_as(np.float32, graph),
                "x": drawn + 1e4,
                "batch": np.array([1, 0, 1, 0], np.int16),
            },
            special=True,
            tolerance=1e-6,  # γ may be rounded to float32, the statistics may not
        ),
        *_misfits(graph),
    )


def _misfits(graph: dict[str, Value]) -> tuple[Probe, ...]:
    """What must raise an error: 8 nodes, so that other probes are shown before."""
    graph = graph | {"x": np.tile(graph["x"], (2, 1)), "batch": np.tile(graph["batch"], 2)}
    gamma, beta = graph["gamma"][:1], graph["beta"][:1]
    node = graph | {"mode": "node"}
    misfits = {
        "a gain of one number": graph | {"gamma": gamma},
        "a shift of one number": graph | {"beta": beta},
        "a gain and a shift of one number": graph | {"gamma": gamma, "beta": beta},
        "a batch with an entry for one node only": node | {"batch": np.zeros(1, int)},
    }
    shapes = [
        Probe(title, arguments, special=True, error_names=("(1,)", "(8, 4)"))
        for title, arguments in misfits.items()
    ]
    mode = graph | {"mode": "nodes"}
    return (*shapes, Probe("a misspelt mode", mode, special=True, error_names=("nodes",)))


def _as(dtype: type, arguments: dict[str, Value]) -> dict[str, Value]:
    return arguments | {n: arguments[n].astype(dtype) for n in ("x", "gamma", "beta")}


_X = np.array([[1.0, 3, -2], [5, 5, 8], [0, 1, 1], [9, -4, 2]])
_ONE = {
    "x": _X,
    "batch": np.array([0, 1, 0, 1]),
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
        (_ONE, {**_ONE, "x": _X[[0, 2]], "batch": np.zeros(2, int)}),
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
        (_ONE, {**_ONE, "x": _X[_ORDER], "batch": np.array([0, 1, 0, 1])[_ORDER]}),
        _reordered,
    ),
)

GRAPH = Question(
    function="graph_layer_norm",
    points=3,
    driver=drivers.graph,
    reference=graph_layer_norm,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=(
        "Mode node is layer norm on each row. In mode graph, which numbers share a mean? "
        "batch == 3 selects the rows of graph 3.",
        "Go through the graphs with np.unique(batch). For each: own = x[batch == one], one mean "
        "and one variance over all of it (no axis), and write the result back into the same rows.",
        "normalized = np.empty_like(wide); for one in np.unique(batch): rows = batch == one; "
        "centered = wide[rows] - wide[rows].mean(); normalized[rows] = centered / "
        "np.sqrt((centered**2).mean() + eps). Mode node is the same with batch = "
        "np.arange(len(x)). Check gamma, beta, batch and mode first; at the end gamma * normalized "
        "+ beta in x.dtype.",
    ),
)

QUESTIONS = (GRAPH,)
