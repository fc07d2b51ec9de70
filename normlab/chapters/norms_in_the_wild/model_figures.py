"""The picture of one model: how a layer is wired, and what its norm computes."""

import re
from collections.abc import Mapping

from matplotlib.axes import Axes

from normlab.chapters.norms_in_the_wild.zoo import Zoo, ZooModel
from normlab.chapters.norms_in_the_wild.zoo_designs import Design, norm_formula
from normlab.chapters.norms_in_the_wild.zoo_lines import ATTRIBUTES, shown
from normlab.pictures.block_diagrams import LEFT, draw_wiring
from normlab.tools.table import Table

HIGHEST, RIGHT = 13, 8.3
"""Rows of the highest wiring, and the right edge of the widest."""
LETTERS = {"a": "a: learned", "g": "g: from the input", "m": "m: a mix of the streams"}
"""What stands for factors that are no numbers."""


def draw_layer(model: ZooModel, ax: Axes) -> None:
    """How a layer is wired, with the same scale for every model."""
    wiring = Design(Zoo((model,))).wiring()
    if wiring:
        draw_wiring(wiring, ax)
    else:
        ax.text(LEFT, HIGHEST, "its equations were not read", va="top", size=10)
        ax.axis("off")
        ax.set_aspect("equal")
    ax.set(xlim=(LEFT, RIGHT), ylim=(-0.6, HIGHEST + 0.6))


def read_out(model: ZooModel) -> str:
    """What its norm computes, what is normed inside, and what the letters of its factors are."""
    lines = [norm_formula(model.norm, model.affine)]
    if model.qk_norm != "no":
        lines.append(f"queries and keys: {model.qk_norm}")
    if model.v_norm:
        lines.append("values: per head, no gain")
    if model.streams != "one":
        lines.append(f"streams: {model.streams}")
    factors = {
        letter for found in re.findall(r"([agm]+)·", " ".join(model.wiring)) for letter in found
    }
    lines += [said for letter, said in LETTERS.items() if letter in factors]
    return "\n".join(lines)


def draw_model(data: Mapping[str, ZooModel], ax: Axes, /, name: str) -> None:
    """The wiring, and what is to be read below it."""
    model = data[name]
    draw_layer(model, ax)
    ax.set_ylim(bottom=-5.2)
    ax.text(LEFT, -1.0, read_out(model), va="top", size=9.5, linespacing=1.3)
    ax.set_title(f"{model.name}, {model.year}")


def describe_model(data: Mapping[str, ZooModel], /, name: str) -> tuple[str, Table]:
    model = data[name]
    sentence = f"{model.name} ({model.year}) has {model.norm}, {model.placement}."
    rows: list[list[object]] = [
        [head, shown(model, attribute)] for attribute, head in ATTRIBUTES.items()
    ]
    return sentence, Table(("", model.name), rows)
