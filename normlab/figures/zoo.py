"""Pictures of the zoo: its models by year, and one design."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from normlab.figures.wiring import draw_wiring
from normlab.models.placement.in_the_wild import ZOO_PLACEMENTS
from normlab.models.placement.wiring import trace
from normlab.pictures.style import NORM_COLORS
from normlab.tools.table import Table
from normlab.zoo import Zoo, ZooModel, find_model
from normlab.zoo_designs import FAMILIES, Design, family, norm_formula, placement_counts

FAMILY_MARKERS = dict(zip(FAMILIES, "so^DvP", strict=True))
ANY = "any"
FAINT = "#D0D0D0"
SHORT = {"LayerNorm": "LN", "RMSNorm": "RMS"}


@dataclass(frozen=True)
class Timeline:
    """All models, and the family of placements that is looked for, or `ANY`."""

    zoo: Zoo
    family: str

    def chosen(self, year: int, norm: str) -> Zoo:
        """The models of the family up to a year with that norm, or with `ANY`."""
        return self.zoo.where(
            lambda m: m.year <= year and norm in (ANY, m.norm) and self.family in (ANY, family(m))
        )


def draw_timeline(data: Timeline, ax: Axes, /, year: int, norm: str) -> None:
    """A column per year, a mark per model: colour is the norm, shape the placement's family."""
    years = sorted(data.zoo.count("year"))
    chosen = {model.name for model in data.chosen(year, norm)}
    for column in years:
        for height, model in enumerate(data.zoo.where(year=column)):
            if column <= year:
                _draw_model(model, height, model.name in chosen, ax)
    tallest = max(data.zoo.count("year").values())
    ax.set(xlim=(years[0] - 0.3, years[-1] + 1), ylim=(-1, tallest + 0.5), yticks=[])
    ax.set_xticks(years, [str(column) for column in years])
    ax.set_title(f"{len(chosen)} models up to {year}")
    ax.legend(handles=_legend(), loc="upper left", fontsize=8)
    ax.grid(visible=False)


def _draw_model(model: ZooModel, height: int, chosen: bool, ax: Axes) -> None:
    color = NORM_COLORS[model.norm] if chosen else FAINT
    marker = FAMILY_MARKERS[family(model)]
    ax.plot(model.year, height, marker, color=color, markersize=5.5)
    ax.text(
        model.year + 0.09,
        height,
        model.name,
        fontsize=6.5,
        va="center_baseline",
        color="black" if chosen else FAINT,
    )


def _legend() -> list[Line2D]:
    norms = [
        Line2D([], [], color=NORM_COLORS[norm], linewidth=5, label=norm)
        for norm in ("LayerNorm", "RMSNorm")
    ]
    marks = [
        Line2D([], [], color="black", marker=marker, linestyle="", label=name)
        for name, marker in FAMILY_MARKERS.items()
    ]
    return norms + marks


def describe_timeline(data: Timeline, /, year: int, norm: str) -> tuple[str, Table]:
    chosen = data.chosen(year, norm)
    which = "LayerNorm or RMSNorm" if norm == ANY else norm
    where = "any placement" if data.family == ANY else f"the placement {data.family}"
    latest = [model.name for model in chosen][-3:]
    last = f" The latest: {', '.join(latest)}." if latest else ""
    sentence = f"Up to {year}, {len(chosen)} models have {which} with {where}.{last}"
    return sentence, placement_counts(chosen)


def draw_model(name: str, ax: Axes, /) -> None:
    """The wiring of one layer of a model, from the placement that `build_block` runs."""
    model = find_model(name)
    draw_wiring(trace(ZOO_PLACEMENTS[model.placement], SHORT[model.norm]), ax)
    ax.set_title(model.name)


def draw_design(data: Sequence[Design], axes: tuple[Axes, Axes], /, design: int) -> None:
    """Left the wiring, from the code that runs; right what the norm computes, and whose it is."""
    left, right = axes
    chosen = data[design]
    model = chosen.first
    draw_model(model.name, left)
    left.set_title(model.placement)
    right.set(xlim=(0, 1), ylim=(0, 1))
    right.axis("off")
    lines = [norm_formula(model.norm, model.affine)]
    if model.qk_norm != "no":
        lines.append(f"queries and keys: {model.qk_norm}")
    right.text(0, 1, "\n".join(lines), va="top", fontsize=10)
    names = [f"{m.year}  {m.name}, ε {m.shown_eps}" for m in chosen.models]
    right.text(0, 0.86, "\n".join(names), va="top", fontsize=8, linespacing=1.3)


def describe_design(data: Sequence[Design], /, design: int) -> tuple[str, Table]:
    chosen = data[design]
    count = len(chosen.models)
    models = "1 model" if count == 1 else f"{count} models"
    first = f"first {chosen.first.name} in {chosen.first.year}"
    sentence = f"Design {design + 1} of {len(data)}, {chosen.label()}: {models}, {first}."
    return sentence, chosen.table()
