"""Mistakes that the functions of exercise 03 share."""

from collections.abc import Mapping

from normlab.checks.exercise import Mistake

Form = Mapping[str, str]


def still_centered(*forms: Form) -> Mistake:
    return Mistake(
        "still-centered",
        "the mean is still subtracted, as in layer norm",
        "RMSNorm divides by the root mean square and leaves the mean in: y points where γ ⊙ x "
        "points.",
        *forms,
    )


def deviation_for_rms(*forms: Form) -> Mistake:
    return Mistake(
        "deviation-for-rms",
        "the row is divided by its standard deviation",
        "The standard deviation is the root mean square of x − mean. Here it is that of x itself.",
        *forms,
    )


def sum_for_mean(*forms: Form) -> Mistake:
    return Mistake(
        "sum-for-mean",
        "the squares are summed, not averaged",
        "x/‖x‖ has length 1, whatever D is. RMSNorm gives entries of size 1: divide the sum of the "
        "squares by D.",
        *forms,
    )


def mean_outside(*forms: Form) -> Mistake:
    return Mistake(
        "mean-outside",
        "the root is divided by D, not what stands under it",
        "The name says it backwards: first the square, then the mean, then the root. ‖x‖/D is "
        "√D times too small.",
        *forms,
    )


def unbiased(*forms: Form) -> Mistake:
    return Mistake(
        "unbiased",
        "the sum of squares is divided by D − 1",
        "D − 1 belongs to an estimate of a variance around an estimated mean. Nothing is estimated "
        "here: divide by D.",
        *forms,
    )


def mean_of_sizes(*forms: Form) -> Mistake:
    return Mistake(
        "mean-not-of-squares",
        "the row is divided by the mean of x or |x|, not by the root of the mean of x²",
        "Square first, then take the mean, then the root.",
        *forms,
    )


def root_missing(*forms: Form) -> Mistake:
    return Mistake(
        "root-missing",
        "the row is divided by its mean square; the root is missing",
        "A mean of squares grows with the square of x. Dividing by it makes the output shrink when "
        "the input grows.",
        *forms,
    )


def eps_missing(*forms: Form) -> Mistake:
    return Mistake(
        "eps-missing",
        "ε is missing",
        "A row of zeros, such as padding, has mean square 0, and 0/0 is NaN. ε also damps rows of "
        "tiny numbers.",
        *forms,
    )


def eps_as_floor(*forms: Form) -> Mistake:
    return Mistake(
        "eps-as-floor",
        "ε is a lower bound of the divisor",
        "A bound changes nothing until the divisor falls below it; torch.nn.functional.normalize "
        "has one of 1e-12. Here ε is added to the mean square.",
        *forms,
    )


def eps_in_sum(*forms: Form) -> Mistake:
    return Mistake(
        "eps-in-sum",
        "ε is added to the sum of the squares, and divided by D with it",
        "√((Σx² + ε)/D) has an ε that is D times too small. Divide the sum by D first, then add ε.",
        *forms,
    )


def eps_scaled(*forms: Form) -> Mistake:
    return Mistake(
        "eps-scaled",
        "ε counts relative to the size of the row",
        "Who divides a row by its greatest number first, and then adds ε, adds less of it to small "
        "rows than to large ones. ε is added to the mean square of x as it is.",
        *forms,
    )


def root_twice(*forms: Form) -> Mistake:
    return Mistake(
        "root-twice",
        "two roots are taken",
        "The root mean square has its root in the name. √(RMS + ε) takes a second one; what stands "
        "under the root is the mean square.",
        *forms,
    )


def multiplied(*forms: Form) -> Mistake:
    return Mistake(
        "multiplied",
        "x is multiplied by the root mean square, not divided by it",
        "rsqrt is 1/√ already: multiply by it. To divide, take sqrt.",
        *forms,
    )


def gain_first(*forms: Form) -> Mistake:
    return Mistake(
        "gain-first",
        "γ is multiplied before the mean square is taken",
        "Then the gain is normed away in part. Norm x first; γ comes last.",
        *forms,
    )


def part_of_features(*forms: Form) -> Mistake:
    return Mistake(
        "part-of-features",
        "the mean square is taken over the first features alone",
        "The paper has such a variant, pRMSNorm, which saves time. Here all D features count.",
        *forms,
    )


def eps_wrong_value(*forms: Form) -> Mistake:
    return Mistake(
        "eps-wrong-value",
        "ε has another value than the one given, or another default than 1e-6",
        "1e-6 is the default of LLaMA's RMSNorm; torch.nn.RMSNorm has eps=None, which is the "
        "dtype's smallest step at 1, and layer norm has 1e-5. Weights carried over with another ε "
        "give other outputs.",
        *forms,
    )


def gamma_missing(*forms: Form) -> Mistake:
    return Mistake(
        "gamma-missing",
        "γ is not applied",
        "The output is γ ⊙ x̂: each feature has its own gain.",
        *forms,
    )
