"""Mistakes and probes that repairs of several exhibits share."""

from normlab.checks.exercise import FORMULA, Mistake, Probe, Value
from normlab.exercises import common


def all_digits(level: str = FORMULA, /, **arguments: Value) -> Probe:
    """A probe that float32 does not pass. Its numbers must be so large that no ε is seen."""
    title = "all digits of float64"
    return Probe(title, arguments, level=level, rounding=True, shows="digits")


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


def mean_subtracted(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "mean-subtracted",
        "the mean is subtracted, as in layer norm",
        "A repair changes nothing but the bug: RMSNorm leaves the mean in.",
        *forms,
    )


def sum_for_mean(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "sum-for-mean",
        "the squares are summed, and not divided by their number",
        "Then a row comes out with length 1, whatever D is. RMSNorm gives numbers of size 1: the "
        "mean of the squares is their sum divided by D.",
        *forms,
    )


def root_missing(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "root-missing",
        "the root is not taken",
        "A mean of squares grows with the square of x: dividing by it makes the output shrink when "
        "the input grows.",
        *forms,
    )


def gain_missing(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "gain-missing",
        "the gain is not applied",
        "A repair changes nothing but the bug: each feature is multiplied by its gain.",
        *forms,
    )


def gain_plus_one(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "gain-plus-one",
        "1 is added to the gain",
        "Gemma stores its gain less 1. Here gamma is the gain itself.",
        *forms,
    )


def axis_from_front(*forms: dict[str, str]) -> Mistake:
    return Mistake(
        "axis-from-front",
        "the axis of the features is counted from the front",
        "That is the last axis of arrays with one number of axes alone. Count from the end: axis "
        "−1 is the last axis of every array.",
        *forms,
    )


def of_eps(statistic: str, default: str, *others: str) -> tuple[Mistake, ...]:
    """What goes wrong with ε where the right function has np.sqrt(statistic + eps).

    Args:
        statistic: the name of what stands under the root.
        default: the right function's own value of eps, as it is written there.
        others: values that a repair may have instead.
    """
    root, given = f"np.sqrt({statistic} + eps)", f"eps: float = {default}"
    return (
        common.eps_outside({root: f"(np.sqrt({statistic}) + eps)"}),
        common.eps_missing({root: f"np.sqrt({statistic})"}),
        eps_wrong_value(
            {root: f"np.sqrt({statistic} + {default})"},
            *({given: f"eps: float = {other}"} for other in others),
        ),
        eps_as_floor({root: f"np.sqrt(np.maximum({statistic}, eps))"}),
    )


def of_the_mean_square() -> tuple[Mistake, ...]:
    """The mean of squares of other numbers than a token's, where the axis is written axis=-1."""
    forms = [{"mean(axis=-1": f"mean(axis={axis}"} for axis in ("1", "0", "None")]
    return axis_from_front(forms[0]), axis_batch(forms[1]), axis_all(forms[2])
