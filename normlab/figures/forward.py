"""Pictures of the forward pass."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from normlab.forward import MovedToken, TracedTokens
from normlab.pictures.style import BLUE, GREY, ORANGE
from normlab.tools.table import Table

_OUTLINE: Any = {"fill": False, "edgecolor": "black", "linestyle": ":"}


def draw_moved_token(
    data: MovedToken, axes: tuple[Axes, Axes], /, scale: float, offset: float
) -> None:
    """Left the moved token, right its layer norm, on fixed axes."""
    left, right = axes
    places = np.arange(len(data.x))
    left.bar(places, data.moved(scale, offset), color=GREY)
    right.bar(places, data.normalized(scale, offset), color=BLUE)
    left.set(title="input a·x + b", ylim=(-16, 16), xlabel="feature", xticks=places)
    right.set(title="LayerNorm(a·x + b)", ylim=(-3, 3), xlabel="feature", xticks=places)
    for ax in axes:
        ax.axhline(0, color="black", linewidth=0.8)


def describe_moved_token(data: MovedToken, /, scale: float, offset: float) -> tuple[str, Table]:
    before, after = data.moved(scale, offset), data.normalized(scale, offset)
    sentence = (
        f"The input has {len(before)} features, mean {before.mean():.1f} and "
        f"standard deviation {before.std():.1f}; "
        f"the output has mean {abs(after.mean()):.1f} and standard deviation {after.std():.1f}."
    )
    rows = [[i, f"{a:.3f}", f"{b:.3f}"] for i, (a, b) in enumerate(zip(before, after, strict=True))]
    return sentence, Table(("feature", "input", "output"), rows)


def draw_traced_token(data: TracedTokens, ax: Axes, /, token: str, step: int) -> None:
    """Bars of the token after `step` steps; dashed outlines: the token one step before."""
    steps = list(data.traces[token].steps().items())
    name, values = steps[step]
    places = np.arange(len(values))
    mean, std = values.mean(), values.std()
    ax.axhspan(mean - std, mean + std, color=ORANGE, alpha=0.18, linewidth=0)
    ax.axhline(mean, color=ORANGE, linestyle="--", label="mean, ± std")
    ax.axhline(0, color="black", linewidth=0.8)
    ax.bar(places, values, 0.6, color=BLUE, label="this step")
    if step > 0:
        _, before = steps[step - 1]
        ax.bar(places, before, 0.8, **_OUTLINE, label="one step before")
    for place, text in enumerate(data.operations(token, step)):
        ax.text(place, -7.3, text, ha="center", va="bottom")
    ax.set(title=name, xlabel="feature", ylabel="value", xticks=places)
    ax.set(xlim=(-0.7, len(values) - 0.3), ylim=(-7.5, 9.5))
    ax.legend(loc="upper center", ncols=3)


def describe_traced_token(data: TracedTokens, /, token: str, step: int) -> tuple[str, Table]:
    name, values = list(data.traces[token].steps().items())[step]
    sentence = (
        f"Step {step} of 4, {name}, token {token}: the features are "
        f"{', '.join(_signed(v) for v in values)}; their mean is {_signed(values.mean())} and "
        f"their standard deviation {values.std():.2f}."
    )
    return sentence, data.traces[token].table()


def _signed(value: float) -> str:
    """Two digits, and no minus before a zero."""
    return f"{round(value, 2) + 0.0:.2f}"
