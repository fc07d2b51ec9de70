"""Pictures of chapter 07: the learning rate in time, and the map of what trains."""

import math
import statistics
from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from normlab.pictures.style import BLUE, GREEN, GREY, ORANGE, PLACEMENT_COLORS, PLACEMENT_MARKERS
from normlab.tools.table import Table
from normlab.warmup import TRAINED, Outcome, StoredRun, WarmupMap, outcome, trained_of

MARKS: dict[Outcome, str] = {"trained": "●", "part of the way": "◐", "stuck": "○", "diverged": "×"}
_SEED_MARKERS = "osD^v<>P"
_LOWEST, _HIGHEST = 1e-5, 30.0
_DARK = 0.5  # share of the colour scale above which the text on it is white


def draw_rates(rates: Mapping[int, Sequence[float]], ax: Axes, /) -> None:
    """The learning rate by step, a line for each number of warmup steps."""
    looks = zip((BLUE, ORANGE, GREEN), ("-", "--", "-."), strict=True)
    for (warmup, values), (color, dash) in zip(rates.items(), looks, strict=False):
        ax.plot(values, dash, color=color, label=f"{warmup} warmup steps")
    ax.set(xlabel="step", ylabel="learning rate", ylim=(0, None))
    ax.legend()


def draw_map(data: WarmupMap, ax: Axes, /, placement: str, layers: int) -> None:
    """Warmup × learning rate. In each cell a mark for every seed and the median final loss.

    ● trained, ◐ part of the way, ○ stuck at chance, × given up.
    """
    rates, warmups = data.axis("learning_rate"), data.axis("warmup_steps")
    scale = LogNorm(1e-3, 3.0, clip=True)
    for y, warmup in enumerate(warmups):
        for x, rate in enumerate(rates):
            runs = data.cell(
                placement=placement,
                decoder_layers=layers,
                warmup_steps=warmup,
                learning_rate=rate,
            )
            _draw_cell(runs, ax, x, y, scale)
    ax.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    ax.set_yticks(range(len(warmups)), [str(warmup) for warmup in warmups])
    ax.set(xlim=(-0.5, len(rates) - 0.5), ylim=(-0.5, len(warmups) - 0.5))
    ax.set(xlabel="learning rate", ylabel="warmup steps", title=f"{placement}, {layers} layers")
    ax.grid(False)


def _draw_cell(runs: Sequence[StoredRun], ax: Axes, x: int, y: int, scale: LogNorm) -> None:
    if not runs:
        ax.text(x, y, "no run", ha="center", va="center", color=GREY)
        return
    middle = _median(runs)
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
        cells = [data.cell(placement=other, learning_rate=r, **where) for r in rates]
        chosen = other == placement
        color = PLACEMENT_COLORS[other] if chosen else GREY
        ax.plot(
            rates,
            [_clipped(_median(runs)) if runs else math.nan for runs in cells],
            "-" if chosen else ":",
            color=color,
            linewidth=1.8 if chosen else 0.9,
            label=f"median of {other}" if chosen else other,
            marker=None if chosen else PLACEMENT_MARKERS[other],
            markersize=4,
        )
        if chosen:
            _draw_points(cells, ax, color)
    ax.axhline(chance, color="black", linestyle=(0, (1, 3)))
    ax.axhline(TRAINED * chance, color="black", linewidth=0.8)
    left = {"x": rates[0] * 0.77, "fontsize": 8, "va": "center"}
    ax.text(y=chance * TRAINED**0.5, s=f"chance {chance:.2f}, and half of it", **left)
    ax.set(xscale="log", yscale="log", xlim=(rates[0] * 0.75, rates[-1] * 1.35))
    ax.set(ylim=(_LOWEST, _HIGHEST), xlabel="learning rate", ylabel="loss, last 10 steps (nats)")
    ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
    ax.minorticks_off()
    ax.set_title(f"{placement}, {layers} layers, {warmup_steps} warmup steps")
    ax.legend(loc="upper left", ncols=3, fontsize=8)


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
        + (f" (median loss {_loss(_median(runs))})" if runs else "")
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


def _median(runs: Sequence[StoredRun]) -> float:
    """Of the final losses; a loss that is not a number counts as infinite."""
    losses = [run.final_loss if math.isfinite(run.final_loss) else math.inf for run in runs]
    return statistics.median(losses) if losses else math.nan


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
