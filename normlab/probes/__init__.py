"""What happens at each depth of an untrained transformer, and how it grows with depth."""

from normlab.probes.batch import Batch, at_depth, random_batch
from normlab.probes.depth import DepthProfile, profile_depth
from normlab.probes.scaling import DepthSweep, loglog_slope, sweep_depths
from normlab.probes.update import (
    ModelUpdate,
    OutputChange,
    Rule,
    model_update,
    perturb_weights,
)
from normlab.probes.weights import WeightGradients, weight_gradients

__all__ = [
    "Batch",
    "DepthProfile",
    "DepthSweep",
    "ModelUpdate",
    "OutputChange",
    "Rule",
    "WeightGradients",
    "at_depth",
    "loglog_slope",
    "model_update",
    "perturb_weights",
    "profile_depth",
    "random_batch",
    "sweep_depths",
    "weight_gradients",
]
