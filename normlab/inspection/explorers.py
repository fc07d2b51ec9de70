"""The explorer of depth in anybody's model."""

from typing import TYPE_CHECKING

from normlab.inspection.depth_figures import describe_depth_moment, draw_depth_moment
from normlab.pictures import Explorer, Scene, Slider

if TYPE_CHECKING:  # what needs torch is loaded by who makes it
    from normlab.inspection.model_depth import ModelDepth


def explore_depth(depth: "ModelDepth") -> Explorer:
    """Move along the training steps that were measured: stream, gradient and step, by layer.

    Args:
        depth: what `depth_profile` found; `steps=(1, 10, 100)` gives it four moments.
    """
    return Explorer(
        f"{depth.model} by depth",
        Scene(lambda: depth, draw_depth_moment, describe_depth_moment, columns=3, size=(11, 3.6)),
        pages={"step": Slider("training steps", [moment.step for moment in depth.moments])},
    )
