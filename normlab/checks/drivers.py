"""Drivers: how an answer is run on the arguments of a probe. They hold no expected value."""

from typing import Any

from normlab.checks.exercise import Answer, Driver, Outputs, Value


class WrongReturn(TypeError):
    """An answer returned something that cannot be compared; the message says what."""


def call(*names: str) -> Driver:
    """A driver that calls the answer, and names what it returns.

    >>> call("quotient", "remainder")(divmod, x=7, y=2)
    {'quotient': 3, 'remainder': 1}
    """

    def driver(answer: Answer, **arguments: Value) -> Outputs:
        return named(answer(*arguments.values()), *names)

    return driver


def named(returned: Any, *names: str) -> Outputs:
    """{name: value} for one value, or for a tuple of as many as there are names.

    Raises:
        WrongReturn: if nothing was returned, or not as many values as expected.
    """
    if returned is None:
        raise WrongReturn("it returns nothing (None): is a `return` missing?")
    if len(names) == 1:
        return {names[0]: returned}
    wanted = f"expected a tuple of {len(names)}: ({', '.join(names)})"
    if not isinstance(returned, tuple | list):
        raise WrongReturn(f"it returns one {type(returned).__name__}; {wanted}.")
    if len(returned) != len(names):
        raise WrongReturn(f"it returns {len(returned)} values; {wanted}.")
    return dict(zip(names, returned, strict=True))
