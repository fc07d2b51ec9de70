"""What Keras says of claims 40 and 41: a program for a process of its own, on NumPy alone.

Keras takes one backend for a whole process. With NumPy's it starts in two seconds, and leaves the
caller's process, and its choice of a backend, alone.
"""

import contextlib
import inspect
import json
from importlib import import_module
from typing import Any

import numpy as np


def measure() -> dict[str, float]:
    """Differences in float32, and what Keras has."""
    layers: Any = import_module("keras").layers
    x = (np.random.default_rng(0).standard_normal((2, 10, 512)) + 1).astype(np.float32)
    wide = x.astype(np.float64)
    variance = wide.var(-1, keepdims=True)  # (B, T, D) -> (B, T, 1)
    mean_square = (wide**2).mean(-1, keepdims=True)
    centered = wide - wide.mean(-1, keepdims=True)

    def furthest(layer: Any, formula: Any) -> float:
        return float(np.abs(np.asarray(layer(x)) - formula).max())

    def default_eps(layer: Any) -> float:
        return float(inspect.signature(layer).parameters["epsilon"].default)

    found = {
        "layer_norm": furthest(
            layers.LayerNormalization(axis=-1, epsilon=1e-5), centered / np.sqrt(variance + 1e-5)
        ),
        "layer_norm_default_eps": default_eps(layers.LayerNormalization),
        "has_rms_norm": float(hasattr(layers, "RMSNormalization")),
    }
    rms = wide / np.sqrt(mean_square + 1e-6)
    if found["has_rms_norm"]:
        found["rms_norm"] = furthest(layers.RMSNormalization(epsilon=1e-6), rms)
    with contextlib.suppress(TypeError, ValueError):  # a Keras that no longer has the option
        scaling = layers.LayerNormalization(rms_scaling=True, epsilon=1e-6)
        found["rms_scaling"] = furthest(scaling, rms)
    return found


if __name__ == "__main__":
    print(json.dumps(measure()))
