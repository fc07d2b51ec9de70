"""Explorer of the hidden state of recurrent cells."""

from normlab.figures.recurrent import describe_states, draw_states
from normlab.pictures import Choice, Explorer, Scene, Slider
from normlab.recurrence import SCALES, state_curves


def explore_states() -> Explorer:
    """Scale the recurrent weights, and follow the hidden state of both cells over 500 steps."""
    return Explorer(
        "Hidden state over 500 steps",
        Scene(state_curves, draw_states, describe_states, columns=2, size=(9.0, 3.6)),
        pages={"scale": Slider("W_h ×", SCALES, show="{:g}".format, start=1)},
        settings={
            "cell": Choice("cell", ("RNN", "LSTM")),
            "inputs": Choice("inputs", ("none", "at every step")),
        },
    )
