"""Flax (nnx) on JAX behind the seam."""

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from normlab.chapters.frameworks.library import Block, Library, Parameter, Weights
from normlab.norms import FloatArray


class FlaxLibrary(Library):
    epsilon = "epsilon"
    half: ClassVar = {"dtype": np.float16}
    exact_gelu: ClassVar = {"approximate": False}

    def __init__(self, norms: Mapping[str, Any]) -> None:
        super().__init__(norms)
        self.nnx: Any = import_module("flax.nnx")
        self.jnp: Any = import_module("jax.numpy")

    def norm(self, norm: str, features: int, **settings: Any) -> Any:
        return self.norms[norm](features, rngs=self.nnx.Rngs(0), **settings)

    def block(
        self, features: int, hidden: int, gelu: Mapping[str, Any], eps: Mapping[str, float]
    ) -> Any:
        linear = partial(self.nnx.Linear, rngs=self.nnx.Rngs(0))
        inner, outer = linear(features, hidden), linear(hidden, features)
        activation = partial(self.nnx.gelu, **gelu)
        return Block(*self.block_norms(features, eps), inner, outer, activation)

    def run(self, model: Any, x: FloatArray, dtype: str) -> tuple[FloatArray, str]:
        y = model(self.jnp.asarray(x, dtype))
        return np.asarray(y, np.float64), str(y.dtype)

    def gradients(self, model: Any, x: FloatArray, dy: FloatArray) -> Weights:
        def total(model: Any, x: Any) -> Any:
            return (model(x) * dy).sum()  # (N, D) -> ()

        of_model, of_x = self.nnx.grad(total, argnums=(0, 1))(model, self.jnp.asarray(x))
        found = {n: np.asarray(p.variable) for n, p in self.parameters(of_model).items()}
        return {"x": np.asarray(of_x)} | found

    def parameters(self, model: Any) -> Mapping[str, Parameter]:
        if isinstance(model, Block):
            return self.block_parameters(model)
        own = {"weight": model.scale, "bias": getattr(model, "bias", None)}
        return {name: Parameter(variable) for name, variable in own.items() if variable is not None}

    def array(self, variable: Any) -> FloatArray:
        return np.array(variable[...])

    def assign(self, variable: Any, value: FloatArray) -> None:
        variable[...] = self.jnp.asarray(value)


library = FlaxLibrary
