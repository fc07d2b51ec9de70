"""Pictures of what bounds a norm's time: the roofline, and what each way of running it moves."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from normlab.chapters.one_kernel.comparison import Comparison
from normlab.chapters.one_kernel.compiled import ITEM_BYTES
from normlab.chapters.one_kernel.gpus import GPUS, Gpu
from normlab.chapters.one_kernel.intensity import Mark
from normlab.chapters.one_kernel.traffic import COMPILED, EAGER, FUSED, OwnTraffic
from normlab.chapters.rms_norm.operators import Operator
from normlab.pictures.style import GREY, INK, ORANGE, PALE, PINK
from normlab.tools.table import Table

COLORS = {EAGER: GREY, COMPILED: ORANGE, FUSED: PINK}
HATCHES = {EAGER: "", COMPILED: "///", FUSED: "..."}
LABELS = {EAGER: "one operation\nat a time", COMPILED: "torch.compile", FUSED: "fused_norms"}
NAMES = {"_to_copy": "convert", "pow": "power"}
"""Operators of torch -> what they do here."""
BEHIND_TEXT = {"facecolor": "white", "edgecolor": "none", "pad": 1}
SHORTEST, LONGEST = 1e-7, 2e1


def draw_roofline(data: tuple[Gpu, Sequence[Mark]], ax: Axes, /) -> None:
    """The roof of one GPU, those of the others behind it, and work by its operations a byte."""
    gpu, marks = data
    edges = (0.1, 1e4)
    for other in GPUS:
        _draw_roof(other, ax, edges, color=PALE, linewidth=1)
    _draw_roof(gpu, ax, edges, color=INK, linewidth=2)
    said = f"bound by memory ({gpu.name})"
    ax.text(0.3, 0.12 * gpu.bandwidth, said, rotation=31, fontsize=9, bbox=BEHIND_TEXT)
    ax.text(edges[1], 1.6 * gpu.flops, f"bound by arithmetic ({gpu.name})", ha="right", fontsize=9)
    for mark in marks:
        top = gpu.attainable(mark.intensity)
        style: dict[str, Any] = {"markersize": 8, "label": mark.name, "color": mark.color}
        if mark.hollow:
            style |= {"markerfacecolor": "white", "markeredgewidth": 1.8}
        ax.plot(mark.intensity, top, mark.marker, **style)
    ax.set(xscale="log", yscale="log", xlim=edges, ylim=(2e10, 4e14))
    ax.set(xlabel="operations for each byte moved", ylabel="operations a second")
    ax.legend(loc="lower right", fontsize=8.5)


def _draw_roof(gpu: Gpu, ax: Axes, edges: tuple[float, float], **style: Any) -> None:
    places = (edges[0], gpu.balance, edges[1])
    ax.plot(places, [gpu.attainable(place) for place in places], **style)


def draw_operators(data: tuple[Operator, ...], ax: Axes, /, tensor_bytes: int, fused: int) -> None:
    """A bar for each operator, read beside written, and below them the least for all of it.

    Args:
        data: what torch runs one after another.
        tensor_bytes: of x, in which the bars are measured.
        fused: tensors that have to be read; one has to be written.
    """
    rows = [
        (NAMES.get(op.name, op.name), op.read / tensor_bytes, op.written / tensor_bytes)
        for op in data
    ]
    rows.append(("the least", float(fused), 1.0))
    for place, (_, read, written) in enumerate(rows):
        last = place == len(data)
        color = COLORS[FUSED] if last else COLORS[EAGER]
        ax.barh(place, read, color=color, edgecolor="white", label="read" if last else None)
        ax.barh(
            place, written, left=read, color="white", edgecolor=color, hatch="////",
            label="written" if last else None,
        )  # fmt: skip
    ax.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    ax.set(ylim=(1.1 * len(rows) - 0.2, -0.6), xlabel="tensors of the size of x")
    ax.legend(loc="lower right", ncols=2)
    ax.grid(visible=False, axis="y")


def draw_ways(data: Comparison, axes: tuple[Axes, Axes], /, features: int, rows: int) -> None:
    """Left what each way moves, right the least time for it, with what was measured as dots."""
    for place, timed in enumerate(data.at(rows, features)):
        way, color = timed.way, COLORS[timed.way.name]
        axes[0].barh(place, way.tensors, color=color, hatch=HATCHES[way.name], edgecolor="white")
        axes[0].barh(place, way.parts, left=way.tensors, color="white", edgecolor=color)
        said = f" {_amount(way.moved)}, {_launches(way.launches)}"
        axes[0].text(way.moved, place, said, va="center", fontsize=9)
        seconds = timed.by_bandwidth
        axes[1].hlines(place, SHORTEST, seconds, color=color)
        axes[1].plot(seconds, place, "|", color=color, markersize=22, markeredgewidth=4)
        axes[1].text(1.6 * seconds, place - 0.2, _time(seconds), va="center", fontsize=9)
        if timed.measured is not None:
            axes[1].plot(timed.measured, place, "o", color="black", markersize=7)
    for ax in axes:
        ax.set_yticks(range(3), LABELS.values(), fontsize=9)
        ax.set_ylim(2.6, -0.6)
        ax.grid(visible=False, axis="y")
    axes[0].set(xlim=(0, 1.6 * data.most_moved), xlabel="tensors of the size of x")
    axes[0].set_title("read and written (unfilled: parts of sums)")
    axes[1].set(xscale="log", xlim=(SHORTEST, LONGEST), xlabel="seconds (log axis; ● measured)")
    axes[1].set_title("bytes over bandwidth")


def _amount(tensors: float) -> str:
    """In digits that tell 3 from 3.13, and 46.02 is 46."""
    return f"{tensors:.3g}" if tensors < 10 else f"{tensors:.0f}"


def _launches(count: int) -> str:
    return "1 launch" if count == 1 else f"{count} launches"


def _time(seconds: float) -> str:
    return f"{1e6 * seconds:.3g} µs" if seconds < 1e-3 else f"{1e3 * seconds:.3g} ms"


def describe_ways(data: Comparison, /, features: int, rows: int) -> tuple[str, Table]:
    """One sentence on the three ways, and their numbers."""
    all_ways = data.at(rows, features)
    table = [
        [
            timed.way.name,
            timed.way.launches,
            f"{timed.moved / 1e6:,.1f}",
            f"{timed.way.again:.0f}",
            f"{timed.way.parts:.2g}",
            _time(timed.by_bandwidth),
            "not measured" if timed.measured is None else _time(timed.measured),
        ]
        for timed in all_ways
    ]
    first, last = all_ways[0].way, all_ways[-1].way
    x = rows * features * ITEM_BYTES / 1e6
    sentence = (
        f"{data.work}, {rows:,} rows of D = {features:,} in bfloat16 ({x:,.1f} MB): one kernel "
        f"moves {_amount(last.moved)} tensors of that size, one operation at a time "
        f"{_amount(first.moved)}."
    )
    seconds = f"at the bandwidth of {data.gpu.name}"
    columns = ("way", "launches", "MB moved", "read again", "parts of sums", seconds, "measured")
    return sentence, Table(columns, table)


def draw_own_traffic(data: OwnTraffic, ax: Axes, /) -> None:
    """A learner's kernel between one operation at a time and the least."""
    parts = [
        (0, 0.0, data.eager, GREY, "", f" {data.eager:.0f}"),
        (1, 0.0, data.read["x"], PINK, "", ""),
        (1, data.read["x"], data.read["weight"], ORANGE, "///", ""),
        (1, sum(data.read.values()), data.written, "white", "////", f" {_moved(data):.1f}"),
        (2, 0.0, data.fused, PALE, "", f" {data.fused:.0f}"),
    ]
    names = {ORANGE: "γ read", "white": "y written", PINK: "x read"}
    for place, left, width, color, hatch, said in parts:
        edge = PINK if color == "white" else "white"
        ax.barh(
            place, width, left=left, color=color, hatch=hatch, edgecolor=edge,
            label=names.get(color),
        )  # fmt: skip
        ax.text(left + width, place, said, va="center")
    ax.set_yticks(range(3), ["one operation\nat a time", "your kernel", "x and y, once"])
    ax.set(ylim=(2.6, -0.6), xlim=(0, 22), xlabel="tensors of the size of x")
    ax.legend(loc="lower right")
    ax.grid(visible=False, axis="y")


def _moved(data: OwnTraffic) -> float:
    return sum(data.read.values()) + data.written


def describe_own_traffic(data: OwnTraffic, /) -> str:
    """What the kernel moves, in one or two sentences."""
    return (
        f"On {data.rows} rows of {data.features:,} your kernel reads {data.read['x']:.1f} and "
        f"writes {data.written:.1f} tensors of the size of x; one operation at a time "
        f"(chapter 13, section 2) moves {data.eager:.0f}. γ costs {data.read['weight']:.1f} more, "
        "since each program reads it: on a GPU a cache serves that."
    )
