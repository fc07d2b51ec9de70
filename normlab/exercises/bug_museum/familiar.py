"""Mistakes and probes that repairs of several exhibits share."""

import numpy as np

from normlab.checks.exercise import Arguments, Mistake, Probe, Value
from normlab.exercises.inputs import FORMULA_DIGITS
from normlab.norms import FloatArray


def all_digits(**arguments: Value) -> Probe:
    """A probe that float32 does not pass. Its numbers must be so large that no ε is seen."""
    return Probe("all digits of float64", arguments, rounding=True, shows="digits")


def plain(title: str, arguments: Arguments, corner: bool = False) -> Probe:
    """A probe of the formula and its ε; float32 is not seen."""
    return Probe(title, arguments, FORMULA_DIGITS, corner=corner)


def peak(rng: np.random.Generator, features: int = 40) -> FloatArray:
    """A row of zeros but for one number; after a norm that is about √D, far beyond 4."""
    x = np.zeros(features)
    x[int(rng.integers(features))] = rng.uniform(10, 20)
    return x


def unbiased_variance(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "unbiased-variance",
        "the variance is divided by D − 1",
        "Layer norm describes the D numbers in front of it; it does not estimate a variance from a "
        "sample. Divide by D (ddof=0).",
        *forms,
    )


def eps_outside(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "eps-outside",
        "ε stands outside the root",
        "√variance + ε and √(variance + ε) differ as soon as the variance is small: for variance 0 "
        "one divides by ε, the other by √ε.",
        *forms,
    )


def eps_missing(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "eps-missing",
        "ε is missing",
        "A constant row has variance 0, and 0/0 is NaN. ε also damps rows of tiny variance.",
        *forms,
    )


def eps_wrong_value(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "eps-wrong-value",
        "ε has another value than the one given, or another default than the buggy function",
        "A repair changes nothing but the bug: the argument eps is used, and keeps its default.",
        *forms,
    )


def axis_batch(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "axis-batch",
        "the statistics are taken over the first axis",
        "That is what batch norm does: examples change each other's results. Layer norm takes them "
        "over the features, the last axis.",
        *forms,
    )


def axis_all(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "axis-all",
        "one mean and one variance for all numbers",
        "Every token has its own statistics. One for all lets the tokens, and the examples of a "
        "batch, change each other's results.",
        *forms,
    )


def weight_transposed(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "weight-transposed",
        "the weight is transposed",
        "Here the rows of x are multiplied from the right: x @ weight. (torch.nn.Linear keeps its "
        "weight the other way round.)",
        *forms,
    )


def eps_as_floor(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "eps-as-floor",
        "ε is a floor instead of a summand",
        "max(variance, ε) leaves a large variance as it is, and so hardly differs from "
        "variance + ε there. Near ε it is another norm.",
        *forms,
    )
