"""Mistakes and probes that repairs of several exhibits share."""

from normlab.checks.exercise import Mistake, Probe, Value


def all_digits(**arguments: Value) -> Probe:
    """A probe that float32 does not pass. Its numbers must be so large that no ε is seen."""
    return Probe("all digits of float64", arguments, rounding=True, shows="digits")


def unbiased_variance(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "unbiased-variance",
        "the variance is divided by D − 1",
        "Layer norm describes the D numbers in front of it; it does not estimate a variance from a "
        "sample. Divide by D (ddof=0).",
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
