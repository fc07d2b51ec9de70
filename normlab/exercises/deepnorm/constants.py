"""Exercise 06, first question: α and β from the numbers of layers."""

import numpy as np

from normlab.checks.examples import number
from normlab.checks.exercise import ANY_INPUT, FORMULA, Law, Outputs, Probe, Question
from normlab.exercises.deepnorm.constants_mistakes import MISTAKES
from normlab.exercises.drivers import deepnorm as drivers
from normlab.exercises.inputs import misfit, redrawn

Pair = tuple[float, float]


def deepnorm_constants(encoder_layers: int, decoder_layers: int) -> dict[str, Pair | None]:
    n = encoder_layers
    m = decoder_layers
    layers = n + m
    if min(n, m) < 0 or layers == 0:
        raise ValueError(f"got {n} encoder and {m} decoder layers; expected ≥ 0, one above 0.")
    alone = ((2 * layers) ** 0.25, (8 * layers) ** -0.25)
    if m == 0:
        return {"encoder": alone, "decoder": None}
    if n == 0:
        return {"encoder": None, "decoder": alone}
    mixed = (n**4 * m) ** (1 / 16)
    encoder = (0.81 * mixed, 0.87 / mixed)
    decoder = ((3 * m) ** 0.25, (12 * m) ** -0.25)
    return {"encoder": encoder, "decoder": decoder}


def _layers(encoder: int, decoder: int) -> dict[str, int]:
    return {"encoder_layers": encoder, "decoder_layers": decoder}


def _few(rng: np.random.Generator) -> int:
    return int(rng.integers(4, 20))


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    n, m, less = (int(count) for count in rng.permutation(np.arange(2, 100))[:3])
    return (
        redrawn(Probe("an encoder alone", _layers(12, 0)), lambda rng: _layers(_few(rng), 0)),
        redrawn(Probe("a decoder alone", _layers(0, 96)), lambda rng: _layers(0, 8 * _few(rng))),
        redrawn(
            Probe("an encoder and a decoder", _layers(6, 18)),
            lambda rng: _layers(_few(rng), 8 + _few(rng)),
        ),
        redrawn(
            Probe("the paper's 1,000 layers", _layers(500, 500)),
            lambda rng: _layers(*[int(rng.integers(300, 700))] * 2),
        ),
        redrawn(Probe("a single layer", _layers(1, 0)), lambda rng: _layers(0, 1)),
        Probe("an encoder alone, of random depth", _layers(n, 0)),
        Probe("a decoder alone, of random depth", _layers(0, m)),
        Probe("two stacks of random depths", _layers(n, m)),
        misfit("no layers at all", _layers(0, 0), "0"),
        misfit("fewer than 0 encoder layers", _layers(-1, m), "-1"),
        misfit("fewer than 0 decoder layers", _layers(n, -less), f"-{less}"),
        misfit("fewer than 0 layers, and none", _layers(-n, 0), f"-{n}"),
    )


def _mirrored(encoder: Outputs, decoder: Outputs) -> str | None:
    one, other = encoder["encoder"], decoder["decoder"]
    if one is not None and other is not None and np.allclose(one, other):
        return None
    return (
        f"12 encoder layers alone get {number(one)}, 12 decoder layers alone get {number(other)}."
    )


def _growing(shallow: Outputs, deep: Outputs) -> str | None:
    for stack in ("encoder", "decoder"):
        one, other = shallow[stack], deep[stack]
        if one is None or other is None:
            return f"with both stacks, the {stack}'s entry is None."
        if not (one[0] < other[0] and one[1] > other[1]):
            return (
                f"from 6 + 6 to 60 + 60 layers, the {stack}'s (α, β) goes from {number(one)} to "
                f"{number(other)}."
            )
    return None


def _update(*seen: Outputs) -> str | None:
    sums = []
    for layers, out in zip((6, 60, 600), seen, strict=True):
        if out["encoder"] is None:
            return "an encoder alone gets None."
        alpha, beta = out["encoder"]
        sums.append(2 * layers * (beta**2 + beta**2) / alpha**2)
    if np.allclose(sums, 1):
        return None
    if np.allclose(sums, 2):
        return "it is 2 at every depth, which means that layers were counted and not sub-layers."
    return f"with N = 6, 60 and 600 layers it is {number(np.array(sums), 3)}."


LAWS = (
    Law(
        "update-not-one",
        "the sum 2N·(β² + β²)/α² over the 2N sub-layers of one stack is not 1",
        (_layers(6, 0), _layers(60, 0), _layers(600, 0)),
        _update,
    ),
    Law(
        "stacks-differ-alone",
        "an encoder alone and a decoder alone get different constants",
        (_layers(12, 0), _layers(0, 12)),
        _mirrored,
    ),
    Law(
        "not-monotonic",
        "α does not grow, or β does not fall, with the depth",
        (_layers(6, 6), _layers(60, 60)),
        _growing,
    ),
)

CONSTANTS = Question(
    function="deepnorm_constants",
    levels={FORMULA: 2, ANY_INPUT: 1},
    driver=drivers.constants,
    reference=deepnorm_constants,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints={
        FORMULA: (
            "There are three kinds of model: an encoder alone, a decoder alone, and both. "
            "Which of your lines runs for which kind? A stack of 0 layers gets None.",
            "Count sub-layers. One stack of N layers has 2N: α = (2N)^¼ and β = (4·2N)^−¼. The "
            "decoder of an encoder–decoder has 3M: α = (3M)^¼ and β = (4·3M)^−¼. Only its encoder "
            "takes (N⁴M)^(1/16), with 0.81 and 0.87.",
            'With m == 0: {"encoder": ((2 * n) ** 0.25, (8 * n) ** -0.25), "decoder": None}; with '
            "n == 0 the same the other way round, with m. Else: mixed = (n**4 * m) ** (1 / 16), "
            "the encoder (0.81 * mixed, 0.87 / mixed), the decoder ((3 * m) ** 0.25, "
            "(12 * m) ** -0.25).",
        ),
        ANY_INPUT: (
            "Which two numbers can no model have? Ask before anything is computed.",
            "Raise a ValueError if a count is negative or if both are 0. Its message holds both "
            "counts.",
            "if min(n, m) < 0 or n + m == 0: raise "
            'ValueError(f"{n} encoder and {m} decoder layers: expected at least one layer").',
        ),
    },
)

QUESTIONS = (CONSTANTS,)
