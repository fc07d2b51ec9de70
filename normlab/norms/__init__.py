"""The norms, from scratch in NumPy: forward and backward, each formula written out once."""

from normlab.norms._rows import FloatArray, check_eps, check_input, check_parameter
from normlab.norms.batch import (
    RunningStatistics,
    batch_norm,
    batch_norm_backward,
    batch_norm_inference,
    batch_norm_inference_backward,
)
from normlab.norms.differences import Loss, finite_difference_gradient, relative_error
from normlab.norms.layer import layer_norm, layer_norm_backward
from normlab.norms.rms import rms_norm, rms_norm_backward

__all__ = [
    "FloatArray",
    "Loss",
    "RunningStatistics",
    "batch_norm",
    "batch_norm_backward",
    "batch_norm_inference",
    "batch_norm_inference_backward",
    "check_eps",
    "check_input",
    "check_parameter",
    "finite_difference_gradient",
    "layer_norm",
    "layer_norm_backward",
    "relative_error",
    "rms_norm",
    "rms_norm_backward",
]
