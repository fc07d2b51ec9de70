"""Chapter 05's residual stream, wired by a learner's two steps."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import Tensor

from normlab.chapters.residual_placement.figures import describe_own_growth, draw_own_growth
from normlab.chapters.residual_placement.stream import StreamGrowth, average_growth
from normlab.models.placement.base import Placement, TensorMap
from normlab.pictures import Use

Step = Callable[[Tensor, TensorMap, TensorMap], Tensor]


def wired_by(step: Step, ends_with_norm: bool) -> type[Placement]:
    """The placement whose steps a learner's function takes."""

    class OwnPlacement(Placement):
        final_norm = ends_with_norm

        def step(self, x: Tensor, f: TensorMap, norm: TensorMap) -> Tensor:
            return step(x, f, norm)

    return OwnPlacement


def growth_by(post_norm_step: Step, pre_norm_step: Step) -> Sequence[StreamGrowth]:
    """The stream of 24 layers: pre-norm with 1 token and with 16, post-norm with 16."""
    pre, post = wired_by(pre_norm_step, True), wired_by(post_norm_step, False)
    measured = [
        ("your pre_norm_step", pre, 1),
        ("your pre_norm_step", pre, 16),
        ("your post_norm_step", post, 16),
    ]
    return [
        replace(
            average_growth(range(12), placement, init="xiong", d_model=64, tokens=tokens),
            placement=name,
        )
        for name, placement, tokens in measured
    ]


USES = {
    ("post_norm_step", "pre_norm_step"): Use(
        growth_by,
        draw_own_growth,
        describe_own_growth,
    )
}
