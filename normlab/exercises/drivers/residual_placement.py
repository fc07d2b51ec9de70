"""How the answers of exercise 04 are run. What comes out are measurements, no judgements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from normlab.checks.drivers import WrongReturn
from normlab.checks.exercise import Answer, Outputs
from normlab.exercises.drivers.tensors import FloatArray, gradients_of_weighted_sum, one_tensor

if TYPE_CHECKING:
    from torch import Tensor, nn

    TensorMap = Callable[[Tensor], Tensor]


def step(
    answer: Answer, *, x: FloatArray, weights: FloatArray, gains: FloatArray, upstream: float = 0.0
) -> Outputs:
    """A block whose sub-layers are joined by the answer.

    Sub-layer i is f(z) = 2 tanh(z Wᵢᵀ), its norm gains[i] · LN(z) with ε = 0.1. With an `upstream`
    gradient of that size the gradients too.
    """
    import torch

    calls: list[str] = []
    w = torch.from_numpy(weights).requires_grad_()

    def block(z: Tensor) -> Tensor:
        for i, gain in enumerate(gains.tolist()):
            z = one_tensor(answer(z, _sublayer(w[i], i, calls), _norm(gain, i, calls)))
        return z

    with torch.enable_grad():
        leaf = torch.tensor(x, requires_grad=True)  # a copy, made before an answer can change x
        out: dict[str, Any] = {"y": block(torch.from_numpy(x)), "calls": ", ".join(calls)}
        if upstream:
            y = upstream * block(leaf * 1)
            dx, dw = gradients_of_weighted_sum(y, [leaf, w])
            out |= {"gradient of x": dx, "gradient of the weights": dw}
    return out


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

    return [Block(weight) for weight in torch.from_numpy(weights.copy())]


def transformer(
    answer: Answer,
    *,
    x: FloatArray,
    weights: FloatArray,
    gain: FloatArray | None = None,
    shift: FloatArray | None = None,
    upstream: float = 0.0,
) -> Outputs:
    """A model of one block for each weight, and what it registers.

    Its own parameters are set to `gain` and `shift`, where these are given: what starts at 1 is
    taken for a gain, what starts at 0 for a shift. With an `upstream` gradient of that size the
    gradients too.
    """
    import torch

    with torch.enable_grad():
        blocks = _blocks(weights)
        model = answer(list(blocks), x.shape[-1])
        if not isinstance(model, torch.nn.Module):
            raise WrongReturn(f"it makes a {type(model).__name__}; expected an nn.Module.")
        out = _registered(model, blocks)
        _set(_own(model, blocks), gain, shift)
        leaf = torch.tensor(x, requires_grad=True)
        out = {"y": one_tensor(model(torch.from_numpy(x))), **out, "blocks": _left(blocks, weights)}
        if upstream:
            of = [leaf, *(block.weight for block in blocks)]
            dx, *dw = gradients_of_weighted_sum(upstream * one_tensor(model(leaf)), of)
            out |= {"gradient of x": dx, "gradient of the blocks' weights": torch.stack(dw)}
    return out


def _registered(model: nn.Module, blocks: Sequence[nn.Module]) -> dict[str, Any]:
    given = [parameter for block in blocks for parameter in block.parameters()]
    listed = {id(parameter) for parameter in model.parameters()}
    found = sum(id(parameter) in listed for parameter in given)
    own = ", ".join(str(tuple(p.shape)) for p in _own(model, blocks)) or "none"
    return {
        "registered": f"{found} of the blocks' {len(given)} parameters",
        "its own parameters": own,
    }


def _own(model: nn.Module, blocks: Sequence[nn.Module]) -> list[nn.Parameter]:
    given = [parameter for block in blocks for parameter in block.parameters()]
    return [p for p in model.parameters() if all(p is not q for q in given)]


def _set(parameters: list[nn.Parameter], gain: FloatArray | None, shift: FloatArray | None) -> None:
    import torch

    given = [(1, gain), (0, shift)]
    wanted = [(start, torch.from_numpy(array)) for start, array in given if array is not None]
    for parameter in parameters:
        for start, value in wanted:
            if parameter.shape == value.shape and bool((parameter == start).all()):
                parameter.data.copy_(value)
                break


def _left(blocks: Sequence[Any], weights: FloatArray) -> str:
    """What has become of the blocks: of their weights, and of their modes."""
    import torch

    pairs = zip(blocks, torch.from_numpy(weights), strict=True)
    changed = any(not torch.equal(block.weight.data, weight) for block, weight in pairs)
    frozen = any(not p.requires_grad for block in blocks for p in block.parameters())
    still = any(not block.training for block in blocks)
    said = {"other weights": changed, "frozen": frozen, "in eval mode": still}
    return ", ".join(text for text, seen in said.items() if seen) or "as they were"
