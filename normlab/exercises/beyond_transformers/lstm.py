"""Exercise 07, first question: the LSTM cell of the layer norm paper."""

import numpy as np

from normlab.checks.exercise import Law, Outputs, Probe, Question
from normlab.exercises.beyond_transformers.lstm_mistakes import MISTAKES
from normlab.exercises.drivers import beyond_transformers as drivers
from normlab.models.recurrent import LayerNormLSTMCell


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    x, h, c = rng.normal(size=(2, 3)), rng.normal(size=(2, 5)), rng.normal(size=(2, 5))
    seeds = [int(seed) for seed in rng.integers(2**31, size=5)]
    return (
        Probe(
            "one example, two units, no past",
            {
                "x": np.array([[1.0]]),
                "h": np.zeros((1, 2)),
                "c": np.zeros((1, 2)),
                "seed": seeds[0],
            },
        ),
        Probe(
            "one example, two units",
            {
                "x": np.array([[1.0]]),
                "h": np.array([[0.5, -0.5]]),
                "c": np.array([[2.0, -1.0]]),
                "seed": seeds[1],
            },
        ),
        Probe("a batch of two examples", {"x": x, "h": h, "c": c, "seed": seeds[2]}),
        Probe("five steps", {"x": x, "h": h, "c": c, "seed": seeds[3], "steps": 5}),
        Probe(
            "no axis for a batch", {"x": x[0], "h": h[0], "c": c[0], "seed": seeds[4]}, special=True
        ),
        Probe(
            "the gradients",
            {"x": x, "h": h, "c": c, "seed": seeds[2], "upstream": 1.0},
            special=True,
        ),
    )


_X, _H = np.array([[1.0, -2.0, 0.5], [0.3, 0.1, 2.0]]), np.array([[0.5, -1.0], [2.0, 0.2]])
_ONE = {"x": _X, "h": _H, "c": _H[::-1].copy(), "seed": 1}
_EMPTY = {"x": np.eye(8), "h": np.eye(8), "c": np.zeros((8, 8)), "seed": 1}
SHAPES = (
    "bias (8,), linear_h.weight (8, 2), linear_x.weight (8, 3), norm_c.bias (2,), "
    "norm_c.weight (2,), norm_h.bias (8,), norm_h.weight (8,), norm_x.bias (8,), norm_x.weight (8,)"
)


def _parameters(out: Outputs) -> str | None:
    found = str(out["parameters"])
    if found == SHAPES:
        return None
    return f"LayerNormLSTMCell(3, 2) has {found}. Expected {SHAPES}."


def _same(one: Outputs, other: Outputs) -> str | None:
    change = max(np.abs(one[name] - other[name]).max() for name in ("h", "c"))
    return None if change < 1e-3 else f"the largest change of h and c is {change:.3g}."


def _affine(none: Outputs, one: Outputs, two: Outputs) -> str | None:
    bend = np.abs(two["c"] - 2 * one["c"] + none["c"]).max()
    if bend < 1e-9:
        return None
    return f"from c = 0 to c to 2c, the new c does not move in equal steps (off by {bend:.3g})."


def _alone(together: Outputs, alone: Outputs) -> str | None:
    change = max(np.abs(together[name][:1] - alone[name]).max() for name in ("h", "c"))
    return None if change < 1e-9 else f"alone, the first example changes by {change:.3g}."


def _written(out: Outputs) -> str | None:
    largest = np.abs(out["c"]).max()
    return None if largest <= 1 else f"from c = 0, one step makes |c| as large as {largest:.3g}."


def _bounded(out: Outputs) -> str | None:
    largest = np.abs(out["h"]).max()
    return None if largest <= 1 else f"the largest |h| is {largest:.3g}."


LAWS = (
    Law("parameters-differ", "the parameters have other names or shapes", (_ONE,), _parameters),
    Law(
        "examples-depend",
        "the examples of a batch change each other's state",
        (_ONE, {n: v[:1] if isinstance(v, np.ndarray) else v for n, v in _ONE.items()}),
        _alone,
    ),
    Law(
        "cell-not-affine",
        "the new c is not σ(f) times the old one, plus something",
        tuple({**_ONE, "c": factor * _H} for factor in (0.0, 1.0, 2.0)),
        _affine,
    ),
    Law(
        "input-scale",
        "multiplying x by 1,000 changes the gates: LN(W_x x) would not",
        ({**_ONE, "x": 100 * _X}, {**_ONE, "x": 1e5 * _X}),
        _same,
    ),
    Law(
        "state-scale",
        "multiplying h by 1,000 changes the gates: LN(W_h h) would not",
        ({**_ONE, "h": 100 * _H}, {**_ONE, "h": 1e5 * _H}),
        _same,
    ),
    Law("write-unbounded", "one step changes c by more than 1", (_EMPTY,), _written),
    Law("h-unbounded", "|h| is greater than 1", ({**_ONE, "steps": 3},), _bounded),
)

LSTM = Question(
    function="LayerNormLSTMCell",
    points=4,
    library_norms=True,
    driver=drivers.cell,
    reference=LayerNormLSTMCell,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=(
        "Three norms: norm_x over the 4H numbers of W_x x, norm_h over the 4H numbers of W_h h, "
        "norm_c over the H numbers of c. Where does each stand, and is what it gives kept or only "
        "read?",
        "gates = norm_x(linear_x(x)) + norm_h(linear_h(h)) + bias, cut into f, i, o, g along the "
        "last axis. The new c is σ(f)·c + σ(i)·tanh(g); it is returned without a norm. "
        "h = σ(o)·tanh(norm_c(c)).",
        "In __init__: linear_x = nn.Linear(input_size, 4 * hidden_size, bias=False), linear_h "
        "likewise, bias = nn.Parameter(torch.zeros(4 * hidden_size)), and three nn.LayerNorm. In "
        "forward: f, i, o, g = (…).chunk(4, dim=-1); c = f.sigmoid() * c + i.sigmoid() * g.tanh(); "
        "return o.sigmoid() * self.norm_c(c).tanh(), c",
    ),
)

QUESTIONS = (LSTM,)
