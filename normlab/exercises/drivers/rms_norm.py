"""How the answers of exercise 03 to the class RMSNorm are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from normlab.checks.drivers import WrongReturn
from normlab.checks.exercise import Answer, Outputs
from normlab.exercises.drivers.tensors import FloatArray, gradients_of_weighted_sum, one_tensor

if TYPE_CHECKING:
    from torch import Tensor, nn


def module(
    answer: Answer,
    *,
    x: FloatArray,
    weight: FloatArray,
    eps: float | None = None,
    dtype: str = "float64",
    weight_dtype: str = "float64",
    gradients: bool = False,
) -> Outputs:
    """A module made anew, then with `weight`, in these dtypes; its gradients in float64 if wanted.

    Args:
        answer: the class.
        x: (..., D) float64, converted to `dtype`.
        weight: (D,), what the parameter is set to.
        eps: None leaves it out.
        dtype: of the input.
        weight_dtype: of the parameter.
        gradients: whether those of x and the weight are wanted.
    """
    import torch

    dim = len(weight)
    with torch.random.fork_rng(devices=[]):  # a random weight is the same in two calls
        torch.default_generator.manual_seed(0)  # torch.manual_seed also asks for every GPU
        norm = answer(dim) if eps is None else answer(dim, eps=eps)
    gain = _weight_of(norm)
    start = gain.detach().clone()
    gain.data = torch.tensor(weight, dtype=getattr(torch, weight_dtype))
    y = one_tensor(norm(torch.from_numpy(x).to(getattr(torch, dtype))))
    out = {
        "y": y.double(),
        "dtype of y": str(y.dtype),
        "weight at the start": start.double(),
        "trained parameters": _names({n: p for n, p in norm.named_parameters() if p.requires_grad}),
        "state_dict": _names(norm.state_dict()),
    }
    if gradients:
        out["gradient of x"], out["gradient of weight"] = _gradients(norm.double(), x)
    return out


def _weight_of(norm: nn.Module) -> Tensor:
    import torch

    if not isinstance(norm, torch.nn.Module):
        raise WrongReturn(f"it makes a {type(norm).__name__}; expected an nn.Module.")
    weight = getattr(norm, "weight", None)
    if not isinstance(weight, torch.Tensor):
        raise WrongReturn("the module has no tensor `weight`; expected the gain as self.weight.")
    return weight


def _gradients(norm: nn.Module, x: FloatArray) -> tuple[Tensor, Tensor]:
    """With respect to x and the weight; zeros for a weight that is not trained."""
    import torch

    leaf, weight = torch.tensor(x, requires_grad=True), _weight_of(norm)
    y = norm(leaf * 1)  # a tensor that may be changed in place
    trained = [weight] if weight.requires_grad else []
    dx, *dweight = gradients_of_weighted_sum(y, [leaf, *trained])
    return dx.double(), dweight[0].double() if dweight else torch.zeros_like(weight).double()


def _names(tensors: dict[str, Tensor]) -> str:
    return ", ".join(f"{name} {tuple(t.shape)}" for name, t in tensors.items()) or "none"
