"""Pictures of graphs, of runs over learning rates, of hidden states and of image patches."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from normlab.chapters.beyond_transformers.graph_runs import AccuracyByDepth
from normlab.chapters.beyond_transformers.oversmoothing import Smoothing, one_digit
from normlab.chapters.beyond_transformers.rate_grids import EVERY, RateGrid
from normlab.chapters.beyond_transformers.recurrence import KINDS, StateCurves
from normlab.pictures.style import BLUE, GREEN, GREY, ORANGE, PINK, RED
from normlab.tools.table import Table

GRAPH_LOOKS = {
    "no norm": (GREY, "x", ":"),
    "LN, mode node": (BLUE, "o", "-"),
    "LN, mode graph": (ORANGE, "s", "--"),
    "GraphNorm": (GREEN, "^", "-."),
}
COMMUNITIES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"))
SHOWN = 20


def draw_smoothing(data: Smoothing, axes: tuple[Axes, Axes], /, layers: int, norm: str) -> None:
    """Left the nodes after so many layers; right how far apart their directions are, by depth."""
    left, right = axes
    places, labels = data.places(norm, layers), data.graph.labels
    for community, (color, marker) in enumerate(COMMUNITIES):
        own = places[labels == community][:SHOWN]  # (N, 2) -> (n, 2)
        left.plot(*own.T.round(4), marker, color=color, ms=5, label=f"community {community + 1}")
    left.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), xlabel="direction 1", ylabel="direction 2")
    left.set_title(f"{norm}, {layers} layers")
    left.legend(loc="lower right", fontsize=9)
    for name in data.layers:
        color, marker, dash = GRAPH_LOOKS[name]
        apart = data.apart(name)
        chosen = name == norm
        width = 2.4 if chosen else 1
        right.plot(apart, dash, color=color, linewidth=width, label=name)
        if chosen:
            right.plot(layers, apart[layers], marker, color=color, ms=9, mec="black")
    right.set(yscale="log", ylim=(1e-17, 10), xlabel="layers", ylabel="mean of 1 − cos")
    right.set_yticks([1e-16, 1e-12, 1e-8, 1e-4, 1], ["10⁻¹⁶", "10⁻¹²", "10⁻⁸", "10⁻⁴", "1"])
    right.set_xticks([0, 16, 32, 48, 64])
    right.minorticks_off()
    right.set_title("how far apart directions are")
    right.legend(loc="lower left", fontsize=9)


def describe_smoothing(data: Smoothing, /, layers: int, norm: str) -> tuple[str, Table]:
    energy, apart = data.energy(norm)[layers], data.apart(norm)[layers]
    sentence = (
        f"{norm}, {layers} untrained layers: the Dirichlet energy is {one_digit(energy)} a node, "
        f"and the directions are {one_digit(apart)} apart."
    )
    return sentence, data.table()


OWN_LAYERS = 8


def draw_own_graph_norm(data: Smoothing, axes: tuple[Axes, Axes], /) -> None:
    """The same, with a learner's layer norm in both modes: the nodes with mode node."""
    draw_smoothing(data, axes, OWN_LAYERS, "LN, mode node")
    axes[0].set_title(f"your mode node, {OWN_LAYERS} layers")


def describe_own_graph_norm(data: Smoothing, /) -> str:
    node, graph, without = (
        one_digit(data.apart(norm)[OWN_LAYERS])
        for norm in ("LN, mode node", "LN, mode graph", "no norm")
    )
    return (
        f"After {OWN_LAYERS} untrained layers the directions of the nodes are {node} apart with "
        f"your mode node, {graph} with your mode graph, and {without} without a norm: 0 is all "
        "alike. Chapter 09, section 7, has this picture."
    )


def draw_accuracy(data: AccuracyByDepth, ax: Axes, /) -> None:
    """The share of right labels by depth: the mean over seeds, and each seed as a small mark."""
    for name, values in data.accuracy.items():
        color, marker, dash = GRAPH_LOOKS[name]
        ax.plot(data.depths, values, marker, color=color, ms=3, alpha=0.5)
        ax.plot(data.depths, values.mean(1), dash, marker=marker, color=color, label=name)
    ax.axhline(1 / 3, color="black", linewidth=0.8, linestyle=(0, (1, 3)))
    ax.text(data.depths[0], 1 / 3 - 0.01, "guessing", va="top", fontsize=8)
    ax.set(xscale="log", xlabel="layers", ylabel="share of right labels", ylim=(0.15, 1.02))
    ax.set_xticks(data.depths, [str(depth) for depth in data.depths])
    ax.minorticks_off()
    ax.legend(loc="center left", bbox_to_anchor=(0.02, 0.45), fontsize=8)


NONE, BIASED, SOME, WHOLE = (RED, "--"), (PINK, ":"), (ORANGE, "-."), (BLUE, "-")
MODEL_LOOKS = {
    "nn.LSTM": NONE,
    "nn.LSTM, forget bias 1": BIASED,
    "nn.LSTM, then LN": SOME,
    "LN-LSTM": WHOLE,
    "pre-norm": WHOLE,
    "no final norm": SOME,
    "no norm": NONE,
}


def draw_rate_grid(data: RateGrid, ax: Axes, /, setting: str) -> None:
    """The median loss over seeds, and each seed thin behind it; the goal dotted."""
    for model in data.models():
        (color, dash), runs = MODEL_LOOKS[model], data.best(setting, model)
        for run in runs:
            steps = [EVERY * (place + 1) for place in range(len(run.losses))]
            ax.plot(steps, run.losses, dash, color=color, linewidth=0.6, alpha=0.5)
        label = f"{model}, rate {runs[0].learning_rate:g}"
        ax.semilogy(*data.curve(setting, model), dash, color=color, label=label)
    goal = data.best(setting, data.models()[0])[0].goal
    ax.axhline(goal, color="black", linewidth=0.8, linestyle=":")
    ax.set(xlabel="step", ylabel="loss, mean of 10", title=setting)
    ax.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.2))


def draw_own_cell(data: RateGrid, ax: Axes, /) -> None:
    """The same of a learner's cell, beside nn.LSTM."""
    draw_rate_grid(data, ax, "adding")
    ax.set_title("adding; LN-LSTM is your cell")


def describe_own_cell(data: RateGrid, /) -> str:
    (own,) = data.best("adding", "LN-LSTM")
    stored = [run.steps_to_goal for run in data.best("adding", "nn.LSTM")]
    solved = sorted(steps for steps in stored if steps is not None)
    ends = f"needs {own.steps_to_goal} steps" if own.steps_to_goal else "has not got there"
    return (
        f"With your cell the loss on adding is {own.losses[-1]:.3f} after "
        f"{EVERY * len(own.losses)} steps; to {own.goal:g} it {ends}. Of the {len(stored)} stored "
        f"runs of nn.LSTM {len(solved)} get there, after {solved[0]} to {solved[-1]}. Chapter 09, "
        "section 4, has more of them."
    )


POINTS, FLOOR = 120, 1e-17
CELL_LOOKS = {"plain": (RED, "--"), "LN": (BLUE, "-")}


def draw_states(data: StateCurves, axes: tuple[Axes, Axes], /, scale: float) -> None:
    """Left the size of h, right how far two runs are apart; the other scales thin behind."""
    steps = len(data.size[KINDS[0], scale])
    shown = np.unique(np.geomspace(1, steps, POINTS).astype(int)) - 1
    for ax, curves in zip(axes, (data.size, data.memory), strict=True):
        for other in data.scales:
            for kind in KINDS:
                values = np.maximum(curves[kind, other][shown], FLOOR)
                ax.plot(shown + 1, values, CELL_LOOKS[kind][1], color=GREY, lw=0.5, alpha=0.35)
        for kind in KINDS:
            color, dash = CELL_LOOKS[kind]
            values = np.maximum(curves[kind, scale][shown], FLOOR)
            ax.plot(shown + 1, values, dash, color=color, label=f"{kind} {data.cell}")
        ax.set(xscale="log", yscale="log", xlim=(1, steps), xlabel="time step t")
        ax.set_xticks([1, 10, 100, steps], ["1", "10", "100", str(steps)])
        ax.minorticks_off()
    left, right = axes
    left.set(ylim=(1e-6, 3), ylabel="root mean square of h", title=f"size, W_h × {scale:g}")
    left.set_yticks([1e-6, 1e-4, 1e-2, 1], ["10⁻⁶", "10⁻⁴", "10⁻²", "1"])
    right.set(ylim=(FLOOR, 10), ylabel="root mean square of h − h'", title="two starts apart")
    right.set_yticks([1e-16, 1e-12, 1e-8, 1e-4, 1], ["10⁻¹⁶", "10⁻¹²", "10⁻⁸", "10⁻⁴", "1"])
    left.legend(loc="lower left")


def describe_states(data: StateCurves, /, scale: float) -> tuple[str, Table]:
    ends = []
    for kind in KINDS:
        size, apart = data.end(kind, scale)
        left = "are still apart" if apart > 1e-3 else "have come together"
        ends.append(f"in the {kind} {data.cell} h has size {size:.1f} and two starts {left}")
    inputs = "inputs at every step" if data.inputs == "at every step" else "no inputs"
    steps = len(data.size[KINDS[0], scale])
    return f"W_h times {scale:g}, {inputs}, after {steps} steps: {', '.join(ends)}.", data.table()


def draw_patches(images: Tensor, axes: Sequence[Axes], /, patch: int) -> None:
    """Images (N, S, S) side by side, cut into the patches that become tokens."""
    for image, ax in zip(images, axes, strict=True):
        ax.imshow(image.numpy(), cmap="Greys")
        for cut in range(patch, image.shape[0], patch):
            ax.axhline(cut - 0.5, color=RED, linewidth=1)
            ax.axvline(cut - 0.5, color=RED, linewidth=1)
        side = image.shape[0]
        ax.set_label(f"{side} × {side} pixels, cut into {(side // patch) ** 2} patches")
        ax.set_axis_off()
