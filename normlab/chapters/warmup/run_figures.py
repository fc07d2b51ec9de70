"""Pictures of training runs: the learning rate in time, the losses, and a collapse."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from matplotlib.axes import Axes

from normlab.chapters.warmup.collapse import Followed
from normlab.pictures.style import PLACEMENT_COLORS, PLACEMENT_MARKERS, SKY
from normlab.tools.table import Table
from normlab.training.loop import TrainRecord

_WARMUP_DASHES = {0: "-", 50: ":", 200: "--"}
_OTHER_WARMUP = "-."


def draw_rates(rates: Mapping[int, Sequence[float]], ax: Axes, /) -> None:
    """The learning rate by step, a dash for each number of warmup steps."""
    for warmup, values in rates.items():
        dash = _WARMUP_DASHES.get(warmup, _OTHER_WARMUP)
        ax.plot(values, dash, color="black", label=f"{warmup} warmup steps")
    ax.set(xlabel="step", ylabel="learning rate", ylim=(0, None))
    ax.legend()


def draw_followed(runs: Sequence[Followed], axes: Sequence[Axes], /) -> None:
    """Left the spread of the logits over inputs, right the gradient of the first layer."""
    titles = {
        "logit_spread": "does the answer depend on the input?",
        "first_gradient": "what reaches the first layer",
    }
    labels = ("spread of the logits", "‖gradient‖, first layer")
    for ax, (name, title), label in zip(axes, titles.items(), labels, strict=True):
        for run in runs:
            placement, warmup = run.config.placement, run.config.warmup_steps
            ax.plot(
                run.series("updates"),
                run.series(name),
                _WARMUP_DASHES.get(warmup, _OTHER_WARMUP),
                color=PLACEMENT_COLORS[placement],
                marker=PLACEMENT_MARKERS[placement],
                markersize=4,
                label=f"{placement}, warmup {warmup}",
            )
        ax.set(yscale="log", xlabel="updates", ylabel=label, title=title)
        ax.set_ylim(1e-6, 10)
    axes[1].legend(fontsize=8)


_DASHES = ("-", "--", "-.", ":")


def draw_losses(records: Sequence[TrainRecord], ax: Axes, /) -> None:
    """The loss of each run by step, the loss of guessing, and a cross where a run was given up.

    Colour and marker are those of the placement; runs that differ in more differ in their dashes.
    Losses above 1.6 times chance are cut off; the cross of a run that was given up there stands
    at the upper edge.
    """
    top = 1.6 * max(record.chance for record in records)
    settings = [_all_but_placement(record) for record in records]
    different = list(dict.fromkeys(settings))
    for record, setting, label in zip(records, settings, labels(records), strict=True):
        color = PLACEMENT_COLORS.get(record.config.placement, SKY)
        ax.plot(
            record.steps,
            record.losses,
            _DASHES[different.index(setting) % len(_DASHES)],
            color=color,
            marker=PLACEMENT_MARKERS.get(record.config.placement, "P"),
            markevery=max(1, len(record.steps) // 8),
            markersize=5,
            label=label,
        )
        if record.diverged_at is not None:
            loss = record.losses[-1]
            height = loss if loss < top else top  # a loss that is not a number goes to the top
            ax.plot([record.diverged_at], [height], "X", color=color, markersize=9, clip_on=False)
    for chance in sorted({record.chance for record in records}):
        ax.axhline(chance, color="black", linestyle=(0, (1, 3)), label=f"chance {chance:.2f}")
    ax.set(xlabel="step", ylabel="loss (nats)", ylim=(0, top))
    ax.legend()


def _all_but_placement(record: TrainRecord) -> tuple[object, ...]:
    config = asdict(record.config)
    return tuple(value for name, value in config.items() if name != "placement")


OwnWarmup = tuple[Mapping[int, Sequence[float]], Sequence[TrainRecord]]
"""The rates by step, by the steps of warmup, and the runs."""


def draw_own_warmup(data: OwnWarmup, axes: tuple[Axes, Axes], /) -> None:
    """Left a learner's rates, right the runs that were trained with them."""
    rates, records = data
    draw_rates(rates, axes[0])
    draw_losses(records, axes[1])
    axes[0].set_title("your warmup_lr")
    axes[1].set_title(f"{records[0].config.placement}, {records[0].config.decoder_layers} layers")


def describe_own_warmup(data: OwnWarmup, /) -> str:
    rates, records = data
    without, warm = records
    steps = warm.config.warmup_steps
    return (
        f"Your rate climbs from {rates[steps][0]:.2g} to {rates[steps][-1]:.2g} in {steps} steps; "
        f"with it post-norm ends at a loss of {warm.final_loss:.2f}. At the full rate from the "
        f"first step on it ends at {without.final_loss:.2f}, and guessing costs "
        f"{warm.chance:.2f}. Chapter 07, section 2, has these runs."
    )


def describe_losses(records: Sequence[TrainRecord], /) -> tuple[str, Table]:
    """How each run ended, as a sentence and as a table."""
    names = labels(records)
    ends = [
        f"{name} was given up at step {record.diverged_at}"
        if record.diverged_at is not None
        else f"{name} ends at {record.final_loss:.2f}"
        for name, record in zip(names, records, strict=True)
    ]
    chance = ", ".join(sorted({f"{record.chance:.2f}" for record in records}))
    rows = [
        [name, r.steps[-1] + 1, f"{r.final_loss:.3f}", f"{r.chance:.3f}", r.reason]
        for name, r in zip(names, records, strict=True)
    ]
    columns = ("run", "steps", "loss, last 10 steps", "chance", "given up because")
    return f"Guessing costs {chance}: {'; '.join(ends)}.", Table(columns, rows)


def labels(records: Sequence[TrainRecord]) -> list[str]:
    """What tells each run's config from the others'; of one run alone, its placement."""
    configs = [asdict(record.config) for record in records]
    differ = [k for k in configs[0] if len({config[k] for config in configs}) > 1] or ["placement"]
    return [", ".join(_said(name, config[name]) for name in differ) for config in configs]


def _said(name: str, value: object) -> str:
    return value if isinstance(value, str) else f"{name} {value}"
