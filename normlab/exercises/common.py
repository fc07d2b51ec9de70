"""Mistakes that are the same in several exercises; each exercise gives the forms."""

from collections.abc import Mapping

from normlab.checks.exercise import Mistake
from normlab.checks.signs import accepts, changes_arguments, fails, loses_digits, loses_dtype


def eps_outside(*forms: Mapping[str, str]) -> Mistake:
    return Mistake(
        "eps-outside",
        "ε stands outside the root",
        "√v + ε and √(v + ε) differ as soon as v is small: for v = 0 one divides by ε, the other "
        "by √ε.",
        *forms,
    )


def eps_missing(*forms: Mapping[str, str]) -> Mistake:
    return Mistake(
        "eps-missing",
        "ε is missing",
        "A constant row has variance 0, and 0/0 is NaN. ε also damps rows of tiny variance.",
        *forms,
    )


def gamma_plus_one(*forms: Mapping[str, str]) -> Mistake:
    return Mistake(
        "gamma-plus-one",
        "the gain is 1 + γ",
        "Gemma stores γ − 1 and multiplies by 1 + w. Here γ is the gain itself.",
        *forms,
    )


def axis_batch(*forms: Mapping[str, str]) -> Mistake:
    return Mistake(
        "axis-batch",
        "the means are taken over the first axis",
        "That is the batch. The features of a token stand in the last axis, and each token has its "
        "own means.",
        *forms,
    )


def axis_tokens(*forms: Mapping[str, str]) -> Mistake:
    return Mistake(
        "axis-tokens",
        "the means are taken over the tokens",
        "The tokens stand in axis −2. The means go over the features, axis −1.",
        *forms,
    )


def axis_all(*forms: Mapping[str, str]) -> Mistake:
    return Mistake(
        "axis-all",
        "a mean is taken over all numbers",
        "Every token has its own means, over its own features. One mean for all lets the tokens, "
        "and the examples of a batch, change each other's results.",
        *forms,
    )


def half_statistics(*forms: Mapping[str, str], output: str = "") -> Mistake:
    """`output`: the one whose values tell, if there are others."""
    return Mistake(
        "half-statistics",
        "half-precision numbers come out wrong, as by statistics in half precision",
        "float16 ends at 65,504, so the square of 256 is already infinite, and it has 3 digits. "
        "Compute in float32, and convert the result back.",
        *forms,
        seen=fails("half", output=output),
    )


def float64_narrowed(*forms: Mapping[str, str]) -> Mistake:
    return Mistake(
        "float64-narrowed",
        "digits of float64 numbers are lost, as by computing in float32",
        "float32 is the least precision, not the only one: only half precision is widened. A "
        "gradient check needs all digits of float64.",
        *forms,
        seen=loses_digits("digits"),
    )


def keepdims_missing(*forms: Mapping[str, str]) -> Mistake:
    return Mistake(
        "keepdims-missing",
        "the statistics lose their last axis",
        "Means of shape (B, T) are lined up with the last axes of x (B, T, D): each feature gets "
        "the mean of some token, or NumPy raises an error. keepdims=True makes them (B, T, 1).",
        *forms,
    )


def dtype_lost(*forms: Mapping[str, str]) -> Mistake:
    return Mistake(
        "dtype-lost",
        "the dtype is lost",
        "A norm gives back the dtype that it is given; otherwise every layer after it pays.",
        *forms,
        seen=loses_dtype,
    )


def input_mutated(*forms: Mapping[str, str]) -> Mistake:
    return Mistake(
        "input-mutated",
        "an argument is changed in place",
        "The caller still needs what it gave: in a transformer x is the residual stream. Make "
        "a new array.",
        *forms,
        seen=changes_arguments,
    )


def cancellation(*forms: Mapping[str, str]) -> Mistake:
    return Mistake(
        "cancellation",
        "digits are lost far from 0, as by the variance E[x²] − E[x]²",
        "Far from 0 both terms are large and nearly equal, and their difference is rounding error: "
        "it may be negative. Subtract the mean first, then square.",
        *forms,
        seen=fails("far", but_not=("digits",)),
    )


def shapes_not_checked(what: str, *forms: Mapping[str, str]) -> Mistake:
    return Mistake(
        "shapes-not-checked",
        f"{what} of the wrong shape raises no ValueError that names the shapes",
        "NumPy stretches a shape (1,) or (1, D) without a word, and the result belongs to another "
        "norm. Whoever reads the error wants to see both shapes.",
        *forms,
        seen=accepts("misfit"),
    )
