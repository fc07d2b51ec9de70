"""What is audited: a way to make a norm of any size, and its parameters by what they do."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from normlab.audit.definition import Definition
from normlab.audit.inputs import rows
from normlab.inspection.targets import in_short, own_line

Make: TypeAlias = Callable[[int], nn.Module]
"""Makes a norm of size D."""
SIZE = 8
"""D where a norm is only looked at."""
GAINS, BIASES = ("weight", "gamma", "scale", "g"), ("bias", "beta", "b")
EXPECTED = (
    "expected a class or a function that takes the size D and returns a torch.nn.Module, since it "
    "is tried from D = 1 to 65,537: def build(size): return MyNorm(size)"
)
CALLED = (
    "A norm is called with x (..., D) alone, of 1 to 5 axes. Where yours takes more than x, or one "
    "number of axes, wrap it in a module that takes that."
)


class NotAuditable(ValueError):
    """Why something cannot be audited; the message says what was expected."""


@dataclass(frozen=True)
class Parameters:
    """The names of a norm's parameters.

    Attributes:
        gain, bias: None if there is none.
        plus_one: whether the gain is 1 + the parameter.
    """

    gain: str | None
    bias: str | None
    plus_one: bool


@dataclass(frozen=True)
class Norm:
    """A norm of one size, with the formula that it is held to.

    Attributes:
        module: the norm.
        definition: the formula.
        gain, bias: what its parameters say, (D,) float64; 1 and 0 where it has none.
        parameters: their names.
        device: where it runs.
    """

    module: nn.Module
    definition: Definition
    gain: Tensor
    bias: Tensor
    parameters: Parameters
    device: torch.device

    def __call__(self, x: Tensor) -> Tensor:
        """The outputs for x (..., D)."""
        return self.module(x)

    def exact(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """What is right for x (..., D), given in a dtype: float64."""
        eps = self.definition.eps_for(dtype)
        return self.definition.exact(x.double().cpu(), self.gain, self.bias, eps)


@dataclass(frozen=True)
class Subject:
    """An implementation of a norm.

    Attributes:
        make: makes a norm of size D.
        definition: the formula that it is held to.
        parameters: their names.
        device: where it runs.
    """

    make: Make
    definition: Definition
    parameters: Parameters
    device: torch.device

    def norm(self, size: int, dtype: torch.dtype, shifted: bool = True) -> Norm:
        """A norm of a size and a dtype, with a random gain, and a random bias if `shifted`."""
        rng = torch.Generator().manual_seed(size)
        gain = 0.5 + 1.5 * torch.rand(size, generator=rng)
        bias = torch.randn(size, generator=rng) * shifted
        return self.norm_with(gain, bias, dtype)

    def norm_with(self, gain: Tensor, bias: Tensor, dtype: torch.dtype) -> Norm:
        """A norm with this gain and bias, both (D,), as far as it has them."""
        module = self.make(len(gain)).to(self.device, dtype).eval()
        held = dict(module.named_parameters())
        one, zero = torch.ones_like(gain).double(), torch.zeros_like(bias).double()
        offset = float(self.parameters.plus_one)
        with torch.no_grad():
            if self.parameters.gain is not None:
                one = _write(held[self.parameters.gain], gain.double() - offset) + offset
            if self.parameters.bias is not None:
                zero = _write(held[self.parameters.bias], bias.double())
        return Norm(module, self.definition, one, zero, self.parameters, self.device)


def _write(parameter: Tensor, value: Tensor) -> Tensor:
    """Put a value (D,) into a parameter of any shape; what it holds then, (D,) float64."""
    parameter.copy_(value.view_as(parameter))
    return parameter.double().cpu().flatten()  # (*shape) -> (D,)


def checked(make: Any) -> Make:
    """Something that makes a norm of size D.

    Raises:
        NotAuditable: if it is something else, or what it makes cannot be run.
    """
    if isinstance(make, nn.Module) or not callable(make):
        raise NotAuditable(f"{type(make).__name__} is no way to make a norm; {EXPECTED}.")
    _refuse_wrong_arguments(make)
    try:
        module = make(SIZE)
    except Exception as error:
        raise NotAuditable(_raised(error, f"{_name(make)}({SIZE})")) from error
    if not isinstance(module, nn.Module):
        raise NotAuditable(f"{_name(make)}({SIZE}) returned a {type(module).__name__}; {EXPECTED}.")
    try:
        y = module(rows(2, SIZE).float().to(device_of(module)))
    except Exception as error:
        said = f"{type(module).__name__} of size {SIZE}, given a float32 tensor (2, {SIZE}),"
        raise NotAuditable(f"{_raised(error, said)}\n{CALLED}") from error
    if not isinstance(y, Tensor) or y.shape != (2, SIZE):
        shape = f" of shape {tuple(y.shape)}" if isinstance(y, Tensor) else ""
        raise NotAuditable(
            f"{type(module).__name__} of size {SIZE} returns a {type(y).__name__}{shape} for a "
            f"tensor (2, {SIZE}); expected a tensor of the same shape, one norm of each row."
        )
    return make


def _refuse_wrong_arguments(make: Any) -> None:
    try:
        arguments = [*inspect.signature(make).parameters.values()]
    except (TypeError, ValueError):  # some of C have none
        return
    places = [p for p in arguments if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
    needed = [p.name for p in arguments[1:] if p.default is p.empty and p.kind not in _ANY_NUMBER]
    if not places or "eps" in places[0].name:
        said = f"takes {places[0].name} first" if places else "takes no argument"
        raise NotAuditable(f"{_name(make)} {said}; {EXPECTED}.")
    if needed:
        raise NotAuditable(f"{_name(make)} needs {', '.join(needed)} too; {EXPECTED}.")


_ANY_NUMBER = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _name(make: Any) -> str:
    return str(getattr(make, "__name__", type(make).__name__))


def _raised(error: Exception, said: str) -> str:
    return f"{said} raised {in_short(error)}{own_line(error)}"


def device_of(module: nn.Module) -> torch.device:
    """Where a module's parameters are; the CPU if it has none."""
    return next((p.device for p in module.parameters()), torch.device("cpu"))


def find_parameters(make: Make) -> Parameters:
    """Tell gain and bias apart by what they do; by their names if they do nothing."""
    module = make(SIZE).eval()
    named = {n: p for n, p in module.named_parameters() if p.numel() == SIZE}
    x = rows(4, SIZE).float().to(device_of(module))
    uneven = 1.0 + 2 * (torch.arange(SIZE) % 2)  # (D,): a norm of γ ⊙ x does not see 2 from 1
    found: dict[str, str] = {}
    with torch.no_grad():
        _fill(named.values(), 1.0)
        before = _look(module, x)
        for name, parameter in named.items():
            parameter.copy_(uneven.view_as(parameter))
            found.setdefault(_role(name, _look(module, x) - before), name)
            parameter.fill_(1.0)
        _fill(named.values(), 0.0)
        left = _look(module, x)
        gain = found.get("gain")
        if gain is not None:
            named[gain].copy_(uneven.view_as(named[gain]))
        applied = bool((_look(module, x) - left).abs().max() > 1e-3)
    return Parameters(gain, found.get("bias"), applied and bool(left.abs().max() > 1e-3))


def _fill(parameters: Iterable[Tensor], number: float) -> None:
    for parameter in parameters:
        parameter.fill_(number)


def _look(module: nn.Module, x: Tensor) -> Tensor:
    """The outputs, whatever the module does to its input."""
    return module(x.clone()).clone()


def _role(name: str, change: Tensor) -> str:
    """Gain or bias, from what another value of a parameter changed, (N, D)."""
    most = change.abs().max()
    if most < 1e-6:
        last = name.rpartition(".")[2]
        return "gain" if last in GAINS else "bias" if last in BIASES else "unused"
    return "bias" if (change - change[0]).abs().max() < 1e-3 * most else "gain"  # (N, D) - (D,)
