"""Keras 3 behind the seam, on the torch backend; `tensorflow_library` changes what differs."""

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from normlab.chapters.frameworks.library import Block, Library, Parameter, Weights
from normlab.norms import FloatArray


class KerasLibrary(Library):
    epsilon = "epsilon"
    half: ClassVar = {"dtype": "float16"}
    exact_gelu: ClassVar = {"approximate": False}

    def __init__(self, norms: Mapping[str, Any]) -> None:
        super().__init__(norms)
        self.keras: Any = import_module("keras")

    def norm(self, norm: str, features: int, **settings: Any) -> Any:
        layer = self.norms[norm](**settings)
        layer.build((None, features))
        return layer

    def block(
        self, features: int, hidden: int, gelu: Mapping[str, Any], eps: Mapping[str, float]
    ) -> Any:
        inner, outer = self.keras.layers.Dense(hidden), self.keras.layers.Dense(features)
        inner.build((None, features))
        outer.build((None, hidden))
        activation = partial(self.keras.activations.gelu, **gelu)
        return Block(*self.block_norms(features, eps), inner, outer, activation)

    def run(self, model: Any, x: FloatArray, dtype: str) -> tuple[FloatArray, str]:
        y = model(self.keras.ops.convert_to_tensor(x, dtype=dtype))
        wide = self.keras.ops.convert_to_numpy(self.keras.ops.cast(y, "float32"))
        return wide.astype(np.float64), str(self.keras.backend.standardize_dtype(y.dtype))

    def gradients(self, model: Any, x: FloatArray, dy: FloatArray) -> Weights:
        torch: Any = import_module("torch")
        leaf = torch.tensor(x, requires_grad=True)
        named = {"x": leaf} | {n: p.variable.value for n, p in self.parameters(model).items()}
        found = torch.autograd.grad(model(leaf), list(named.values()), torch.tensor(dy))
        return {name: g.numpy() for name, g in zip(named, found, strict=True)}

    def parameters(self, model: Any) -> Mapping[str, Parameter]:
        if isinstance(model, Block):
            return self.block_parameters(model)
        torchs = {"gamma": "weight", "scale": "weight", "beta": "bias"}
        return {torchs[variable.name]: Parameter(variable) for variable in model.weights}

    def own_names(self, norm: str) -> str:
        return ", ".join(variable.name for variable in self.norm(norm, 2).weights)

    def array(self, variable: Any) -> FloatArray:
        value: FloatArray = np.array(self.keras.ops.convert_to_numpy(variable))
        return value

    def assign(self, variable: Any, value: FloatArray) -> None:
        variable.assign(value)


library = KerasLibrary
