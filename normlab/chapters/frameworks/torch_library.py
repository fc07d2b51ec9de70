"""`torch.nn`, and our twins of its norms, behind the seam."""

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normlab.chapters.frameworks.library import Library, Parameter, Weights
from normlab.norms import FloatArray


class Block(nn.Module):
    """final(x + W₂ gelu(W₁ norm(x) + b₁) + b₂), (N, D) -> (N, D)."""

    def __init__(
        self, norm: nn.Module, final: nn.Module, features: int, hidden: int, gelu: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.norm, self.final = norm, final
        self.inner, self.outer = nn.Linear(features, hidden), nn.Linear(hidden, features)
        self.gelu = gelu

    def forward(self, x: Tensor) -> Tensor:
        return self.final(x + self.outer(F.gelu(self.inner(self.norm(x)), **self.gelu)))


class TorchLibrary(Library):
    epsilon = "eps"
    half: ClassVar = {"dtype": torch.float16}
    exact_gelu: ClassVar = {"approximate": "none"}

    def norm(self, norm: str, features: int, **settings: Any) -> Any:
        return self.norms[norm](features, **settings)

    def block(
        self, features: int, hidden: int, gelu: Mapping[str, Any], eps: Mapping[str, float]
    ) -> Any:
        return Block(*self.block_norms(features, eps), features, hidden, gelu)

    def run(self, model: Any, x: FloatArray, dtype: str) -> tuple[FloatArray, str]:
        with torch.no_grad(), warnings.catch_warnings():
            # nn.RMSNorm says that it has no fused kernel for mixed dtypes
            warnings.filterwarnings("ignore", message="Mismatch dtype")
            y = model(torch.from_numpy(x).to(getattr(torch, dtype)))
        return y.double().numpy(), str(y.dtype).removeprefix("torch.")

    def gradients(self, model: Any, x: FloatArray, dy: FloatArray) -> Weights:
        leaf = torch.tensor(x, requires_grad=True)
        named = {"x": leaf} | dict(model.named_parameters())
        found = torch.autograd.grad(model(leaf), list(named.values()), torch.from_numpy(dy))
        return {name: g.numpy() for name, g in zip(named, found, strict=True)}

    def parameters(self, model: Any) -> Mapping[str, Parameter]:
        return {name: Parameter(p) for name, p in model.named_parameters()}

    def array(self, variable: Any) -> FloatArray:
        value: FloatArray = variable.detach().numpy().copy()
        return value

    def assign(self, variable: Any, value: FloatArray) -> None:
        with torch.no_grad():
            variable.copy_(torch.from_numpy(value))


library = TorchLibrary
