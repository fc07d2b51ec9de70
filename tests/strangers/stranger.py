"""What is known about one stranger's model: the truth that a report is judged by."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch

DYT = "DyT"


@dataclass(frozen=True)
class Norm:
    """One norm; a field that is a tuple holds several values that are all right."""

    kind: Any
    eps: Any
    gain: Any = "weight"
    bias: Any = False
    role: Any = "stream"
    place: Any = "inside"

    def at(self, role):
        return replace(self, role=role)


def ln(eps=1e-5, gain="weight", bias=True, role="stream", place="inside"):
    """A LayerNorm like torch's own."""
    return Norm("LayerNorm", eps, gain, bias, role, place)


def rms(eps=1e-6, gain="weight", bias=False, role="stream", place="inside"):
    return Norm("RMSNorm", eps, gain, bias, role, place)


def bn(eps=1e-5, gain="weight", bias=True, role=("stream", "inner"), place="inside"):
    """A BatchNorm; in an image network "stream" and "inner" cannot be told apart for certain."""
    return Norm("BatchNorm", eps, gain, bias, role, place)


def gn(eps=1e-5, gain="weight", bias=True, role=("stream", "inner"), place="inside"):
    return Norm("GroupNorm", eps, gain, bias, role, place)


def dyt(role="stream"):
    """A DyT has no ε, so that of a report is not looked at."""
    return Norm(DYT, None, "weight", True, role)


def other(role=("stream", "inner", "final", "embedding"), gain=("weight", "none", "1 + weight")):
    """A norm that has no name in the format; its ε is not looked at."""
    return Norm("other", None, gain, (True, False), role)


COSINE = Norm(("RMSNorm", "other"), None, ("none", "weight"), False, ("inner", "stream"))
"""F.normalize: a norm without a mean; it may be listed or not, and its ε is not looked at."""

PRE = ("n1 = norm(x)", "f1 = f(n1)", "n2 = norm(x + f1)", "f2 = f(n2)", "y = x + f1 + f2")
POST = ("f1 = f(x)", "n1 = norm(x + f1)", "f2 = f(n1)", "n2 = norm(n1 + f2)", "y = n2")
REORDERED = (
    "f1 = f(x)",
    "n1 = norm(f1)",
    "f2 = f(x + n1)",
    "n2 = norm(f2)",
    "y = x + n1 + n2",
)
PERI = (
    "n1 = norm(x)",
    "f1 = f(n1)",
    "n2 = norm(f1)",
    "n3 = norm(x + n2)",
    "f2 = f(n3)",
    "n4 = norm(f2)",
    "y = x + n2 + n4",
)
HALF_PRE = ("n1 = norm(x)", "f1 = f(n1)", "y = x + f1")
HALF_POST = ("f1 = f(x)", "n1 = norm(x + f1)", "y = n1")


@dataclass(frozen=True)
class Stranger:
    """A model or block, and the truth about it.

    Attributes:
        name: what it is.
        make: returns (module, inputs); inputs are a tensor, a tuple, or a dict of keywords.
        norms: how many there are of each norm.
        optional: norms that may be reported or not, and up to how often.
        placement: that of every layer; or a tuple, one for each layer. "a|b": both are right.
            None: nothing is said about layers.
        layers: how many layers there are; a tuple if several counts are right; None if any is.
        equations: of the first layer; empty where nothing is sure. Factors do not count.
        warnings: codes that must stand. "a|b": one of them.
        allowed: codes that may stand as well.
        optimizer: makes the optimizer that is given to the reader.
        refused: only an error that says what was not understood is right.
        may_refuse: such an error is right as well.
    """

    name: str
    make: Callable[[], tuple[Any, Any]]
    norms: dict[Norm, int] = field(default_factory=dict)
    placement: str | tuple[str, ...] | None = None
    layers: int | tuple[int, ...] | None = 1
    equations: tuple[str, ...] = ()
    warnings: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    optional: dict[Norm, int] = field(default_factory=dict)
    optimizer: Callable[[Any], Any] | None = None
    refused: bool = False
    may_refuse: bool = False

    @property
    def clean(self):
        return not self.warnings and not self.refused


def collection():
    """A list, and a decorator that adds a `make` with its truth to it."""
    strangers = []

    def stranger(name, norms=None, placement=None, warnings=(), allowed=(), **truth):
        def add(make):
            def seeded():
                torch.manual_seed(0)
                return make()

            strangers.append(
                Stranger(
                    name,
                    seeded,
                    norms or {},
                    placement,
                    warnings=frozenset([warnings] if isinstance(warnings, str) else warnings),
                    allowed=frozenset([allowed] if isinstance(allowed, str) else allowed),
                    **truth,
                )
            )
            return make

        return add

    return strangers, stranger
