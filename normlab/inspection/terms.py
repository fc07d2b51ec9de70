"""Sums of values, each times a factor."""

import re
from dataclasses import dataclass

from torch import nn

from normlab.inspection.recording import Operation, Value


@dataclass(frozen=True)
class Factor:
    """What a term is multiplied by.

    Attributes:
        number: a constant.
        letters: "a" for each learned factor, "g" for each that is computed from the inputs, "m" for
            a mixture of streams.
    """

    number: float = 1.0
    letters: str = ""

    def times(self, other: "Factor") -> "Factor":
        """Both."""
        letters = "".join(sorted(self.letters + other.letters))
        return Factor(self.number * other.number, re.sub("m+", "m", letters))

    def plus(self, other: "Factor") -> "Factor":
        """The factor of a value that is added twice; one with letters has no number of its own."""
        letters = "".join(dict.fromkeys(self.letters + other.letters))
        return Factor(1.0 if letters else self.number + other.number, letters)


ONE = Factor()


@dataclass(frozen=True, eq=False)
class Term:
    """A factor, and the value that it multiplies: x, a norm, a sub-layer or a constant."""

    factor: Factor
    value: Value


def added(operation: Operation) -> list[tuple[Value, Factor]] | None:
    """The values that an operator adds, with their factors, or None."""
    name, args = operation.name, operation.args
    if name in ("add", "sub", "rsub") and isinstance(args[1], Value):
        alpha = float(operation.kwargs.get("alpha", args[2] if len(args) > 2 else 1.0))
        one, other = (args[1], args[0]) if name == "rsub" else (args[0], args[1])
        sign = 1.0 if name == "add" else -1.0
        return [(one, ONE), (other, Factor(sign * alpha))]
    if name == "index_put" and len(args) > 3 and args[3]:
        return [(args[0], ONE), (args[2], ONE)]
    if name == "index_add":
        return [(args[0], ONE), (args[3], ONE)]
    return None


def factor_of(held: Value | float, inverse: bool = False) -> Factor:
    """A factor from a number or a tensor: a number, if all its entries are one number."""
    if not isinstance(held, Value):
        return Factor(1 / held if inverse else float(held))
    tensor = held.tensor
    learned = any(isinstance(leaf.tensor, nn.Parameter) for leaf in leaves(held))
    if not learned and tensor.numel() and bool((tensor == tensor.flatten()[0]).all()):
        number = float(tensor.flatten()[0])
        return Factor(1 / number if inverse else number)
    return Factor(letters="a" if learned and not given(held) else "g")


def leaves(value: Value) -> list[Value]:
    """The parameters, inputs and constants that a value is computed from."""
    found, waiting, seen = [], [value], set()
    while waiting:
        read = waiting.pop()
        if read in seen:
            continue
        seen.add(read)
        if read.operation is None:
            found.append(read)
        else:
            waiting += read.operation.values()
    return found


def given(value: Value) -> bool:
    """Whether a value is computed from an input of the model."""
    return any(leaf.given for leaf in leaves(value))
