"""What the exercises on backward passes share: mistakes, and the comparison with differences."""

from collections.abc import Callable, Mapping
from inspect import signature

import numpy as np

from normlab.checks.exercise import Arguments, Law, Mistake, Outputs, Probe, Value
from normlab.gradients import finite_difference_gradient, relative_error
from normlab.norms.rows import FloatArray

Form = Mapping[str, str]


def gamma_missing(*forms: Form) -> Mistake:
    return Mistake(
        "gamma-missing",
        "dx knows nothing of γ",
        "y = γ ⊙ x̂ + …, so what arrives at x̂ is u = dy ⊙ γ. All terms of dx are made of u.",
        *forms,
    )


def gamma_after(*forms: Form) -> Mistake:
    return Mistake(
        "gamma-after",
        "γ multiplies dx at the end",
        "γ comes after x̂ in the forward pass, so it comes first in the backward pass: u = dy ⊙ γ, "
        "then the means. A mean of u is not a mean of dy times γ.",
        *forms,
    )


def gamma_missing_in_mean(*forms: Form) -> Mistake:
    return Mistake(
        "gamma-missing-in-mean",
        "one term of dx has dy where u = dy ⊙ γ belongs",
        "Every path to x goes through x̂, and what arrives there is u. So every term is made of u.",
        *forms,
    )


def deviation_detached(words: str, symbol: str, *forms: Form) -> Mistake:
    return Mistake(
        "std-detached",
        f"the term x̂·mean(u ⊙ x̂) is missing: {words} is treated as a constant",
        f"{symbol} is computed from x, so x acts on y through {symbol}, too. In an autograd "
        "framework a detach() does the same. The forward pass does not show it.",
        *forms,
    )


def not_normalized(symbol: str, *forms: Form) -> Mistake:
    return Mistake(
        "not-normalized",
        f"the term x̂·mean(u ⊙ x̂) has a factor {symbol} too many or too few",
        "Both factors are the normalized row x̂, not x and not x̂ divided once more.",
        *forms,
    )


def factor_two(symbol: str, *forms: Form) -> Mistake:
    return Mistake(
        "factor-two",
        "the term x̂·mean(u ⊙ x̂) is half or twice as large as it should be",
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
        f"The terms are made of u and x̂, and x̂ is divided by {symbol} already. What is left is one "
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
        "a parameter's gradient has u = dy ⊙ γ where dy belongs",
        "γ and what is added after it act on y directly. u is what arrives before γ, at x̂.",
        *forms,
    )


def shapes_not_checked(*forms: Form) -> Mistake:
    return Mistake(
        "shapes-not-checked",
        "a dy or γ of the wrong shape raises no ValueError that names the shapes",
        "NumPy stretches a shape (1,) or (1, D) without a word, and the gradients belong to "
        "another norm. Whoever reads the error wants to see both shapes.",
        *forms,
    )


def half_sums(*forms: Form) -> Mistake:
    return Mistake(
        "half-sums",
        "a parameter's gradient is summed in float16",
        "Next to 2048 the float16 numbers are 2 apart: adding 1 changes nothing. Convert dy to "
        "float32 before the sum.",
        *forms,
    )


Forward = Callable[..., FloatArray]


def differs_from_differences(forward: Forward, arguments: Arguments) -> Law:
    """The law that the outputs dx, dgamma, … are the slopes of Σ dy ⊙ forward(x, gamma, …)."""
    dy, eps = arguments["dy"], arguments["eps"]
    inputs = {"x": arguments["x"], "gamma": arguments["gamma"]}
    if "beta" in signature(forward).parameters:
        inputs["beta"] = np.zeros_like(arguments["gamma"])

    def slope(name: str) -> FloatArray:
        def loss(value: FloatArray) -> float:
            y = forward(**{**inputs, name: value}, eps=eps)
            return float((dy * y).sum())  # (..., D) -> ()

        return finite_difference_gradient(loss, inputs[name], 1e-5)

    def judge(out: Outputs) -> str | None:
        errors = {f"d{name}": relative_error(out[f"d{name}"], slope(name)) for name in inputs}
        large = [f"{name} by {100 * e:.3g} %" for name, e in errors.items() if not e < 1e-4]
        return f"On one batch of random numbers: {', '.join(large)}." if large else None

    return Law(
        "differs-from-differences",
        "the gradient differs from finite differences",
        (arguments,),
        judge,
    )


def not_linear_in_dy(arguments: Arguments) -> Law:
    """The law that twice the dy gives twice the gradients."""

    def judge(once: Outputs, twice: Outputs) -> str | None:
        for name, value in once.items():
            error = relative_error(twice[name], 2 * value)
            if not error < 1e-5:
                return f"twice the dy gives another {name} than twice the {name}."
        return None

    doubled = {**arguments, "dy": 2 * arguments["dy"]}
    return Law("not-linear-in-dy", "the gradients do not go with dy", (arguments, doubled), judge)


def scale_not_inverse(arguments: Arguments) -> Law:
    """The law that an input 10 times as large, with 100 times the ε, has a tenth of the dx."""

    def judge(one: Outputs, other: Outputs) -> str | None:
        error = relative_error(other["dx"], one["dx"] / 10)
        if error < 1e-5:
            return None
        return f"for 10·x and 100·ε, dx is off by {100 * error:.3g} % of a tenth of dx."

    larger = {**arguments, "x": 10 * arguments["x"], "eps": 100 * arguments["eps"]}
    return Law(
        "scale-not-inverse",
        "an input 10 times as large has not a tenth of the gradient",
        (arguments, larger),
        judge,
    )


def rows_depend(arguments: Arguments) -> Law:
    """The law that the first row's dx is the same without the other rows."""

    def judge(together: Outputs, alone: Outputs) -> str | None:
        change = np.abs(together["dx"][:1] - alone["dx"]).max()
        return None if change < 1e-5 else f"alone, the first row's dx changes by {change:.3g}."

    first = {**arguments, "dy": arguments["dy"][:1], "x": arguments["x"][:1]}
    return Law("rows-depend", "rows change each other's dx", (arguments, first), judge)


def half_probes(dy: list[float], x: list[float]) -> tuple[Probe, ...]:
    """float16 numbers with a float32 γ: squares that overflow, and sums over many tokens.

    Args:
        dy, x: (D,), the rows of each of 3000 tokens.
    """
    overflow = {
        "dy": np.array([[1, 0, 0, 0]], np.float16),
        "x": np.array([[300, -300, 0, 0]], np.float16),
        "gamma": np.ones(4, np.float32),
    }
    tokens = {
        "dy": np.tile(np.array(dy, np.float16), (3000, 1)),  # (D,) -> (3000, D)
        "x": np.tile(np.array(x, np.float16), (3000, 1)),
        "gamma": np.ones(len(x), np.float32),
    }
    two_steps = 2e-3  # of float16
    return (
        Probe(
            "float16 numbers whose squares overflow, float32 γ",
            overflow,
            tolerance=two_steps,
            special=True,
        ),
        Probe(
            "3000 float16 tokens, float32 γ",
            tokens,
            tolerance=two_steps,
            special=True,
            rounding=True,
        ),
    )


def shape_probes(token: dict[str, Value], two_tokens: dict[str, Value]) -> tuple[Probe, ...]:
    """A γ and a dy that do not fit, but that NumPy would stretch.

    Args:
        token: arguments with an x of shape (D,).
        two_tokens: the same with an x of shape (2, D).
    """
    features = token["x"].shape[0]
    one, row = np.ones(1), np.ones((1, features))
    stretched = (
        ("a γ of one number", token | {"gamma": one}, ("(1,)", f"({features},)")),
        ("a γ of two axes", two_tokens | {"gamma": row}, (f"(1, {features})",)),
        ("a dy of one number", token | {"dy": one}, ("(1,)", f"({features},)")),
        (
            "a dy of one token for an x of two",
            two_tokens | {"dy": row},
            (f"(1, {features})", f"(2, {features})"),
        ),
    )
    return tuple(
        Probe(title, arguments, special=True, error_names=names)
        for title, arguments, names in stretched
    )
