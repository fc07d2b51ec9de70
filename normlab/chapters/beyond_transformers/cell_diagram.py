"""The LSTM cell with layer norm as parts and arrows, over several time steps."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["norm", "map", "gate", "operation", "value"]


@dataclass(frozen=True)
class Part:
    """A box, a circle or a value of one time step.

    Args:
        label: what it is called, with TeX between dollar signs.
        kind: what it is.
        x, y: where it stands.
        words: the same for whoever hears it.
    """

    label: str
    kind: Kind
    x: float
    y: float
    words: str


H, X, READ, MEMORY = 0.85, 2.85, 5.9, 6.6
"""Columns of what comes from h, from x, and of what is read; the row of the memory."""
PARTS = {
    "x": Part("$x_{t%s}$", "value", X, 0.2, "x"),
    "linear_h": Part("$W_h$", "map", H, 1.15, "W_h"),
    "linear_x": Part("$W_x$", "map", X, 1.15, "W_x"),
    "norm_h": Part("$LN_h$", "norm", H, 2.15, "LN_h"),
    "norm_x": Part("$LN_x$", "norm", X, 2.15, "LN_x"),
    "bias": Part("$b$", "value", 1.85, 2.15, "b"),
    "sum": Part("+", "operation", 1.85, 3.1, "the sum"),
    "f": Part("σ(f)", "gate", 0.95, 4.2, "the gate f"),
    "i": Part("σ(i)", "gate", 2.1, 4.2, "the gate i"),
    "o": Part("σ(o)", "gate", 3.25, 4.2, "the gate o"),
    "g": Part("tanh g", "gate", 4.4, 4.2, "the candidate g"),
    "written": Part("×", "operation", 3.25, 5.5, "what is written"),
    "kept": Part("×", "operation", 0.95, MEMORY, "what is kept of c"),
    "c": Part("+", "operation", 3.25, MEMORY, "the new c"),
    "norm_c": Part("$LN_c$", "norm", READ, 5.5, "LN_c"),
    "tanh": Part("tanh", "map", READ, 4.5, "tanh"),
    "h": Part("×", "operation", READ, 3.3, "the new h"),
}
EDGES = (
    ("x", "linear_x"), ("linear_x", "norm_x"), ("norm_x", "sum"), ("bias", "sum"),
    ("linear_h", "norm_h"), ("norm_h", "sum"),
    ("sum", "f"), ("sum", "i"), ("sum", "o"), ("sum", "g"),
    ("i", "written"), ("g", "written"), ("f", "kept"), ("kept", "c"), ("written", "c"),
    ("c", "norm_c"), ("norm_c", "tanh"), ("tanh", "h"), ("o", "h"),
)  # fmt: skip
"""Within one step."""
ACROSS = (("c", "kept"), ("h", "linear_h"))
"""From one step to the next."""


def cell_in_words() -> str:
    """The diagram as sentences, from its arrows: what each part receives.

    >>> cell_in_words().split(". ")[0]
    'W_h takes h of the step before'
    """
    before = {end: f"{PARTS[start].words.split()[-1]} of the step before" for start, end in ACROSS}
    told = []
    for name, part in PARTS.items():
        sources = [PARTS[start].words for start, end in EDGES if end == name]
        sources += [before[name]] if name in before else []
        if sources and part.kind != "gate":
            told.append(f"{part.words} takes {' and '.join(sources)}")
    gates = ", ".join(part.words for part in PARTS.values() if part.kind == "gate")
    told.append(f"{gates} are cut from the sum")
    return ". ".join(sentence[0].upper() + sentence[1:] for sentence in told)
