"""Training curves of several models beside each other, each at its best learning rate."""

from matplotlib.axes import Axes

from normlab.pictures.style import BLUE, ORANGE, RED
from normlab.rate_grids import EVERY, RateGrid

NONE, SOME, WHOLE = (RED, "--"), (ORANGE, "-."), (BLUE, "-")
LOOKS = {
    "nn.LSTM": NONE,
    "nn.LSTM, then LN": SOME,
    "LN-LSTM": WHOLE,
    "pre-norm": WHOLE,
    "no final norm": SOME,
    "no norm": NONE,
}


def draw_rate_grid(data: RateGrid, ax: Axes, /, setting: str, top: float) -> None:
    """The median loss over seeds, and each seed thin behind it; the goal dotted.

    A median that is above `top` at every step is named in the legend as out of sight.
    """
    for model in data.models():
        (color, dash), runs = LOOKS[model], data.best(setting, model)
        for run in runs:
            steps = [EVERY * (place + 1) for place in range(len(run.losses))]
            ax.plot(steps, run.losses, dash, color=color, linewidth=0.6, alpha=0.5)
        label = f"{model}, rate {runs[0].learning_rate:g}"
        middle = data.curve(setting, model)
        if middle[1].min() > top:
            label += f": above {top:g}"
        ax.plot(*middle, dash, color=color, label=label)
    goal = data.best(setting, data.models()[0])[0].goal
    ax.axhline(goal, color="black", linewidth=0.8, linestyle=":")
    ax.set(xlabel="step", ylabel="loss, mean of 10", title=setting, ylim=(0, top))
    ax.legend(fontsize=8)
