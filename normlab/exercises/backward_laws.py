"""Laws of gradients, which the exercises on backward passes share."""

from collections.abc import Callable
from inspect import signature

import numpy as np

from normlab.checks.exercise import Arguments, Law, Outputs
from normlab.norms import FloatArray
from normlab.norms.differences import finite_difference_gradient, relative_error

Forward = Callable[..., FloatArray]


def _off(one: FloatArray, other: FloatArray) -> float:
    """The relative error of one to the other; 0 if they are equal, and be it 0."""
    if np.array_equal(one, other):
        return 0.0
    with np.errstate(divide="ignore"):
        return relative_error(one, other)


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
            if not _off(twice[name], 2 * value) < 1e-5:
                return f"twice the dy gives another {name} than twice the {name}."
        return None

    doubled = {**arguments, "dy": 2 * arguments["dy"]}
    return Law("not-linear-in-dy", "the gradients do not go with dy", (arguments, doubled), judge)


def scale_not_inverse(arguments: Arguments) -> Law:
    """The law that an input 10 times as large, with 100 times the ε, has a tenth of the dx."""

    def judge(one: Outputs, other: Outputs) -> str | None:
        error = _off(other["dx"], one["dx"] / 10)
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
