"""How the answers of exercise 07 are run. What comes out are measurements, no judgements."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from normlab.checks.drivers import WrongReturn, call, named
from normlab.checks.exercise import Answer, Outputs
from normlab.exercises.drivers.tensors import FloatArray, gradients

if TYPE_CHECKING:
    from torch import Tensor, nn

graph = call("y")


def cell(
    answer: Answer,
    *,
    x: FloatArray,
    h: FloatArray,
    c: FloatArray,
    seed: int,
    steps: int = 1,
    upstream: float = 0.0,
) -> Outputs:
    """The state after one or more steps of a cell whose parameters are drawn by `seed`.

    With an `upstream` gradient of that size the gradients too.
    """
    import torch

    torch.default_generator.manual_seed(seed)  # torch.manual_seed also asks for every GPU
    module = answer(x.shape[-1], h.shape[-1])
    if not isinstance(module, torch.nn.Module):
        raise WrongReturn(f"it makes one {type(module).__name__}; expected an nn.Module.")
    start = dict(module.named_parameters()).get("bias")
    at_start = "missing" if start is None else f"{start.abs().max().item():.3g}"
    _draw(module, seed)
    given = [torch.from_numpy(array) for array in (x, h, c)]
    if upstream:
        given = [tensor.clone().requires_grad_() for tensor in given]
    x_in, h_out, c_out = [tensor * 1 for tensor in given] if upstream else given
    for _ in range(steps):
        h_out, c_out = _state(module(x_in, (h_out, c_out)))
    shapes = ", ".join(f"{n} {tuple(p.shape)}" for n, p in sorted(module.named_parameters()))
    out: dict[str, Any] = {
        "h": h_out,
        "c": c_out,
        "parameters": shapes,
        "greatest bias at the start": at_start,
    }
    if upstream:
        out |= _gradients(module, given, h_out, c_out, upstream)
    return out


def _draw(module: nn.Module, seed: int) -> None:
    """Fill each parameter with numbers that follow from its name; gains lie around 1."""
    import torch

    for name, parameter in module.named_parameters():
        phase = zlib.crc32(f"{seed} {name}".encode()) % 10_000
        count = torch.arange(parameter.numel(), dtype=torch.float64)
        waves = torch.sin(phase + 12.9898 * count).reshape(parameter.shape)  # (n,) -> its shape
        gain = "norm" in name and name.endswith("weight")
        parameter.data = 1 + waves / 2 if gain else waves


def _state(returned: Any) -> tuple[Tensor, Tensor]:
    import torch

    state = named(returned, "h", "c")
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise WrongReturn(f"{name} is one {type(value).__name__}; expected a torch tensor.")
    return state["h"], state["c"]


def _gradients(
    module: nn.Module, given: list[Tensor], h: Tensor, c: Tensor, upstream: float
) -> Outputs:
    import torch

    weights = torch.linspace(1, 2, h.numel(), dtype=h.dtype).reshape(h.shape)  # (B·H,) -> (B, H)
    loss = upstream * (weights * h + weights.flip(-1) * c).sum()  # (B, H) -> ()
    parameters = dict(module.named_parameters())
    sources = given + list(parameters.values())
    dx, dh, dc, *rest = gradients(loss, sources)
    unused = [n for n, grad in zip(parameters, rest, strict=True) if not grad.any()]
    silent = ", ".join(sorted(unused)) or "none"
    return {"dx": dx, "dh": dh, "dc": dc, "parameters without a gradient": silent}
