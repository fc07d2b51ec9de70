"""Exercise 07, first question: the LSTM cell of the layer norm paper."""

from typing import Any

import numpy as np

from normlab.checks.exercise import ANY_INPUT, FORMULA, STATE, Law, Outputs, Probe, Question
from normlab.exercises.beyond_transformers.lstm_mistakes import MISTAKES
from normlab.exercises.drivers import beyond_transformers as drivers
from normlab.exercises.inputs import FORMULA_DIGITS, any_input, plain, redrawn, sizes
from normlab.models.recurrent import LayerNormLSTMCell


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    x, h, c = rng.normal(size=(2, 3)), rng.normal(size=(2, 5)), rng.normal(size=(2, 5))
    seeds = [int(seed) for seed in rng.integers(2**31, size=7)]
    given = {"x": x, "h": h, "c": c}
    one = {name: array[:1] for name, array in given.items()}
    first = {"x": np.array([[1.0]]), "h": np.array([[0.5, -0.5]]), "c": np.array([[2.0, -1.0]])}
    no_past = {"h": np.zeros((1, 2)), "c": np.zeros((1, 2))}

    def another(rng: np.random.Generator) -> dict[str, Any]:
        numbers = {name: rng.normal(size=array.shape) for name, array in first.items()}
        return numbers | {"seed": int(rng.integers(2**31))}

    def states(rng: np.random.Generator, *leading: int) -> dict[str, Any]:
        features, units = sizes(rng, 2, 3, 6)
        x, (h, c) = rng.normal(size=(*leading, features)), rng.normal(size=(2, *leading, units))
        return {"x": x, "h": h, "c": c, "seed": int(rng.integers(2**31))}

    return (
        redrawn(plain("one example, two units", first | {"seed": seeds[1]}), another),
        redrawn(
            plain(
                "one example, two units, no past", first | no_past | {"seed": seeds[0]}, corner=True
            ),
            lambda rng: another(rng) | no_past,
        ),
        redrawn(
            plain("a batch of two examples", given | {"seed": seeds[2]}),
            lambda rng: states(rng, *sizes(rng, 1, 2, 4)),
        ),
        plain("five steps", given | {"seed": seeds[3], "steps": 5}),
        any_input(
            "no axis for a batch",
            {name: array[0] for name, array in given.items()} | {"seed": seeds[4]},
            corner=True,
        ),
        redrawn(
            any_input(
                "two axes before the features",
                {name: array[:, None] for name, array in given.items()} | {"seed": seeds[5]},
            ),
            lambda rng: states(rng, *sizes(rng, 2, 1, 3)),
        ),
        any_input(
            "inputs and states so small that ε counts",
            {name: float(rng.uniform(1, 3)) * 1e-3 * array for name, array in one.items()}
            | {"seed": seeds[5]},
        ),
        Probe(
            "the gradients", one | {"seed": seeds[2], "upstream": 1.0}, FORMULA_DIGITS, level=STATE
        ),
        # numbers so large that no ε is seen
        Probe(
            "all digits of float64",
            {name: 1e5 * array for name, array in one.items()} | {"seed": seeds[6]},
            level=STATE,
            shows="digits",
        ),
    )


_X, _H = np.array([[1.0, -2.0, 0.5], [0.3, 0.1, 2.0]]), np.array([[0.5, -1.0], [2.0, 0.2]])
_ONE = {"x": _X, "h": _H, "c": _H[::-1].copy(), "seed": 1}
_EMPTY = {"x": np.eye(8), "h": np.eye(8), "c": np.zeros((8, 8)), "seed": 1}


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
        "multiplying x by 1,000 changes the new state: LN(W_x x) would stay as it is",
        ({**_ONE, "x": 100 * _X}, {**_ONE, "x": 1e5 * _X}),
        _same,
    ),
    Law(
        "state-scale",
        "multiplying h by 1,000 changes the new state: LN(W_h h) would stay as it is",
        ({**_ONE, "h": 100 * _H}, {**_ONE, "h": 1e5 * _H}),
        _same,
    ),
    Law("write-unbounded", "one step changes c by more than 1", (_EMPTY,), _written),
    Law("h-unbounded", "|h| is greater than 1", ({**_ONE, "steps": 3},), _bounded),
)

LSTM = Question(
    function="LayerNormLSTMCell",
    levels={FORMULA: 2, ANY_INPUT: 1, STATE: 1},
    library_norms=True,
    driver=drivers.cell,
    reference=LayerNormLSTMCell,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    later={"greatest bias at the start": STATE},
    hints={
        FORMULA: (
            "Three norms: norm_x over the 4H numbers of W_x x, norm_h over the 4H numbers of "
            "W_h h, norm_c over the H numbers of c. Where does each stand, and is what it gives "
            "kept or only read?",
            "gates = norm_x(linear_x(x)) + norm_h(linear_h(h)) + bias, cut into f, i, o, g along "
            "the last axis. The new c is σ(f)·c + σ(i)·tanh(g); it is returned without a norm. "
            "h = σ(o)·tanh(norm_c(c)).",
            "In __init__: linear_x = nn.Linear(input_size, 4 * hidden_size, bias=False), linear_h "
            "likewise, bias = nn.Parameter(torch.zeros(4 * hidden_size)), and three nn.LayerNorm. "
            "In forward: f, i, o, g = (…).chunk(4, dim=-1); "
            "c = f.sigmoid() * c + i.sigmoid() * g.tanh(); "
            "return o.sigmoid() * self.norm_c(c).tanh(), c",
        ),
        ANY_INPUT: (
            "Which axis holds the 4H numbers, if you do not know how many there are? And which ε "
            "have your norms?",
            "Cut the gates along dim=-1, the last axis: dim=1 is the last one of two only. The "
            "norms keep nn.LayerNorm's ε.",
            "f, i, o, g = gates.chunk(4, dim=-1), and nn.LayerNorm(4 * hidden_size) without eps.",
        ),
        STATE: (
            "With what does `bias` start? Does a line write into h or c, or take a tensor out of "
            "the graph?",
            "bias starts at 0. Gradients must reach x, h, c and every parameter: no detach(), "
            ".data or NumPy. c *= f would change the caller's state: make a new tensor.",
            "self.bias = nn.Parameter(torch.zeros(4 * hidden_size)); "
            "c = f.sigmoid() * c + i.sigmoid() * g.tanh().",
        ),
    },
)

QUESTIONS = (LSTM,)
