"""The pictures of a report: each different wiring once, as SVG."""

import html
import re
import zlib
from dataclasses import dataclass

from matplotlib.figure import Figure

from normlab.inspection.depth_figures import draw_depth_profile
from normlab.inspection.drawn_wiring import diagram
from normlab.inspection.model_depth import ModelDepth
from normlab.inspection.report import InspectedLayer, Report
from normlab.pictures.block_diagrams import draw_wiring
from normlab.pictures.style import styled
from normlab.pictures.svg import to_svg

INCH_PER_UNIT = 0.42
LONGEST_LABEL = 12
SUMS = re.compile(r"(?<=[\w)]) \+ (?=\S)")
IDS = re.compile(r'(\bid="|url\(#|href="#)')


@dataclass(frozen=True)
class DrawnWiring:
    """The layers of one wiring.

    Attributes:
        layers: all that have it.
        svg: its picture.
    """

    layers: tuple[InspectedLayer, ...]
    svg: str

    @property
    def layer(self) -> InspectedLayer:
        """The first of them."""
        return self.layers[0]


def drawn_wirings(report: Report) -> list[DrawnWiring]:
    """One picture per wiring, in the order of the run."""
    groups: dict[tuple[object, ...], list[InspectedLayer]] = {}
    for layer in report.layers:
        groups.setdefault((layer.placement, layer.equations), []).append(layer)
    return [DrawnWiring(tuple(layers), picture(layers[0])) for layers in groups.values()]


def picture(layer: InspectedLayer) -> str:
    """The wiring of a layer as an SVG element, with its equations as alternative text.

    Its ids are its own: two pictures on a page share them only if they are alike.
    """
    wiring = diagram(layer.equations, _labels(layer))
    with styled():
        figure = Figure(layout="constrained")
        ax = figure.subplots()
        draw_wiring(wiring, ax)
        width, height = (end - start for start, end in (ax.get_xlim(), ax.get_ylim()))
        figure.set_size_inches(INCH_PER_UNIT * width, INCH_PER_UNIT * height)
        figure.patch.set_visible(False)
        svg = to_svg(figure)
    title = html.escape(alternative(layer))
    prefix = f"wiring-{zlib.crc32(title.encode()):x}-"
    svg = IDS.sub(lambda found: found[1] + prefix, svg[svg.index("<svg") :])
    return svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)


def depth_picture(depth: ModelDepth) -> str:
    """The picture of chapter 06 for a model, as an SVG element with words of its own."""
    with styled():
        figure = Figure(figsize=(9.0, 3.0), layout="constrained")
        draw_depth_profile(depth, figure.subplots(1, 3))
        svg = to_svg(figure)
    title = html.escape(
        f"Stream, gradient and one step by depth, {depth.placement}. {depth.remark}"
    )
    svg = IDS.sub(lambda found: f"{found[1]}depth-", svg[svg.index("<svg") :])
    words = f'role="img" aria-label="{title}"'
    return svg.replace("<svg", f'<svg {words} style="min-width: 40rem"', 1)


def alternative(layer: InspectedLayer) -> str:
    """What the picture shows, in words.

    >>> lines = ("n1 = norm(x)", "f1 = f(n1)", "y = x + f1")
    >>> alternative(InspectedLayer("h.0", lines, "pre-norm", ("h.0.norm",), ("h.0.mlp",), ()))
    'The wiring of h.0, pre-norm: n1 = norm(x); f1 = f(n1); y = x plus f1.'
    """
    lines = "; ".join(SUMS.sub(" plus ", line) for line in layer.equations)
    return f"The wiring of {layer.name or 'the model'}, {layer.placement}: {lines}."


def _labels(layer: InspectedLayer) -> dict[str, str]:
    """The last part of each sub-layer's name, with its number, as far as a box holds it."""
    found = {}
    for number, name in enumerate(layer.sublayers, 1):
        *outer, last = name.split(".")
        last = f"{outer[-1]}.{last}" if last.isdigit() and outer else last
        short = last if len(last) <= LONGEST_LABEL else f"{last[: LONGEST_LABEL - 1]}…"
        found[f"f{number}"] = (short or f"f{number}").replace("$", r"\$")
    return found
