"""The norms, from scratch in NumPy: forward and backward, each formula written out once."""

from normlab.norms.batch import (
    RunningStatistics,
    batch_norm,
    batch_norm_backward,
    batch_norm_inference,
    batch_norm_inference_backward,
)
from normlab.norms.layer import layer_norm, layer_norm_backward
from normlab.norms.rms import rms_norm, rms_norm_backward

__all__ = [
    "RunningStatistics",
    "batch_norm",
    "batch_norm_backward",
    "batch_norm_inference",
    "batch_norm_inference_backward",
    "layer_norm",
    "layer_norm_backward",
    "rms_norm",
    "rms_norm_backward",
]
