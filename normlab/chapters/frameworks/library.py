"""What must be known of a library to compare it: the seam between the experiments and the calls."""

import importlib
import inspect
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from normlab.chapters.frameworks.framework import COMPARED_NORMS, Framework
from normlab.norms import FloatArray

Weights = dict[str, FloatArray]
"""By torch's names and with torch's orientation: "weight" (D,) and "bias" (D,) for a norm;
"norm.weight", …, "inner.weight" (H, D), "inner.bias" (H,), "outer.weight" (D, H), …,
"final.weight" for a block."""


class Parameter(NamedTuple):
    """A library's own variable, and whether it is the transpose of torch's."""

    variable: Any
    transposed: bool = False


@dataclass(frozen=True)
class Block:
    """final(x + W₂ gelu(W₁ norm(x) + b₁) + b₂), (N, D) -> (N, D), of a library's own layers."""

    norm: Any
    final: Any
    inner: Any
    outer: Any
    gelu: Callable[[Any], Any]

    def __call__(self, x: Any) -> Any:
        return self.final(x + self.outer(self.gelu(self.inner(self.norm(x)))))


class Library(ABC):
    """The calls of one library.

    Args:
        norms: the class (or function) of each norm, by name.
    """

    epsilon: ClassVar[str]
    """The name of the argument for ε."""
    half: ClassVar[Mapping[str, Any]] = {}
    """The arguments of a layer that is itself in float16."""
    has_block: ClassVar[bool] = True
    """Whether it has linear layers, too."""
    exact_gelu: ClassVar[Mapping[str, Any]] = {}
    """The arguments that make the library's GELU x·Φ(x), without the tanh approximation."""

    def __init__(self, norms: Mapping[str, Any]) -> None:
        self.norms = norms

    def signature(self, norm: str) -> Mapping[str, inspect.Parameter]:
        """The arguments of a norm, without `self`, as the installed library has them."""
        call = self.norms[norm]
        if isinstance(call, type):  # whose metaclass may hide it behind *args
            call = next(vars(c)["__init__"] for c in call.__mro__ if "__init__" in vars(c))
        found = inspect.signature(call).parameters
        return {name: parameter for name, parameter in found.items() if name != "self"}

    @abstractmethod
    def norm(self, norm: str, features: int, **settings: Any) -> Any:
        """A layer with its weights at 1 and 0; `settings` go to the library as they are."""

    @abstractmethod
    def block(
        self, features: int, hidden: int, gelu: Mapping[str, Any], eps: Mapping[str, float]
    ) -> Any:
        """RMS(x + W₂ gelu(W₁ LN(x) + b₁) + b₂): a pre-norm block, and a final norm.

        Args:
            gelu: arguments of the library's GELU.
            eps: ε by norm; a norm that is not there keeps its default.
        """

    def block_norms(self, features: int, eps: Mapping[str, float]) -> tuple[Any, Any]:
        """The two norms of a block."""
        settings = {norm: {self.epsilon: value} for norm, value in eps.items()}
        first, final = (self.norm(n, features, **settings.get(n, {})) for n in COMPARED_NORMS)
        return first, final

    @abstractmethod
    def run(self, model: Any, x: FloatArray, dtype: str) -> tuple[FloatArray, str]:
        """The output for x (N, D) given in a dtype, as float64, and the output's own dtype."""

    @abstractmethod
    def gradients(self, model: Any, x: FloatArray, dy: FloatArray) -> Weights:
        """The gradients of Σ dy ⊙ y: "x" (N, D), and each weight's by its name."""

    @abstractmethod
    def parameters(self, model: Any) -> Mapping[str, Parameter]:
        """A model's weights by torch's names."""

    def block_parameters(self, block: Block) -> Mapping[str, Parameter]:
        """Those of a `Block` whose linear layers have a kernel (in, out) and a bias."""
        found = {f"norm.{n}": p for n, p in self.parameters(block.norm).items()}
        found |= {f"final.{n}": p for n, p in self.parameters(block.final).items()}
        for name, linear in {"inner": block.inner, "outer": block.outer}.items():
            found[f"{name}.weight"] = Parameter(linear.kernel, transposed=True)
            found[f"{name}.bias"] = Parameter(linear.bias)
        return found

    def own_names(self, norm: str) -> str:
        """What the library calls the weights of a norm."""
        model = self.norm(norm, 2)
        names = {id(value): name for name, value in vars(model).items()}
        return ", ".join(
            names.get(id(p.variable), name) for name, p in self.parameters(model).items()
        )

    def read(self, model: Any) -> Weights:
        """A model's weights as float32 arrays."""
        return {name: self._read(parameter) for name, parameter in self.parameters(model).items()}

    def write(self, model: Any, weights: Weights) -> None:
        """Replace all weights of a model.

        Raises:
            ValueError: if the names or shapes are not the model's.
        """
        parameters = self.parameters(model)
        if set(parameters) != set(weights):
            raise ValueError(
                f"the weights are named {sorted(weights)}; expected {sorted(parameters)}."
            )
        for name, parameter in parameters.items():
            own = self._read(parameter)
            if own.shape != weights[name].shape:
                raise ValueError(
                    f"{name} has shape {weights[name].shape}; the model has {own.shape}. "
                    "Weights are in torch's orientation, (out, in)."
                )
            value = weights[name].T if parameter.transposed else weights[name]
            self.assign(parameter.variable, np.ascontiguousarray(value))

    def _read(self, parameter: Parameter) -> FloatArray:
        value = self.array(parameter.variable)
        return value.T if parameter.transposed else value

    @abstractmethod
    def array(self, variable: Any) -> FloatArray:
        """A variable as a NumPy array."""

    @abstractmethod
    def assign(self, variable: Any, value: FloatArray) -> None:
        """Set a variable."""


def load_library(framework: Framework) -> Library:
    """Import a framework and the module here that knows its calls."""
    module = importlib.import_module(framework.library)
    norms = {norm: pkgutil.resolve_name(path) for norm, path in framework.norms.items()}
    library: Library = module.library(norms)
    return library
