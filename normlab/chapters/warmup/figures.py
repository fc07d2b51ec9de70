"""Pictures of the map of what trains."""

import math
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from normlab.chapters.warmup.rate_map import (
    TRAINED,
    Outcome,
    StoredRun,
    WarmupMap,
    outcome,
    trained_of,
)
from normlab.pictures.style import (
    GREY,
    PLACEMENT_COLORS,
    PLACEMENT_MARKERS,
)
from normlab.tools.table import Table

MARKS: dict[Outcome, str] = {"trained": "●", "part of the way": "◐", "stuck": "○", "diverged": "×"}
_SEED_MARKERS = "osD^v<>P"
_LOWEST, _HIGHEST = 1e-5, 30.0
_DARK = 0.5  # share of the colour scale above which the text on it is white


def draw_map(data: WarmupMap, ax: Axes, /, placement: str, layers: int) -> None:
    """Warmup × learning rate. In each cell a mark for every seed and the median final loss.

    ● trained, ◐ part of the way, ○ stuck at chance, × given up.
    """
    rates, warmups = data.axis("learning_rate"), data.axis("warmup_steps")
    scale = LogNorm(1e-3, 3.0, clip=True)
    for y, warmup in enumerate(warmups):
        for x, rate in enumerate(rates):
            where = {
                "placement": placement,
                "decoder_layers": layers,
                "warmup_steps": warmup,
                "learning_rate": rate,
            }
            _draw_cell(data.cell(**where), data.median_loss(**where), ax, (x, y), scale)
    ax.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    ax.set_yticks(range(len(warmups)), [str(warmup) for warmup in warmups])
    ax.set(xlim=(-0.5, len(rates) - 0.5), ylim=(-0.5, len(warmups) - 0.5))
    ax.set(xlabel="learning rate", ylabel="warmup steps", title=f"{placement}, {layers} layers")
    ax.grid(False)


def _draw_cell(
    runs: Sequence[StoredRun], middle: float, ax: Axes, place: tuple[int, int], scale: LogNorm
) -> None:
    x, y = place
    if not runs:
        ax.text(x, y, "no run", ha="center", va="center", color=GREY)
        return
    share = float(scale(middle)) if math.isfinite(middle) else 1.0
    color = mpl.colormaps["cividis_r"](share)
    ax.fill_between((x - 0.48, x + 0.48), y - 0.47, y + 0.47, color=color, linewidth=0)
    text = f"{''.join(MARKS[outcome(run)] for run in runs)}\n{_loss(middle)}"
    ax.text(x, y, text, ha="center", va="center", color="white" if share > _DARK else "black")


def draw_seeds(
    data: WarmupMap, ax: Axes, /, placement: str, layers: int, warmup_steps: int
) -> None:
    """Final loss by learning rate: every seed a mark, the line their median, others in grey."""
    rates, chance = data.axis("learning_rate"), data.runs[0].chance
    where = {"decoder_layers": layers, "warmup_steps": warmup_steps}
    for other in data.placements():
        settings = [{"placement": other, "learning_rate": rate, **where} for rate in rates]
        medians = [data.median_loss(**setting) for setting in settings]
        chosen = other == placement
        color = PLACEMENT_COLORS[other] if chosen else GREY
        ax.plot(
            rates,
            [m if math.isnan(m) else _clipped(m) for m in medians],  # nan: no run
            "-" if chosen else ":",
            color=color,
            linewidth=1.8 if chosen else 0.9,
            label=f"median of {other}" if chosen else other,
            marker=None if chosen else PLACEMENT_MARKERS[other],
            markersize=4,
        )
        if chosen:
            _draw_points([data.cell(**setting) for setting in settings], ax, color)
    ax.axhline(chance, color="black", linestyle=(0, (1, 3)))
    ax.axhline(TRAINED * chance, color="black", linewidth=0.8)
    ax.text(rates[-1] * 1.25, chance * 1.1, f"chance, {chance:.2f}", va="bottom", fontsize=9.5)
    ax.text(rates[-1] * 1.25, chance * TRAINED / 1.1, "half of it", va="top", fontsize=9.5)
    ax.set(xscale="log", yscale="log", xlim=(rates[0] * 0.75, rates[-1] * 2.6))
    ax.set(ylim=(_LOWEST, _HIGHEST), xlabel="learning rate", ylabel="loss, last 10 steps (nats)")
    ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
    ax.minorticks_off()
    ax.set_title(f"{placement}, {layers} layers, {warmup_steps} warmup steps")
    ax.legend(loc="upper left", ncols=2, fontsize=9.5)


def _draw_points(cells: Sequence[Sequence[StoredRun]], ax: Axes, color: str) -> None:
    """A marker for each seed, open where the run did not train."""
    for run in (run for runs in cells for run in runs):
        trained = outcome(run) == "trained"
        marker = _SEED_MARKERS[run.config.seed % len(_SEED_MARKERS)]
        ax.plot(
            [run.config.learning_rate * (1 + 0.06 * (run.config.seed - 1))],
            [_clipped(run.final_loss)],
            marker,
            color=color,
            markerfacecolor=color if trained else "white",
            markersize=7,
        )


def describe_seeds(
    data: WarmupMap, /, placement: str, layers: int, warmup_steps: int
) -> tuple[str, Table]:
    """At which learning rates how many seeds train, and each seed's final loss."""
    rates = data.axis("learning_rate")
    where = {"placement": placement, "decoder_layers": layers, "warmup_steps": warmup_steps}
    cells = [data.cell(learning_rate=rate, **where) for rate in rates]
    said = "; ".join(
        f"{trained_of(runs) or 'no run'} at {rate:g}"
        + (f" (median loss {_loss(data.median_loss(learning_rate=rate, **where))})" if runs else "")
        for rate, runs in zip(rates, cells, strict=True)
    )
    sentence = (
        f"{placement}, {layers} layers, {warmup_steps} warmup steps; seeds that train, by "
        f"learning rate: {said}. Guessing costs {data.runs[0].chance:.2f}."
    )
    rows = [
        [f"{rate:g}", run.config.seed, _loss(run.final_loss), outcome(run)]
        for rate, runs in zip(rates, cells, strict=True)
        for run in runs
    ]
    return sentence, Table(("learning rate", "seed", "final loss", "outcome"), rows)


def _clipped(loss: float) -> float:
    """Where a loss stands on the axis; one above it, or not a number, stands at its upper end."""
    return max(loss, _LOWEST) if loss < _HIGHEST else _HIGHEST


def _loss(value: float) -> str:
    """Two digits, and no power of ten down to 0.0001.

    >>> [_loss(value) for value in (2.773, 0.2, 0.008, 0.00023, 0.00005)]
    ['2.77', '0.20', '0.0080', '0.00023', '5e-05']
    """
    if value < 1e-4:
        return f"{value:.0e}"
    return f"{value:.{1 - math.floor(math.log10(value))}f}" if value < 1 else f"{value:.2f}"
