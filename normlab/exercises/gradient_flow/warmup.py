"""Exercise 05, second question: the learning rate of a step."""

import numpy as np

from normlab.checks.examples import number
from normlab.checks.exercise import (
    ANY_INPUT,
    FORMULA,
    Arguments,
    Law,
    Outputs,
    Probe,
    Question,
    Value,
)
from normlab.exercises.drivers import gradient_flow as drivers
from normlab.exercises.gradient_flow.warmup_mistakes import MISTAKES
from normlab.exercises.inputs import any_input, misfit, plain, redrawn


def warmup_lr(step: int, peak_lr: float, warmup_steps: int) -> float:
    if step < 0 or warmup_steps < 0:
        raise ValueError(f"step is {step}, warmup_steps {warmup_steps}; expected none below 0.")
    length = max(1, warmup_steps)
    fraction = (step + 1) / length
    return peak_lr * min(1.0, fraction)


def _arguments(steps: Value, peak_lr: float, warmup_steps: int) -> Arguments:
    return {"steps": steps, "peak_lr": peak_lr, "warmup_steps": warmup_steps}


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return *_formula(rng), *_any_input(rng)


def _formula(rng: np.random.Generator) -> tuple[Probe, ...]:
    length, long = int(rng.integers(20, 100)), int(rng.integers(4000, 9000))
    steps = sorted(int(step) for step in rng.integers(0, 3 * length, 20))
    return (
        redrawn(plain("four steps of warmup", _arguments((*range(7),), 1.0, 4)), _few),
        plain(
            f"{length} steps of warmup",
            _arguments((0, *steps, length - 1, length), float(rng.uniform(1e-4, 1e-2)), length),
        ),
        redrawn(
            plain(
                "a long warmup",
                _arguments((0, 1, 100, long // 2, long - 1, long, 9 * long), 3e-4, long),
            ),
            lambda rng: _arguments(
                (0, *sorted(int(t) for t in rng.integers(1, long, 4)), long - 1, long, 9 * long),
                float(rng.uniform(1e-4, 1e-3)),
                long,
            ),
        ),
    )


def _few(rng: np.random.Generator) -> Arguments:
    """A few steps of warmup, each of them, and three steps after."""
    length = int(rng.integers(3, 10))
    return _arguments((*range(length + 3),), float(rng.uniform(0.5, 2)), length)


def _any_input(rng: np.random.Generator) -> tuple[Probe, ...]:
    peak, some = float(rng.uniform(0.2, 0.9)), int(rng.integers(3, 60))
    late, before, less = (int(number) for number in rng.integers(2, 60, 3))
    steps = np.sort(rng.integers(0, 2 * some, 8))
    large = int(rng.integers(10**12, 10**13))
    return (
        any_input("one step of warmup", _arguments((0, 1, 2, late), peak, 1)),
        any_input("no warmup", _arguments((0, 1, 2, late), peak, 0)),
        Probe(
            "steps that are NumPy integers, rates to 9 digits",
            _arguments(steps, peak, some),
            level=ANY_INPUT,
        ),
        any_input(
            "steps beyond 10¹²",
            _arguments((large // 3, large - 1, large, 3 * large), peak, large),
        ),
        misfit("step −1", _arguments((-1,), peak, some), "-1"),
        misfit(f"step −{before}", _arguments((some, -before), peak, some), f"-{before}"),
        misfit(f"step −{late} without warmup", _arguments((-late,), peak, 0), f"-{late}"),
        misfit(f"−{less} warmup steps", _arguments((late,), peak, -less), f"-{less}"),
        misfit("−1 warmup steps", _arguments((0,), peak, -1), "-1"),
    )


_FOUR = _arguments((*range(12),), 1.0, 4)
_DOUBLE = _arguments((*range(12),), 2.0, 4)


def _first(out: Outputs) -> str | None:
    first = out["rates"][0]
    return None if np.isclose(first, 0.25) else f"4 steps to the peak 1: step 0 has {first:.4g}."


def _constant(out: Outputs) -> str | None:
    after = out["rates"][4:]
    return None if np.allclose(after, 1) else f"after 4 steps to the peak 1: {number(after)}."


def _straight(out: Outputs) -> str | None:
    climbs = np.diff(out["rates"][:4])  # (4,) -> (3,)
    if np.allclose(climbs, climbs[0]):
        return None
    return f"the differences of the first four rates are {number(climbs)}."


def _proportional(one: Outputs, two: Outputs) -> str | None:
    if np.allclose(2 * one["rates"], two["rates"]):
        return None
    return f"{number(one['rates'][:4])} becomes {number(two['rates'][:4])}."


LAWS = (
    Law("first-rate", "the first rate is not peak_lr/warmup_steps", (_FOUR,), _first),
    Law("not-constant", "the rate is not the peak after the warmup", (_FOUR,), _constant),
    Law("not-straight", "the rate does not climb by equal amounts", (_FOUR,), _straight),
    Law(
        "not-proportional",
        "twice the peak does not have twice the rates",
        (_FOUR, _DOUBLE),
        _proportional,
    ),
)

HINTS = {
    FORMULA: (
        "Write down the rates of steps 0 to 5 for a peak of 1 and 4 warmup steps. Which fraction "
        "of the peak has step 0?",
        "Step t has done t + 1 of the T steps: the fraction is (t + 1)/T, and never above 1.",
        "return peak_lr * min(1.0, (step + 1) / warmup_steps)",
    ),
    ANY_INPUT: (
        "What does your line give for warmup_steps = 0, and for a negative number in either place?",
        "For 0 warmup steps every step has the peak: divide by max(1, warmup_steps). In front of "
        "all that, raise a ValueError if one of the two counts is below 0.",
        'if step < 0 or warmup_steps < 0: raise ValueError(f"step {step}, warmup_steps '
        '{warmup_steps}"). Then return peak_lr * min(1.0, (step + 1) / max(1, warmup_steps)).',
    ),
}

WARMUP = Question(
    function="warmup_lr",
    levels={FORMULA: 1, ANY_INPUT: 1},
    driver=drivers.schedule,
    reference=warmup_lr,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=HINTS,
)

QUESTIONS = (WARMUP,)
