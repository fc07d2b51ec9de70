"""Our NumPy norms behind the seam: functions, so a "layer" here is a function and its weights."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from normlab.chapters.frameworks.library import Library, Parameter, Weights
from normlab.norms import FloatArray, layer_norm_backward, rms_norm_backward


class NumPyLibrary(Library):
    epsilon = "eps"
    has_block = False

    def norm(self, norm: str, features: int, **settings: Any) -> Any:
        layer = SimpleNamespace(function=self.norms[norm], gamma=np.ones(features, np.float32))
        if norm == "LayerNorm":
            layer.beta = np.zeros(features, np.float32)
        layer.settings = settings
        return layer

    def block(
        self, features: int, hidden: int, gelu: Mapping[str, Any], eps: Mapping[str, float]
    ) -> Any:
        raise NotImplementedError("there are no linear layers in NumPy; see has_block.")

    def run(self, model: Any, x: FloatArray, dtype: str) -> tuple[FloatArray, str]:
        weights = self.read(model).values()
        y = model.function(x.astype(dtype), *weights, **model.settings)
        return y.astype(np.float64), y.dtype.name

    def gradients(self, model: Any, x: FloatArray, dy: FloatArray) -> Weights:
        backward: Any = layer_norm_backward if hasattr(model, "beta") else rms_norm_backward
        found = backward(dy, x, model.gamma, **model.settings)
        return dict(zip(("x", "weight", "bias"), found, strict=False))

    def parameters(self, model: Any) -> Mapping[str, Parameter]:
        found = {"weight": Parameter(model.gamma)}
        return found | {"bias": Parameter(model.beta)} if hasattr(model, "beta") else found

    def array(self, variable: Any) -> FloatArray:
        return np.array(variable)

    def assign(self, variable: Any, value: FloatArray) -> None:
        variable[...] = value


library = NumPyLibrary
