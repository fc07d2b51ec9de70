"""Mistakes that exercises on backward passes share; each exercise gives the forms."""

from collections.abc import Mapping

from normlab.checks.exercise import Mistake
from normlab.checks.signs import fails

Form = Mapping[str, str]


def gamma_missing(*forms: Form) -> Mistake:
    return Mistake(
        "gamma-missing",
        "dx knows nothing of γ",
        "y = γ ⊙ x̂ + …, so what arrives at x̂ is ĝ = dy ⊙ γ. All terms of dx are made of ĝ.",
        *forms,
    )


def gamma_after(*forms: Form) -> Mistake:
    return Mistake(
        "gamma-after",
        "γ multiplies dx at the end",
        "γ comes after x̂ in the forward pass, so it comes first in the backward pass, and only "
        "once: ĝ = dy ⊙ γ, then the means.",
        *forms,
    )


def gamma_missing_in_mean(*forms: Form) -> Mistake:
    return Mistake(
        "gamma-missing-in-mean",
        "one term of dx has dy where ĝ = dy ⊙ γ belongs",
        "Every path to x goes through x̂, and what arrives there is ĝ. So every term is made of ĝ.",
        *forms,
    )


def deviation_detached(words: str, symbol: str, *forms: Form) -> Mistake:
    return Mistake(
        "std-detached",
        f"the term x̂·mean(ĝ ⊙ x̂) is missing: {words} is treated as a constant",
        f"{symbol} is computed from x, so x acts on y through {symbol}, too. In an autograd "
        "framework a detach() does the same. The forward pass does not show it.",
        *forms,
    )


def not_normalized(symbol: str, *forms: Form) -> Mistake:
    return Mistake(
        "not-normalized",
        "in the term x̂·mean(ĝ ⊙ x̂) something else stands for x̂",
        f"Twice it is the normalized row x̂: not x, and not x̂ divided by {symbol} once more.",
        *forms,
    )


def factor_two(symbol: str, *forms: Form) -> Mistake:
    return Mistake(
        "factor-two",
        "the term x̂·mean(ĝ ⊙ x̂) is half or twice as large as it should be",
        f"The square under the root gives a factor 2, the root gives 1/(2{symbol}): they cancel.",
        *forms,
    )


def term_added(*forms: Form) -> Mistake:
    return Mistake(
        "term-added",
        "a term is added instead of subtracted",
        "The means are what the norm takes away: both the forward and the backward pass subtract.",
        *forms,
    )


def mean_of_product(*forms: Form) -> Mistake:
    return Mistake(
        "product-of-means",
        "mean(ĝ ⊙ x̂) is computed as mean(ĝ) times mean(x̂)",
        "The mean of products is not the product of means. First multiply feature by feature, then "
        "take the mean.",
        *forms,
    )


def direct_missing(*forms: Form) -> Mistake:
    return Mistake(
        "direct-missing",
        "the direct term ĝ is missing in dx",
        "x stands in x̂ itself, so what arrives at x̂ arrives at x, too, divided by the divisor.",
        *forms,
    )


def divided_by_rows(*forms: Form) -> Mistake:
    return Mistake(
        "divided-by-rows",
        "the sums over the features are divided by the number of rows",
        "A mean over D features is a sum divided by D, x.shape[-1]. len(x) is the size of the "
        "first axis, the number of tokens.",
        *forms,
    )


def means_over_tokens(*forms: Form) -> Mistake:
    return Mistake(
        "means-over-tokens",
        "the means in dx are taken over the tokens",
        "That is the backward pass of batch norm, whose statistics the examples share. Here each "
        "token has its own, so these means go over its features.",
        *forms,
    )


def axes_of_a_matrix(*forms: Form) -> Mistake:
    return Mistake(
        "axes-of-a-matrix",
        "the axes are those of a matrix: 1 for the features, 0 for the tokens",
        "x may have any number of leading axes. The features are axis −1, and the tokens are all "
        "axes before it.",
        *forms,
    )


def axis_example(*forms: Form) -> Mistake:
    return Mistake(
        "axis-example",
        "the means are taken over all axes but the first",
        "With a batch (B, T, D) the tokens of an example then share their statistics. The features "
        "are the last axis alone.",
        *forms,
    )


def divided_by_tokens(*forms: Form) -> Mistake:
    return Mistake(
        "divided-by-tokens",
        "dx is divided by the number of tokens",
        "Whether the loss is a mean over the tokens is decided in the loss, and stands in dy "
        "already.",
        *forms,
    )


def sum_for_mean(*forms: Form) -> Mistake:
    return Mistake(
        "sum-for-mean",
        "dx has a sum where a mean belongs",
        "The statistics are means over D features, so the sums in their gradients are divided by "
        "D, too.",
        *forms,
    )


def not_divided(symbol: str, *forms: Form) -> Mistake:
    return Mistake(
        "not-divided",
        f"dx is not divided by {symbol}",
        f"x̂ is the input divided by {symbol}, so a large input moves it little: dx is 1/{symbol} "
        "times the rest.",
        *forms,
    )


def divided_twice(symbol: str, *forms: Form) -> Mistake:
    return Mistake(
        "divided-twice",
        f"dx is divided by {symbol}² instead of {symbol}",
        f"The terms are made of ĝ and x̂, and x̂ is divided by {symbol} already. What is left is one "
        f"factor 1/{symbol}.",
        *forms,
    )


def dgamma_not_summed(*forms: Form) -> Mistake:
    return Mistake(
        "dgamma-not-summed",
        "a parameter's gradient is not summed over all leading axes",
        "All tokens share one γ of shape (D,), so its gradient is the sum over all of them, "
        "whatever the leading shape: 3 axes, 2, or none.",
        *forms,
    )


def dgamma_mean(*forms: Form) -> Mistake:
    return Mistake(
        "dgamma-averaged",
        "a parameter's gradient is the mean over the tokens",
        "The tokens' contributions add up. Whether the loss is a mean is decided in the loss, and "
        "stands in dy already.",
        *forms,
    )


def dgamma_axes_fixed(*forms: Form) -> Mistake:
    return Mistake(
        "dgamma-axes-fixed",
        "a parameter's gradient is summed over the axes 0 and 1, or over all",
        "For x of shape (N, D) axis 1 holds the features, and they stay. Sum over all axes but the "
        "last: tuple(range(x.ndim - 1)).",
        *forms,
    )


def returned_in_another_order(order: str, *forms: Form) -> Mistake:
    return Mistake(
        "gradients-swapped",
        "the gradients are returned in another order",
        f"The order is {order}.",
        *forms,
    )


def dgamma_over_features(*forms: Form) -> Mistake:
    return Mistake(
        "dgamma-over-features",
        "a parameter's gradient is summed over the features",
        "γ has an entry for each feature: the features stay, and the tokens are summed.",
        *forms,
    )


def dgamma_not_normalized(*forms: Form) -> Mistake:
    return Mistake(
        "dgamma-not-normalized",
        "dγ has x where x̂ belongs",
        "γ multiplies x̂, so its gradient is Σ dy ⊙ x̂.",
        *forms,
    )


def dgamma_with_gamma(*forms: Form) -> Mistake:
    return Mistake(
        "dgamma-with-gamma",
        "a parameter's gradient has ĝ = dy ⊙ γ where dy belongs",
        "γ and what is added after it act on y directly. ĝ is what arrives before γ, at x̂.",
        *forms,
    )


def half_sums(*forms: Form) -> Mistake:
    return Mistake(
        "half-sums",
        "over many float16 tokens a parameter's gradient is off, as by a sum in float16",
        "Next to 2048 the float16 numbers are 2 apart: adding 1 changes nothing. Convert dy to "
        "float32 before the sum.",
        *forms,
        seen=fails("sum"),
    )
