"""Inputs for a model that came without any: guessed from its first modules."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from normlab.inspection.inspecting import inspect as inspect_model
from normlab.inspection.preparing import NotInspectable
from normlab.inspection.report import Report
from normlab.inspection.small_inputs import Inputs, described, inputs_for
from normlab.inspection.targets import CannotRead, in_short, own_line

BATCH, TOKENS, SIDE = 3, 7, 32
MEND = "Let the function return the module and its inputs: return model, inputs"
Draw = Callable[[], Tensor]


@dataclass(frozen=True)
class Guess:
    """Inputs that may fit.

    Attributes:
        said: what they are, in words.
        inputs: one for each argument that the model needs, or by name.
    """

    said: str
    inputs: tuple[Tensor, ...] | Inputs


def inspect_alone(model: nn.Module) -> tuple[Report, Guess]:
    """Read a model with guessed inputs; also the guess.

    Raises:
        CannotRead: if it runs with no guess; the message says what was tried.
    """
    tried = []
    for guess in guesses(model):
        try:
            return inspect_model(model, guess.inputs), guess
        except NotInspectable as error:
            cause = error.__cause__ or error
            tried.append(f"\n  {guess.said}: {in_short(cause)[:200]}{own_line(cause)}")
    name = type(model).__name__
    if not tried:
        raise CannotRead(f"what to call {name} with could not be guessed. {MEND}.")
    raise CannotRead(f"{name} ran with no input that could be guessed. {MEND}.{''.join(tried)}")


def guesses(model: nn.Module) -> Iterator[Guess]:
    """Inputs by the first modules of each kind, as they were registered: the first is likeliest."""
    if hasattr(model, "main_input_name") and hasattr(model, "config"):
        yield from (Guess(described(inputs), inputs) for inputs in inputs_for(model, model.config))
        return
    count = _arguments(model)
    if not 1 <= count <= 3:
        return
    seen = set()
    for module in model.modules():
        said, draw = _for_first(module, model)
        if draw is not None and said not in seen:
            seen.add(said)
            copies = f", {count} times" if count > 1 else ""
            yield Guess(said + copies, tuple(draw() for _ in range(count)))


def _arguments(model: nn.Module) -> int:
    """How many arguments a model needs."""
    parameters = inspect.signature(model.forward).parameters.values()
    usual = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p for p in parameters if p.kind in usual and p.default is p.empty]
    return max(1, len(needed))


def _for_first(module: nn.Module, model: nn.Module) -> tuple[str, Draw | None]:
    rng = torch.Generator().manual_seed(0)
    if isinstance(module, nn.Embedding):
        highest, shape = module.num_embeddings, (BATCH, TOKENS)
        return f"ids {shape} below {highest}", lambda: torch.randint(highest, shape, generator=rng)
    size = _stream_shape(module)
    if size is None:
        return "", None
    kind = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
    name = "images" if len(size) == 4 else "a stream"
    return f"{name} {size}", lambda: torch.randn(size, generator=rng).to(kind)


def _stream_shape(module: nn.Module) -> tuple[int, ...] | None:
    """What a module reads, if its attributes say so."""
    if isinstance(module, nn.Conv2d):
        return BATCH, module.in_channels, SIDE, SIDE
    if isinstance(module, nn.Conv1d):
        return BATCH, module.in_channels, TOKENS
    if isinstance(module, nn.Linear):
        return BATCH, TOKENS, module.in_features
    weight = getattr(module, "weight", None)
    if "norm" in type(module).__name__.lower() and isinstance(weight, Tensor) and weight.dim() == 1:
        return BATCH, TOKENS, len(weight)
    if isinstance(module, nn.MultiheadAttention):
        return BATCH, TOKENS, module.embed_dim
    return None
