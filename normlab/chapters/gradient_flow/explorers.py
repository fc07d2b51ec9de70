"""The explorer of chapter 06: signal and gradient through up to a thousand sub-layers."""

from dataclasses import replace
from typing import Any

from normlab.chapters.gradient_flow.figures import describe_flow, draw_flow, in_layers
from normlab.chapters.gradient_flow.flows import StackFlows, placement_name
from normlab.models.stack import STACK_NORMS, STACK_PLACEMENTS, StackSetting
from normlab.pictures import Choice, Explorer, Scene, Slider

DEPTHS = (
    1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96,
    128, 160, 192, 256, 384, 512, 768, 1000,
)  # fmt: skip
SCALES = (0.5, 0.7, 1.0, 1.4)
TOKENS = 32
"""In all sequences of a batch: as many whatever the length of one."""
ALONE = "none shown"


def explore_gradient_flow() -> Explorer:
    """Make two stacks deeper, from 1 to 1,000 sub-layers; measured and theory, by sub-layer."""
    flows: list[StackFlows] = []

    def compute(placement: str, beside: str, tokens: int, **chosen: Any) -> StackFlows:
        for before in flows:
            before.release()  # its memory serves the next
        shown = dict.fromkeys(name for name in (placement, beside) if name != ALONE)
        setting = StackSetting(tokens=tokens, batch=TOKENS // tokens, **chosen)
        flows[:] = [StackFlows([replace(setting, placement=name) for name in shown])]
        return flows[0]

    return Explorer(
        "Signal and gradient by depth",
        Scene(compute, draw_flow, describe_flow, columns=2, size=(9.6, 4.0)),
        pages={"depth": Slider("sub-layers S", DEPTHS, show=in_layers, start=16)},
        settings={
            "placement": _choice("placement", STACK_PLACEMENTS, "post-norm"),
            "beside": _choice("beside it", (ALONE, *STACK_PLACEMENTS), "pre-norm"),
            "norm": Choice("norm", STACK_NORMS),
            "init": Choice("initialization", ("xiong", "xavier")),
            "init_scale": Choice("weights ×", SCALES, start=SCALES.index(1.0)),
            "tokens": Choice("tokens", (1, 4, 16), start=2),
        },
    )


def _choice(label: str, placements: tuple[str, ...], start: str) -> Choice:
    return Choice(label, placements, show=placement_name, start=placements.index(start))
