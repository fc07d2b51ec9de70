"""Mistakes that repairs of several exhibits share."""

from normlab.checks.exercise import Mistake


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


def input_mutated(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "input-mutated",
        "x is changed in place",
        "The caller still needs x: in a transformer it is the residual stream. Make a new array.",
        *forms,
    )
