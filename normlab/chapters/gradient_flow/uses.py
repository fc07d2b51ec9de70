"""Chapter 06's figure of Xiong et al. 2020, measured by a learner's functions."""

from normlab.chapters.gradient_flow.figures import describe_own_gradients, draw_own_gradients
from normlab.chapters.gradient_flow.own_gradients import own_gradients
from normlab.pictures import Use

USES = {
    ("layer_gradient_norms", "loglog_slope"): Use(
        own_gradients,
        draw_own_gradients,
        describe_own_gradients,
        columns=2,
        size=(9.0, 3.6),
    )
}
