"""Exercise 06, third question: the initialization with β."""

import numpy as np
from torch import nn

from normlab.checks.exercise import ANY_INPUT, FORMULA, STATE, Law, Outputs, Probe, Question
from normlab.exercises.deepnorm.initialization_mistakes import MISTAKES
from normlab.exercises.drivers import deepnorm as drivers
from normlab.exercises.inputs import redrawn


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


TOLERANCE = 0.2
"""Of a gain measured on n weights: its standard error is 1/√(2n), 1.1 % for the smallest matrix,
n = 64 · 64, and √2 times that between two draws. Of 49,152 weights or more 2.8 % lie beyond 2.2
deviations, give or take 2.7 % of that, 3.8 % between two draws: 20 % is 5.3 times as much."""


def _block(**changes: object) -> dict[str, object]:
    usual = {"width": 64, "hidden": 256, "memory": 0, "bias": True, "beta": 0.25, "seed": 0}
    return usual | changes


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    seeds = [int(seed) for seed in rng.integers(2**31, size=5)]
    beta = float(rng.uniform(0.1, 0.2))
    return (
        redrawn(
            Probe("an encoder's layer", _block(seed=seeds[0]), TOLERANCE),
            lambda rng: _block(seed=seeds[0], beta=float(rng.uniform(0.2, 0.5))),
        ),
        Probe("the β of a deep model", _block(beta=beta, seed=seeds[1]), TOLERANCE),
        redrawn(
            Probe(
                "a decoder's layer inside a nn.Sequential, with attention to 128 features",
                _block(memory=128, seed=seeds[2]),
                TOLERANCE,
                level=ANY_INPUT,
            ),
            lambda rng: _block(
                memory=int(rng.integers(100, 160)),
                hidden=int(rng.integers(200, 320)),
                seed=seeds[2],
            ),
        ),
        redrawn(
            Probe(
                "a layer without biases",
                _block(bias=False, seed=seeds[3]),
                TOLERANCE,
                level=ANY_INPUT,
            ),
            lambda rng: _block(
                bias=False, seed=seeds[3], width=int(rng.integers(65, 97)), beta=beta
            ),
        ),
        Probe(
            "a layer with gate_proj, kv_proj, fc3, an embedding and dropout",
            _block(beta=beta, seed=seeds[4], others=True),
            TOLERANCE,
            level=STATE,
        ),
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
    levels={FORMULA: 1, ANY_INPUT: 1, STATE: 1},
    driver=drivers.initialization,
    reference=deepnorm_init_,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    later={"greatest bias": ANY_INPUT}
    | dict.fromkeys(
        (
            "changed besides the six kinds",
            "replaced parameters",
            "matrices with the same numbers",
            "left behind",
            "torch's random numbers",
        ),
        STATE,
    ),
    hints={
        FORMULA: (
            "block.named_modules() gives (name, module) for every module inside. The last part of "
            "the name tells what it is.",
            "Two groups: q_proj and k_proj get gain 1; v_proj, out_proj, fc1 and fc2 get gain β. "
            "All are drawn anew with nn.init.xavier_normal_(module.weight, gain=…).",
            "for name, module in block.named_modules(): part = name.split('.')[-1]; if part is one "
            "of the six: gain = 1.0 if part in ('q_proj', 'k_proj') else beta; "
            "nn.init.xavier_normal_(module.weight, gain=gain).",
        ),
        ANY_INPUT: (
            "Does your code find 0.encoder_attn.q_proj? With which biases does nn.Linear start, "
            "and what is module.bias of a layer made with bias=False?",
            "Go by the last part of the name, wherever the module stands. Xavier's fans are those "
            "of each matrix, which need not be square. Biases become 0; a bias may be None.",
            "part = name.rpartition('.')[2]; … if module.bias is not None: "
            "nn.init.zeros_(module.bias).",
        ),
        STATE: (
            "Print all parameters before and after. What else did the call change, and does a "
            "parameter stand at another place?",
            "Touch the six kinds alone: another nn.Linear stays as it is. Write into the tensors "
            "that are there, set no seed, and leave the mode and requires_grad alone.",
            "Skip a module whose name is none of the six. nn.init's functions write in place and "
            "draw from torch's generator as it is.",
        ),
    },
)

QUESTIONS = (INITIALIZATION,)
