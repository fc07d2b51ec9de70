"""Exercise 07, second question: the inputs on which answers must agree with the right one."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from normlab.checks.exercise import ANY_INPUT, PRECISION, Probe, Value
from normlab.exercises.inputs import (
    FLOAT32_DIGITS,
    any_input,
    digits,
    far,
    half,
    misfit,
    overflowing,
    plain,
    redrawn,
    rows,
    whole,
)

Draw = Callable[[np.random.Generator], dict[str, Value]]


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    gamma, beta = rng.uniform(0.5, 2.0, 4), rng.standard_normal(4)
    drawn = rows(rng, 4, 4) + np.arange(4)[:, None]
    usual = {"x": drawn, "batch": np.array([1, 0, 1, 0], np.int64), "gamma": gamma, "beta": beta}
    graph, node = {**usual, "mode": "graph"}, {**usual, "mode": "node"}
    general = *_formula(graph, node), *_any_input(graph, node, rng)
    return *general, *_precision(graph, node), *_eps(graph, node)


def _formula(graph: dict[str, Value], node: dict[str, Value]) -> tuple[Probe, ...]:
    one, zero = np.ones(2), np.zeros(2)
    two = {"x": np.array([[0.0, 2.0], [4.0, 10.0]]), "batch": np.zeros(2, np.int64)}
    two |= {"gamma": one, "beta": zero}

    def nodes(mode: str) -> Draw:
        return lambda rng: {**two, "x": whole(rng, 2, 2), "mode": mode}

    return (
        redrawn(plain("one graph of two nodes", {**two, "mode": "graph"}), nodes("graph")),
        redrawn(plain("two nodes by themselves", {**two, "mode": "node"}), nodes("node")),
        redrawn(
            plain("two graphs whose nodes are mixed, mode graph", graph),
            lambda rng: graph | {"batch": rng.permutation(graph["batch"])},
        ),
        plain("two graphs whose nodes are mixed, mode node", node),
    )


def _any_input(
    graph: dict[str, Value], node: dict[str, Value], rng: np.random.Generator
) -> tuple[Probe, ...]:
    x = graph["x"]
    low, high = np.sort(rng.permutation(np.arange(1, 9, dtype=np.int64))[:2])
    three = rng.permutation(np.array([low, low, high, high, 12, 12]))
    six = {"x": rows(rng, 6, 4), "batch": three}
    peak = np.zeros((2, 64))
    peak[0, int(rng.integers(64))] = float(rng.uniform(10, 20))
    wide = {"x": peak, "batch": np.zeros(2, np.int64), "gamma": np.ones(64), "beta": np.zeros(64)}
    return (
        any_input("three graphs whose numbers have gaps", graph | six),
        any_input(
            "every node a graph of its own",
            graph | {"batch": rng.permutation(np.arange(4, dtype=np.int64))},
        ),
        any_input("one node", graph | {"x": x[:1], "batch": np.array([low])}),
        any_input(
            "no nodes at all", graph | {"x": x[:0], "batch": np.zeros(0, np.int64)}, corner=True
        ),
        any_input(
            "no nodes at all, mode node",
            node | {"x": x[:0], "batch": np.zeros(0, np.int64)},
            corner=True,
        ),
        any_input("one number far larger than 127 others", graph | wide),
        *_misfits(graph, node),
    )


def _misfits(graph: dict[str, Value], node: dict[str, Value]) -> tuple[Probe, ...]:
    gamma, beta = graph["gamma"][:1], graph["beta"][:1]
    return (
        misfit("a gain of one number", graph | {"gamma": gamma}, "(1,)", "(4, 4)"),
        misfit("a shift of one number", graph | {"beta": beta}, "(1,)", "(4, 4)"),
        misfit("both of one number", graph | {"gamma": gamma, "beta": beta}, "(1,)", "(4, 4)"),
        replace(_short(node, 1), anew=lambda rng: _short(node, int(rng.choice([2, 3, 5, 6])))),
        _misspelt("a misspelt mode", graph, "nodes", others=("graphs", "grap", "edge", "nod")),
        _misspelt(
            "a mode in capital letters", node, "Graph", others=("Node", "GRAPH", "NODE", "graPh")
        ),
    )


def _short(node: dict[str, Value], entries: int) -> Probe:
    return Probe(
        "a batch with an entry for one node only",
        node | {"batch": np.zeros(entries, np.int64)},
        level=ANY_INPUT,
        shows="misfit of batch",
        error_names=(f"({entries},)", "(4, 4)"),
    )


def _misspelt(title: str, arguments: dict[str, Value], mode: str, others: tuple[str, ...]) -> Probe:
    """A probe whose mode must be refused by its name; another mode among hidden inputs."""

    def of(mode: str) -> Probe:
        return Probe(
            title,
            arguments | {"mode": mode},
            level=ANY_INPUT,
            shows="misspelt mode",
            error_names=(mode,),
        )

    return replace(of(mode), anew=lambda rng: of(str(rng.choice(others))))


def _eps(graph: dict[str, Value], node: dict[str, Value]) -> tuple[Probe, ...]:
    """The formula where ε decides: beside a variance of its own size."""
    x = graph["x"]
    return (
        plain("a variance of the size of ε, mode graph", graph | {"x": 0.002 * x}),
        plain("a variance of the size of ε, mode node", node | {"x": 0.002 * x}),
        redrawn(
            plain("a large ε, mode graph", graph | {"eps": 0.5}),
            lambda rng: graph | {"eps": float(rng.uniform(0.3, 0.7))},
        ),
        redrawn(
            plain("a graph of equal numbers", graph | {"x": np.full((4, 4), 3.0)}, corner=True),
            lambda rng: graph | {"x": np.full((4, 4), float(rng.integers(4, 100)))},
        ),
    )


def _precision(graph: dict[str, Value], node: dict[str, Value]) -> tuple[Probe, ...]:
    x, halves = graph["x"], _as(np.float16, graph)
    large = np.array([[300, -300, 0, 0], [9, 1, 2, 3]] * 2, np.float16)

    def larger(rng: np.random.Generator) -> dict[str, Value]:
        factors = np.array([overflowing(rng) / 300, 1] * 2)[:, None]
        return halves | {"x": (factors * rng.permuted(large, axis=-1)).astype(np.float16)}

    return (
        digits(graph | {"x": 1e6 * x}),
        digits(node | {"x": 1e6 * x}),
        # A float32 mean of numbers near 1e4 is off by about 1e-3.
        far(
            "float32 numbers far from 0, mode graph",
            {**_as(np.float32, graph), "x": (x + 1e4).astype(np.float32)},
            5e-3,
        ),
        far("float64 numbers far from 0, mode node", node | {"x": 1e3 * (x + 1e8)}, 1e-6),
        far("float64 numbers far from 0, mode graph", graph | {"x": 1e3 * (x + 1e8)}, 1e-6),
        redrawn(
            half("float16 numbers whose squares overflow", halves | {"x": large}, 4e-3), larger
        ),
        half("float16 numbers, mode node", _as(np.float16, node), 8e-3),
        Probe(
            "float32 numbers, a gain and a shift of float64",
            graph | {"x": x.astype(np.float32)},
            FLOAT32_DIGITS,
            level=PRECISION,
        ),
        Probe(
            # γ may be rounded to float32, the statistics may not
            "a gain and a shift of another dtype, and a small batch dtype",
            {
                **_as(np.float32, graph),
                "x": 1e3 * (x + 1e4),
                "batch": graph["batch"].astype(np.int16),
            },
            tolerance=1e-6,
            level=PRECISION,
            rounding=True,
        ),
    )


def _as(dtype: type, arguments: dict[str, Value]) -> dict[str, Value]:
    return arguments | {n: arguments[n].astype(dtype) for n in ("x", "gamma", "beta")}
