"""Flax (nnx) on JAX behind the seam."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from normlab.frameworks.library import Library, Parameter, Weights
from normlab.norms.rows import FloatArray

jax: Any = import_module("jax")
jnp: Any = import_module("jax.numpy")
nnx: Any = import_module("flax.nnx")


class Block(nnx.Module):  # type: ignore[misc]
    """final(x + W₂ gelu(W₁ norm(x) + b₁) + b₂), (N, D) -> (N, D)."""

    def __init__(
        self, norm: Any, final: Any, features: int, hidden: int, gelu: Mapping[str, Any]
    ) -> None:
        self.norm, self.final, rngs = norm, final, nnx.Rngs(0)
        self.inner = nnx.Linear(features, hidden, rngs=rngs)
        self.outer = nnx.Linear(hidden, features, rngs=rngs)
        self.approximate = gelu

    def __call__(self, x: Any) -> Any:
        inner = nnx.gelu(self.inner(self.norm(x)), **self.approximate)
        return self.final(x + self.outer(inner))


class FlaxLibrary(Library):
    epsilon = "epsilon"
    half: ClassVar = {"dtype": jnp.float16}
    exact_gelu: ClassVar = {"approximate": False}

    def norm(self, norm: str, features: int, **settings: Any) -> Any:
        return self.norms[norm](features, rngs=nnx.Rngs(0), **settings)

    def block(
        self, features: int, hidden: int, gelu: Mapping[str, Any], eps: Mapping[str, float]
    ) -> Any:
        return Block(*self.block_norms(features, eps), features, hidden, gelu)

    def run(self, model: Any, x: FloatArray, dtype: str) -> tuple[FloatArray, str]:
        y = model(jnp.asarray(x, dtype))
        return np.asarray(y, np.float64), str(y.dtype)

    def gradients(self, model: Any, x: FloatArray, dy: FloatArray) -> Weights:
        def total(model: Any, x: Any) -> Any:
            return (model(x) * dy).sum()  # (N, D) -> ()

        of_model, of_x = nnx.grad(total, argnums=(0, 1))(model, jnp.asarray(x))
        found = {n: np.asarray(p.variable) for n, p in self.parameters(of_model).items()}
        return {"x": np.asarray(of_x)} | found

    def parameters(self, model: Any) -> Mapping[str, Parameter]:
        if hasattr(model, "inner"):
            found = {f"norm.{n}": p for n, p in self.parameters(model.norm).items()}
            found |= {f"final.{n}": p for n, p in self.parameters(model.final).items()}
            for name, linear in {"inner": model.inner, "outer": model.outer}.items():
                found[f"{name}.weight"] = Parameter(linear.kernel, transposed=True)
                found[f"{name}.bias"] = Parameter(linear.bias)
            return found
        found = {"weight": Parameter(model.scale)}
        bias = getattr(model, "bias", None)
        return found if bias is None else found | {"bias": Parameter(bias)}

    def array(self, variable: Any) -> FloatArray:
        return np.array(variable[...])

    def assign(self, variable: Any, value: FloatArray) -> None:
        variable[...] = jnp.asarray(value)


library = FlaxLibrary
