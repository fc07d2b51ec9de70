"""Keras 3 behind the seam, on the torch backend; `tensorflow_library` changes what differs."""

from collections.abc import Mapping
from importlib import import_module
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from normlab.frameworks.library import Library, Parameter, Weights
from normlab.norms.rows import FloatArray

keras: Any = import_module("keras")


class Block:
    """final(x + W₂ gelu(W₁ norm(x) + b₁) + b₂), (N, D) -> (N, D)."""

    def __init__(
        self, norm: Any, final: Any, features: int, hidden: int, gelu: Mapping[str, Any]
    ) -> None:
        self.norm, self.final, self.gelu = norm, final, gelu
        self.inner, self.outer = keras.layers.Dense(hidden), keras.layers.Dense(features)
        self.inner.build((None, features))
        self.outer.build((None, hidden))

    def __call__(self, x: Any) -> Any:
        inner = keras.activations.gelu(self.inner(self.norm(x)), **self.gelu)
        return self.final(x + self.outer(inner))


class KerasLibrary(Library):
    epsilon = "epsilon"
    half: ClassVar = {"dtype": "float16"}
    exact_gelu: ClassVar = {"approximate": False}

    def norm(self, norm: str, features: int, **settings: Any) -> Any:
        layer = self.norms[norm](**settings)
        layer.build((None, features))
        return layer

    def block(
        self, features: int, hidden: int, gelu: Mapping[str, Any], eps: Mapping[str, float]
    ) -> Any:
        return Block(*self.block_norms(features, eps), features, hidden, gelu)

    def run(self, model: Any, x: FloatArray, dtype: str) -> tuple[FloatArray, str]:
        y = model(keras.ops.convert_to_tensor(x, dtype=dtype))
        wide = keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))
        return wide.astype(np.float64), str(keras.backend.standardize_dtype(y.dtype))

    def gradients(self, model: Any, x: FloatArray, dy: FloatArray) -> Weights:
        torch = import_module("torch")
        leaf = torch.tensor(x, requires_grad=True)
        variables = [p.variable.value for p in self.parameters(model).values()]
        found = torch.autograd.grad(model(leaf), [leaf, *variables], torch.tensor(dy))
        names = ["x", *self.parameters(model)]
        return {name: g.numpy() for name, g in zip(names, found, strict=True)}

    def parameters(self, model: Any) -> Mapping[str, Parameter]:
        if isinstance(model, Block):
            found = {f"norm.{n}": p for n, p in self.parameters(model.norm).items()}
            found |= {f"final.{n}": p for n, p in self.parameters(model.final).items()}
            for name, dense in {"inner": model.inner, "outer": model.outer}.items():
                found[f"{name}.weight"] = Parameter(dense.kernel, transposed=True)
                found[f"{name}.bias"] = Parameter(dense.bias)
            return found
        names = {"weight": ("gamma", "scale"), "bias": ("beta",)}
        own = SimpleNamespace(**{v.name: v for v in model.weights})
        return {
            name: Parameter(getattr(own, attribute))
            for name, attributes in names.items()
            for attribute in attributes
            if hasattr(own, attribute)
        }

    def own_names(self, norm: str) -> str:
        return ", ".join(variable.name for variable in self.norm(norm, 2).weights)

    def array(self, variable: Any) -> FloatArray:
        value: FloatArray = np.array(keras.ops.convert_to_numpy(variable))
        return value

    def assign(self, variable: Any, value: FloatArray) -> None:
        variable.assign(value)


library = KerasLibrary
