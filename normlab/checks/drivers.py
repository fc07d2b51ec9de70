"""Drivers: how an answer is run on the arguments of a probe. They hold no expected value."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from normlab.checks.exercise import Answer, Outputs, Value


class WrongReturn(TypeError):
    """An answer returned something that cannot be compared; the message says what."""


@dataclass(frozen=True)
class Call:
    """A driver that calls the answer, and names what it returns, which must be NumPy's.

    Args:
        names: of the returned values, in their order.
    """

    names: tuple[str, ...]

    def __call__(self, answer: Answer, **arguments: Value) -> Outputs:
        outputs = named(answer(*arguments.values()), *self.names)
        for name, value in outputs.items():
            if hasattr(value, "detach") or isinstance(value, np.ma.MaskedArray):
                kind = f"{type(value).__module__}.{type(value).__name__}"
                raise WrongReturn(f"{name} is a {kind}; expected an array or a number of NumPy.")
        return outputs


def call(*names: str) -> Call:
    """The driver that calls the answer, and gives these names to what it returns.

    >>> call("quotient", "remainder")(divmod, x=7, y=2)
    {'quotient': 3, 'remainder': 1}
    """
    return Call(names)


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
