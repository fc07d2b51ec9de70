"""Exercise 06, third question: the initialization with β."""

import numpy as np
from torch import nn

from normlab.checks.exercise import Law, Outputs, Probe, Question
from normlab.exercises.deepnorm.initialization_mistakes import MISTAKES
from normlab.exercises.drivers import deepnorm as drivers


def deepnorm_init_(block: nn.Module, beta: float) -> None:
    for name, module in block.named_modules():
        part = name.rpartition(".")[2]
        if part in ("q_proj", "k_proj"):
            gain = 1.0
        elif part in ("v_proj", "out_proj", "fc1", "fc2"):
            gain = beta
        else:
            continue
        assert isinstance(module, nn.Linear)
        nn.init.xavier_normal_(module.weight, gain=gain)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


TOLERANCE = 0.25
"""Of a gain measured on n weights: its standard error is 1/√(2n), 2.2 % for the smallest matrix,
n = 32 · 32, and √2 times that between two draws: 25 % is 8 times as much. Of 12,288 weights or
more 7.2 % lie beyond 1.8 deviations, give or take 3.3 % of that, 4.6 % between two draws."""


def _block(**changes: object) -> dict[str, object]:
    usual = {"width": 32, "hidden": 128, "memory": 0, "bias": True, "beta": 0.25, "seed": 0}
    return usual | changes


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    seeds = [int(seed) for seed in rng.integers(2**31, size=4)]
    beta = float(rng.uniform(0.1, 0.2))
    return (
        Probe("an encoder's layer", _block(seed=seeds[0]), TOLERANCE),
        Probe(
            "a decoder's layer, with attention to an encoder of 128 features",
            _block(memory=128, seed=seeds[1]),
            TOLERANCE,
        ),
        Probe("the β of a deep model", _block(beta=beta, seed=seeds[2]), TOLERANCE),
        Probe("a layer without biases", _block(bias=False, seed=seeds[3]), TOLERANCE, special=True),
    )


def _drawn_again(one: Outputs, other: Outputs) -> str | None:
    for name, value in one.items():
        if name.startswith("gain") and abs(value - other[name]) > TOLERANCE * value:
            return f"{name} is {value:.3g} for bias=True and {other[name]:.3g} for bias=False."
    return None


def _doubled(one: Outputs, other: Outputs) -> str | None:
    for name, value in one.items():
        if not name.startswith("gain"):
            continue
        wanted = 1 if name.endswith(("q_proj", "k_proj")) else 2
        ratio = other[name] / value
        if abs(ratio - wanted) > 0.15:
            return f"twice the β makes the {name} {ratio:.3g} times as large; expected {wanted}."
    return None


LAWS = (
    Law(
        "not-proportional",
        "the gains do not go with β",
        (_block(), _block(beta=0.5)),
        _doubled,
    ),
    Law(
        "gain-depends",
        "the gains depend on something else than β",
        (_block(), _block(bias=False, seed=1)),
        _drawn_again,
    ),
)

INITIALIZATION = Question(
    function="deepnorm_init_",
    points=3,
    driver=drivers.initialization,
    reference=deepnorm_init_,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=(
        "block.named_modules() gives (name, module) for every module inside, however deep. The "
        "last part of the name tells what it is.",
        "Two groups: q_proj and k_proj get gain 1; v_proj, out_proj, fc1 and fc2 get gain β. Both "
        "are drawn anew with nn.init.xavier_normal_(module.weight, gain=…). Biases become 0 where "
        "there are any, and norms stay as they are.",
        "for name, module in block.named_modules(): part = name.split('.')[-1]; if part is one of "
        "the six: gain = 1.0 if part in ('q_proj', 'k_proj') else beta; "
        "nn.init.xavier_normal_(module.weight, gain=gain); and if module.bias is not None: "
        "nn.init.zeros_(module.bias).",
    ),
)

QUESTIONS = (INITIALIZATION,)
