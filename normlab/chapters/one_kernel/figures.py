"""Pictures of what bounds a norm's time: the roofline, and what each way of running it moves."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from normlab.chapters.one_kernel.gpus import GPUS, Gpu
from normlab.chapters.one_kernel.intensity import Mark
from normlab.chapters.one_kernel.measured import measured_seconds
from normlab.chapters.one_kernel.traffic import (
    COMPILED,
    EAGER,
    FUSED,
    ITEM_BYTES,
    Asked,
    variants,
)
from normlab.chapters.rms_norm.operators import Operator
from normlab.pictures.style import GREY, INK, ORANGE, PALE, PINK
from normlab.tools.table import Table

COLORS = {EAGER: GREY, COMPILED: ORANGE, FUSED: PINK}
HATCHES = {EAGER: "", COMPILED: "///", FUSED: "..."}
LABELS = {EAGER: "one operation\nat a time", COMPILED: "torch.compile", FUSED: "fused_norms"}
NAMES = {"_to_copy": "convert", "pow": "square"}
"""Operators of torch -> what they do here."""
MOST_TENSORS = 70
SHORTEST, LONGEST = 1e-8, 1e2


def draw_roofline(data: tuple[Gpu, Sequence[Mark]], ax: Axes, /) -> None:
    """The roof of one GPU, those of the others behind it, and work by its operations a byte."""
    gpu, marks = data
    edges = (0.1, 1e4)
    for other in GPUS:
        _draw_roof(other, ax, edges, color=PALE, linewidth=1)
    _draw_roof(gpu, ax, edges, color=INK, linewidth=2)
    ax.text(0.3, 0.12 * gpu.bandwidth, f"bound by memory ({gpu.name})", rotation=31, fontsize=9)
    ax.text(edges[1], 1.6 * gpu.flops, f"bound by arithmetic ({gpu.name})", ha="right", fontsize=9)
    for mark in marks:
        top = gpu.attainable(mark.intensity)
        ax.plot(mark.intensity, top, mark.marker, color=mark.color, markersize=8, label=mark.name)
    ax.set(xscale="log", yscale="log", xlim=edges, ylim=(2e10, 4e14))
    ax.set(xlabel="operations for each byte moved", ylabel="operations a second")
    ax.legend(loc="lower right", fontsize=8.5)


def _draw_roof(gpu: Gpu, ax: Axes, edges: tuple[float, float], **style: Any) -> None:
    places = (edges[0], gpu.balance, edges[1])
    ax.plot(places, [gpu.attainable(place) for place in places], **style)


def draw_operators(data: tuple[Operator, ...], ax: Axes, /, tensor_bytes: int, fused: int) -> None:
    """A bar for each operator, read beside written, and below them one kernel that does all.

    Args:
        data: what torch runs one after another.
        tensor_bytes: of x, in which the bars are measured.
        fused: tensors that the kernel reads; it writes one.
    """
    rows = [
        (NAMES.get(op.name, op.name), op.read / tensor_bytes, op.written / tensor_bytes)
        for op in data
    ]
    rows.append(("one kernel", float(fused), 1.0))
    for place, (_, read, written) in enumerate(rows):
        last = place == len(data)
        color = COLORS[FUSED] if last else COLORS[EAGER]
        ax.barh(place, read, color=color, edgecolor="white", label="read" if last else None)
        ax.barh(
            place, written, left=read, color="white", edgecolor=color, hatch="////",
            label="written" if last else None,
        )  # fmt: skip
    ax.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    ax.set(ylim=(len(rows) - 0.4, -0.6), xlabel="tensors of the size of x")
    ax.legend(loc="lower right")
    ax.grid(visible=False, axis="y")


def draw_variants(data: Asked, axes: tuple[Axes, Axes], /, features: int, rows: int) -> None:
    """Left what each way moves, right the least time for it, with what was measured as dots."""
    work, gpu = data.work, data.gpu
    for place, way in enumerate(variants(work, features)):
        look: dict[str, Any] = {
            "color": COLORS[way.name],
            "hatch": HATCHES[way.name],
            "edgecolor": "white",
        }
        axes[0].barh(place, way.tensors, **look)
        said = f" {way.tensors:.0f}, {_launches(way.launches)}"
        axes[0].text(way.tensors, place, said, va="center", fontsize=9)
        least = gpu.least_seconds(way.moved(rows, features))
        axes[1].hlines(place, SHORTEST, least, color=COLORS[way.name])
        axes[1].plot(least, place, "|", color=COLORS[way.name], markersize=22, markeredgewidth=4)
        axes[1].text(1.6 * least, place - 0.2, f"≥ {_time(least)}", va="center", fontsize=9)
        for seconds in measured_seconds(work, way.name, gpu.name, rows, features):
            axes[1].plot(seconds, place, "o", color="black", markersize=7)
    for ax in axes:
        ax.set_yticks(range(3), LABELS.values(), fontsize=9)
        ax.set_ylim(2.6, -0.6)
        ax.grid(visible=False, axis="y")
    axes[0].set(xlim=(0, MOST_TENSORS), xlabel="tensors of the size of x")
    axes[0].set_title("read and written")
    axes[1].set(xscale="log", xlim=(SHORTEST, LONGEST), xlabel="seconds (log axis; ● measured)")
    axes[1].set_title("least time, by bandwidth")


def _launches(count: int) -> str:
    return "1 launch" if count == 1 else f"{count} launches"


def _time(seconds: float) -> str:
    return f"{1e6 * seconds:.3g} µs" if seconds < 1e-3 else f"{1e3 * seconds:.3g} ms"


def describe_variants(data: Asked, /, features: int, rows: int) -> tuple[str, Table]:
    """One sentence on the three ways, and their numbers."""
    work, gpu = data.work, data.gpu
    ways = variants(work, features)
    table = []
    for way in ways:
        moved = way.moved(rows, features)
        measured = measured_seconds(work, way.name, gpu.name, rows, features)
        table.append(
            [
                way.name,
                way.launches,
                f"{moved / 1e6:,.1f}",
                f"{way.again:.0f}",
                _time(gpu.least_seconds(moved)),
                ", ".join(map(_time, measured)) or "not measured",
            ]
        )
    first, last = ways[0], ways[-1]
    x = rows * features * ITEM_BYTES / 1e6
    sentence = (
        f"{work}, {rows:,} rows of D = {features:,} in bfloat16 ({x:,.1f} MB): one kernel moves "
        f"{last.tensors:.0f} tensors of that size, one operation at a time {first.tensors:.0f}."
    )
    columns = ("way", "launches", "MB moved", "read again", f"least time, {gpu.name}", "measured")
    return sentence, Table(columns, table)
