"""The known mistakes of the second question of exercise 05, most likely first."""

from normlab.checks.exercise import Mistake
from normlab.checks.signs import accepts

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
        {FRACTION: "fraction = max(1, step) / length"},
        {FRACTION: "fraction = (step + 1) / max(1, length - 1)"},
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
        "starts-again",
        "the warmup starts again when it is over",
        "The step is counted over the whole run. A count that starts at 0 in each epoch, or a "
        "remainder t % T, warms up again and again.",
        {FRACTION: "fraction = (step % length + 1) / length"},
    ),
    Mistake(
        "exceeds-peak",
        "the rate grows past the peak",
        "After the warmup it stays at peak_lr. The fraction is what ends at 1: min(1, fraction), "
        "and then times the peak.",
        {RETURN: "return peak_lr * fraction"},
        {FRACTION: FRACTION, RETURN: "return peak_lr * max(1.0, fraction)"},
        {RETURN: "return min(1.0, peak_lr * fraction)"},
    ),
    Mistake(
        "no-warmup",
        "the rate is the peak from the start",
        "Warmup means that it climbs to the peak in warmup_steps steps.",
        {RETURN: "return peak_lr"},
    ),
    Mistake(
        "first-step-at-peak",
        "the first step has the whole peak",
        "The rate of step 0 is peak_lr/warmup_steps. One whole step before Adam's averages are "
        "filled is what warmup is to prevent.",
        {RETURN: "return peak_lr * min(1.0, fraction) if step else peak_lr"},
        {RETURN: "return peak_lr * min(1.0, step / length) if step else peak_lr"},
    ),
    Mistake(
        "starts-above",
        "the rate starts at a fixed share of the peak",
        "torch's LinearLR starts at a third of the peak, torchvision's references at a thousandth. "
        "Here the line starts at 0, one step before step 0.",
        {CLIPPED: "(1 / 3 + 2 / 3 * min(1.0, step / length))"},
        {CLIPPED: "(1 / 3 + 2 / 3 * min(1.0, fraction))"},
        {CLIPPED: "(0.1 + 0.9 * min(1.0, step / length))"},
        {CLIPPED: "(0.1 + 0.9 * min(1.0, fraction))"},
        {CLIPPED: "(0.001 + 0.999 * min(1.0, step / length))"},
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
        {CLIPPED: "(1 - np.exp(-fraction))"},
    ),
    Mistake(
        "factor-for-rate",
        "the peak is not used: this is the factor, not the rate",
        "torch's LambdaLR wants the factor min(1, (t + 1)/T). Asked is the rate: peak_lr times it.",
        {RETURN: "return min(1.0, fraction)"},
    ),
    Mistake(
        "peak-divided",
        "the peak is divided instead of multiplied, or counted twice",
        "The rate is the fraction times the peak, once.",
        {RETURN: "return min(1.0, fraction) / peak_lr"},
        {RETURN: "return peak_lr**2 * min(1.0, fraction)"},
    ),
    Mistake(
        "warmup-needed",
        "0 warmup steps fail, or give another rate than the peak",
        "warmup_steps = 0 means no warmup: every step has peak_lr. Mind the division by 0.",
        {LENGTH: "length = warmup_steps"},
        {LENGTH: "length = warmup_steps or float('inf')"},
        {LENGTH: "length = warmup_steps or 2"},
    ),
    Mistake(
        "counts-not-checked",
        "a negative step or number of warmup steps raises no ValueError that names it",
        "No step has a negative number: it is a mistake of the caller, who wants to read which "
        "number it was. The check comes first, before any return.",
        {CHECK: "if False"},
        {CHECK: "if step < 0"},
        {CHECK: "if warmup_steps < 0"},
        seen=accepts("misfit"),
    ),
)
