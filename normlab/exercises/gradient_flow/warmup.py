"""Exercise 05, second question: the learning rate of a step."""

import numpy as np

from normlab.checks.examples import number
from normlab.checks.exercise import Arguments, Law, Mistake, Outputs, Probe, Question
from normlab.exercises.drivers import gradient_flow as drivers


def warmup_lr(step: int, peak_lr: float, warmup_steps: int) -> float:
    if step < 0 or warmup_steps < 0:
        raise ValueError(f"step is {step}, warmup_steps {warmup_steps}; expected none below 0.")
    length = max(1, warmup_steps)
    fraction = (step + 1) / length
    return peak_lr * min(1.0, fraction)


def _arguments(*steps: int, peak_lr: float, warmup_steps: int) -> Arguments:
    return {"steps": steps, "peak_lr": peak_lr, "warmup_steps": warmup_steps}


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    length = int(rng.integers(20, 100))
    peak = float(rng.uniform(1e-4, 1e-2))
    steps = sorted(int(step) for step in rng.integers(0, 3 * length, 20))
    return (
        Probe("four steps of warmup", _arguments(*range(7), peak_lr=1.0, warmup_steps=4)),
        Probe(
            "a warmup of some length",
            _arguments(*steps, length - 1, length, peak_lr=peak, warmup_steps=length),
        ),
        Probe(
            "a long warmup",
            _arguments(0, 1, 100, 4000, 7999, 8000, 50000, peak_lr=3e-4, warmup_steps=8000),
        ),
        Probe("one step of warmup", _arguments(0, 1, 2, peak_lr=0.5, warmup_steps=1)),
        Probe("no warmup", _arguments(*range(10), peak_lr=0.5, warmup_steps=0), special=True),
        Probe(
            "step −1",
            _arguments(*range(-1, 9), peak_lr=0.5, warmup_steps=4),
            special=True,
            error_names=("-1",),
        ),
        Probe(
            "−1 warmup steps",
            _arguments(*range(10), peak_lr=0.5, warmup_steps=-1),
            special=True,
            error_names=("-1",),
        ),
    )


CHECK, LENGTH = "if step < 0 or warmup_steps < 0", "length = max(1, warmup_steps)"
FRACTION, CLIPPED = "fraction = (step + 1) / length", "min(1.0, fraction)"
RETURN = "return peak_lr * min(1.0, fraction)"

MISTAKES = (
    Mistake(
        "off-by-one",
        "the schedule is off by one step",
        "Steps count from 0, and the first one should learn already: step t gets (t + 1)/T of "
        "the peak. With t/T step 0 is lost. Step T − 1 is the first at the peak.",
        {FRACTION: "fraction = step / length"},
        {FRACTION: "fraction = (step + 2) / length"},
        {FRACTION: "fraction = (step + 1) / (length + 1)"},
        {FRACTION: "fraction = step / max(1, length - 1)"},
    ),
    Mistake(
        "zero-forever",
        "the rate is 0 at every step",
        "A rate that starts at 0 and is only multiplied stays 0. Compute it anew from the step: "
        "(t + 1)/T of the peak.",
        {RETURN: "return 0.0 * peak_lr"},
    ),
    Mistake(
        "integer-division",
        "the fraction is rounded down to a whole number",
        "(t + 1) // T is 0 until the warmup is over: nothing is learnt before, and then the rate "
        "jumps to the peak, which is what warmup is to prevent. Divide with /.",
        {FRACTION: "fraction = (step + 1) // length"},
        {FRACTION: "fraction = step // length"},
    ),
    Mistake(
        "per-epoch",
        "the rate stays the same for many steps: it is counted in epochs, or in other units",
        "warmup_steps counts optimizer steps, so the rate changes at every step. A schedule that "
        "moves once in an epoch starts with a whole epoch at one rate.",
        {FRACTION: "fraction = (step // length + 1) / length"},
        {FRACTION: "fraction = (step // 10 + 1) / length"},
        {FRACTION: "fraction = (step // 100 + 1) / length"},
        {FRACTION: "fraction = (step // 1000 + 1) / length"},
    ),
    Mistake(
        "exceeds-peak",
        "the rate grows past the peak",
        "After the warmup it stays at peak_lr. Take min(1, fraction).",
        {RETURN: "return peak_lr * fraction"},
        {FRACTION: FRACTION, RETURN: "return peak_lr * max(1.0, fraction)"},
    ),
    Mistake(
        "no-warmup",
        "the rate is the peak from the start",
        "Warmup means that it climbs to the peak in warmup_steps steps.",
        {RETURN: "return peak_lr"},
    ),
    Mistake(
        "decays-after",
        "the rate falls after the warmup",
        "Many schedules decay, Vaswani et al.'s with 1/√t among them. Here it stays at the peak.",
        {CLIPPED: "min(fraction, fraction**-0.5)"},
        {CLIPPED: "min(fraction, 1 / fraction)"},
        {RETURN: "return peak_lr * min((step + 1) ** -0.5, (step + 1) * length**-1.5)"},
        {CLIPPED: "min(fraction, max(0.0, 2.0 - fraction))"},
        {CLIPPED: "(fraction if fraction <= 1 else 0.0)"},
    ),
    Mistake(
        "falls-instead",
        "the rate falls during the warmup",
        "It climbs: the first steps are the small ones, since Adam's averages know little then.",
        {CLIPPED: "max(0.0, 1.0 - fraction)"},
        {CLIPPED: "max(1.0, 2.0 - fraction)"},
    ),
    Mistake(
        "not-linear",
        "the rate does not climb in a straight line",
        "Linear warmup: at half of the steps, half of the peak.",
        {CLIPPED: "min(1.0, fraction) ** 2"},
        {CLIPPED: "min(1.0, fraction) ** 0.5"},
        {CLIPPED: "(0.5 - 0.5 * np.cos(np.pi * min(1.0, fraction)))"},
        {CLIPPED: "np.sin(np.pi / 2 * min(1.0, fraction))"},
    ),
    Mistake(
        "factor-for-rate",
        "the peak is not used: this is the factor, not the rate",
        "torch's LambdaLR wants the factor min(1, (t + 1)/T). Asked is the rate: peak_lr times it.",
        {RETURN: "return min(1.0, fraction)"},
    ),
    Mistake(
        "warmup-needed",
        "0 warmup steps fail, or give another rate than the peak",
        "warmup_steps = 0 means no warmup: every step has peak_lr. Mind the division by 0.",
        {LENGTH: "length = warmup_steps"},
        {LENGTH: "length = warmup_steps or float('inf')"},
    ),
    Mistake(
        "counts-not-checked",
        "a negative step or number of warmup steps is accepted",
        "No step has a negative number: it is a mistake of the caller, and the rate would be "
        "negative too. Raise a ValueError that names the number.",
        {CHECK: "if False"},
        {CHECK: "if step < 0"},
        {CHECK: "if warmup_steps < 0"},
    ),
)

_FOUR = _arguments(*range(12), peak_lr=1.0, warmup_steps=4)
_DOUBLE = _arguments(*range(12), peak_lr=2.0, warmup_steps=4)


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

WARMUP = Question(
    function="warmup_lr",
    points=2,
    driver=drivers.schedule,
    reference=warmup_lr,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=(
        "Write down the rates of steps 0 to 5 for a peak of 1 and 4 warmup steps. Which fraction "
        "of the peak has step 0?",
        "Step t has done t + 1 of the T steps: the fraction is (t + 1)/T, and never above 1. For "
        "T = 0 it is 1.",
        "if step < 0 or warmup_steps < 0: raise ValueError(…) with both numbers in the message. "
        "Then return peak_lr * min(1.0, (step + 1) / max(1, warmup_steps)).",
    ),
)

QUESTIONS = (WARMUP,)
