"""The picture of a model that stops reading its input."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from normlab.collapse import Followed
from normlab.pictures.style import PLACEMENT_COLORS, PLACEMENT_MARKERS

_DASHES = ("-", "--", ":")


def draw_collapse(runs: Sequence[Followed], axes: Sequence[Axes], /) -> None:
    """Left the spread of the logits over inputs, right the gradient of the first block."""
    warmups = sorted({run.config.warmup_steps for run in runs})
    titles = {
        "logit_spread": "does the answer depend on the input?",
        "first_gradient": "what reaches the first block",
    }
    labels = ("spread of the logits", "‖gradient‖, first block")
    for ax, (name, title), label in zip(axes, titles.items(), labels, strict=True):
        for run in runs:
            placement, warmup = run.config.placement, run.config.warmup_steps
            ax.plot(
                run.series("updates"),
                run.series(name),
                _DASHES[warmups.index(warmup) % len(_DASHES)],
                color=PLACEMENT_COLORS[placement],
                marker=PLACEMENT_MARKERS[placement],
                markersize=4,
                label=f"{placement}, warmup {warmup}",
            )
        ax.set(yscale="log", xlabel="updates", ylabel=label, title=title)
        ax.set_ylim(1e-6, 10)
    axes[1].legend(fontsize=8)
