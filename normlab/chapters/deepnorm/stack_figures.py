"""Pictures of what a stack hands on: whose output the stream is, and what becomes of a change."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm

from normlab.chapters.deepnorm.followed_runs import KINDS, FollowedChanges
from normlab.chapters.deepnorm.shares import BranchShares
from normlab.pictures.style import BAND, GREY, PLACEMENT_COLORS

CHANGE_LOOKS = {
    "sgd": ("-", "o", None),
    "random": ("--", "s", GREY),
    "stream": (":", "D", "black"),
}
"""Dash, marker and colour; SGD's has the placement's."""
MARKED = (1, 2, 4, 8, 16, 32)
SHARE_TICKS = (0, 0.01, 0.05, 0.1, 0.3, 0.6, 1)


def draw_shares(data: BranchShares, axes: Sequence[Axes], /) -> None:
    """A heat map for each model: row i is the stream after sub-layer i, column j a branch.

    Column 0 is the input. The scale goes with the square root of a share, so that small ones are
    seen too.
    """
    for (name, shares), ax in zip(data.shares.items(), axes, strict=True):
        sub_layers = len(shares)
        columns = np.arange(sub_layers + 1)
        later = columns > np.arange(1, sub_layers + 1)[:, None]  # (S, S + 1): not there yet
        seen = np.ma.masked_array(shares.clip(0), mask=later)
        norm = PowerNorm(0.5, vmin=0, vmax=1)
        image = ax.pcolormesh(columns, columns[1:], seen, cmap="YlGnBu", norm=norm)
        ax.set(title=name, xlabel="input, then branch", aspect="equal")
        ax.set_xticks(columns[::3], ["in", *map(str, columns[3::3])])
        ax.set_yticks(columns[3::3])
        ax.grid(False)
    axes[0].set_ylabel("stream after sub-layer")
    figure = axes[0].get_figure(root=True)
    assert figure is not None  # the axes come from one
    bar = figure.colorbar(image, ax=list(axes), ticks=SHARE_TICKS, shrink=0.9)
    bar.ax.set_yticklabels([f"{tick:g}" for tick in SHARE_TICKS])
    bar.set_label("share of the stream")


def draw_followed_changes(
    data: FollowedChanges, axes: Sequence[Axes], /, stacks: Sequence[tuple[str, int]]
) -> None:
    """A change in layer 1 by layer, over what it was there; a panel for each (stack, tokens).

    The band is one standard deviation over the seeds. The axes share y.
    """
    for (stack, tokens), ax in zip(stacks, axes, strict=True):
        growth = data.growth(stack, tokens)
        for kind, (dash, marker, color) in CHANGE_LOOKS.items():
            own = color or PLACEMENT_COLORS[stack.lower()]
            ax.fill_between(growth.depths, *growth.band(kind), color=own, alpha=BAND, lw=0)
            at = [n - 1 for n in MARKED]
            ax.plot(growth.depths, growth.values[kind], dash, color=own, marker=marker,
                    markevery=at, ms=4.5, label=KINDS[kind])  # fmt: skip
        said = "1 token a sequence" if tokens == 1 else f"{tokens} tokens"
        ax.set(xscale="log", yscale="log", xlabel="after layer", title=f"{stack}, {said}")
        ax.set_xticks(MARKED, [str(layer) for layer in MARKED])
        ax.set_yticks([0.25, 0.5, 1, 2, 4, 8, 16], ["¼", "½", "1", "2", "4", "8", "16"])
        ax.set_ylim(0.25, 50)  # room for the legend
        ax.minorticks_off()
    axes[0].set_ylabel("change / that after layer 1")
    for ax in axes:
        ax.legend(fontsize=8, loc="upper left")
