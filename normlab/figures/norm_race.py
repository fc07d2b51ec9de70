"""Pictures of LayerNorm against RMSNorm on the clock."""

import numpy as np
from matplotlib.axes import Axes

from normlab.figures.cost import HATCHES
from normlab.norm_race import NormTimes
from normlab.pictures.style import NORM_COLORS


def draw_norm_times(data: NormTimes, ax: Axes, /) -> None:
    """Two bars for each library: LayerNorm plain, RMSNorm hatched."""
    libraries = data.libraries()
    for shift, norm in ((-0.2, "LayerNorm"), (0.2, "RMSNorm")):
        ax.barh(
            np.arange(len(libraries)) + shift,
            [1e3 * data.seconds[library, norm] for library in libraries],
            height=0.38, color=NORM_COLORS[norm], hatch=HATCHES[norm], edgecolor="white",
            label=norm,
        )  # fmt: skip
    ax.axvline(1e3 * data.copy_seconds, color="black", linestyle="--", label="copy x")
    ax.set_yticks(range(len(libraries)), libraries)
    ax.invert_yaxis()
    ax.set(xlabel="milliseconds", title=data.title)
    ax.legend(fontsize=8)
    ax.grid(visible=False, axis="y")
