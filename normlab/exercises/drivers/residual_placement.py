"""How the answers of exercise 04 are run. What comes out are measurements, no judgements."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from normlab.checks.drivers import WrongReturn
from normlab.checks.exercise import Answer, Outputs
from normlab.exercises.drivers.tensors import FloatArray, gradients_of_weighted_sum, one_tensor

if TYPE_CHECKING:
    from torch import Tensor, nn

    TensorMap = Callable[[Tensor], Tensor]


def step(answer: Answer, *, x: FloatArray, weights: FloatArray, gains: FloatArray) -> Outputs:
    """A block whose sub-layers are joined by the answer, and its gradients.

    Sub-layer i is f(z) = 2 tanh(z Wᵢᵀ), its norm gains[i] · LN(z) with ε = 0.1.
    """
    import torch

    calls: list[str] = []
    w = torch.from_numpy(weights).requires_grad_()

    def block(z: Tensor) -> Tensor:
        for i, gain in enumerate(gains.tolist()):
            z = one_tensor(answer(z, _sublayer(w[i], i, calls), _norm(gain, i, calls)))
        return z

    leaf = torch.tensor(x, requires_grad=True)  # a copy, made before an answer can change x
    y = block(torch.from_numpy(x))
    order = ", ".join(calls)
    dx, dw = gradients_of_weighted_sum(block(leaf * 1), [leaf, w])
    return {"y": y, "calls": order, "gradient of x": dx, "gradient of the weights": dw}


def _sublayer(weight: Tensor, i: int, calls: list[str]) -> TensorMap:
    import torch

    def sublayer(z: Tensor) -> Tensor:
        calls.append(f"sub-layer {i + 1}")
        return 2 * torch.tanh(z.clone() @ weight.to(z.dtype).T)  # (..., D) @ (D, D) -> (..., D)

    return sublayer


def _norm(gain: float, i: int, calls: list[str]) -> TensorMap:
    from torch import nn

    def norm(z: Tensor) -> Tensor:
        calls.append(f"norm {i + 1}")
        return gain * nn.functional.layer_norm(z.clone(), z.shape[-1:], eps=0.1)

    return norm


def _blocks(weights: FloatArray) -> list[Any]:
    """A pre-norm block of one sub-layer for each weight (L, D, D): x + 2 tanh(LN(x) Wᵀ)."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, weight: Tensor) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(weight.shape[-1])
            self.weight = nn.Parameter(weight)

        def forward(self, x: Tensor) -> Tensor:
            return x + 2 * torch.tanh(self.norm(x) @ self.weight.T)  # (..., D) @ (D, D)

    return [Block(weight) for weight in torch.from_numpy(weights)]


def transformer(
    answer: Answer, *, x: FloatArray, weights: FloatArray, gain: FloatArray, shift: FloatArray
) -> Outputs:
    """A model of one block for each weight, whose own parameters are set to `gain` and `shift`.

    What starts at 1 is taken for a gain, what starts at 0 for a shift.
    """
    import torch

    blocks = _blocks(weights)
    given = [parameter for block in blocks for parameter in block.parameters()]
    model = answer(blocks, x.shape[-1])
    if not isinstance(model, torch.nn.Module):
        raise WrongReturn(f"it makes a {type(model).__name__}; expected an nn.Module.")
    listed = {id(parameter) for parameter in model.parameters()}
    own = [p for p in model.parameters() if all(p is not q for q in given)]
    _set(own, torch.from_numpy(gain), torch.from_numpy(shift))
    leaf = torch.tensor(x, requires_grad=True)
    y = one_tensor(model(torch.from_numpy(x)))
    dx, *dw = gradients_of_weighted_sum(
        one_tensor(model(leaf)), [leaf, *(block.weight for block in blocks)]
    )
    found = sum(id(parameter) in listed for parameter in given)
    return {
        "y": y,
        "registered": f"{found} of the blocks' {len(given)} parameters",
        "its own parameters": ", ".join(str(tuple(p.shape)) for p in own) or "none",
        "gradient of x": dx,
        "gradient of the blocks' weights": torch.stack(dw) if dw else torch.zeros(0),
    }


def _set(parameters: list[nn.Parameter], gain: Tensor, shift: Tensor) -> None:
    for parameter in parameters:
        for start, value in ((1, gain), (0, shift)):
            if parameter.shape == value.shape and bool((parameter == start).all()):
                parameter.data.copy_(value)
                break
