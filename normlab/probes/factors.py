"""By what factor each part of a sub-layer multiplies a gradient and a change of the stream."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normlab.models.placement.base import Gate, TensorMap
from normlab.models.transformer import StackName, Transformer
from normlab.norms import FloatArray
from normlab.probes.batch import find_stack, last_stack
from normlab.tools.table import Table

SIZE = 1e-6
"""Of the change that is sent forward, as a share of the stream; float64 keeps nine digits of it."""
KINDS = {2: ("attention", "FFN"), 3: ("attention", "cross-attention", "FFN")}


@dataclass(frozen=True)
class Factors:
    """What each part of S sub-layers multiplies a length by.

    Attributes:
        norm: the norm alone (S,); of two norms the product, 1 without a norm.
        branch: the sub-layer f alone, attention or FFN (S,).
        together: norm, branch and shortcut (S,).
    """

    norm: FloatArray
    branch: FloatArray
    together: FloatArray


@dataclass(frozen=True)
class SublayerFactors:
    """By what each part of a sub-layer multiplies the length of what passes through it.

    Attributes:
        kinds: "attention", "cross-attention" or "FFN", for each sub-layer from the input on (S,).
        signal: of the stream itself, going forward.
        change: of a small change of the stream, going forward; at the stack's input it is random.
        gradient: of the loss's gradient, going back.
    """

    kinds: Sequence[str]
    signal: Factors
    change: Factors
    gradient: Factors

    def passing(self) -> Mapping[str, Factors]:
        """The three by name, in the order of a table's rows."""
        return {"signal": self.signal, "change": self.change, "gradient": self.gradient}

    def table(self) -> Table:
        """Geometric means: one row for each of the three, by kind of sub-layer and over all."""
        rows = [
            [what, kind, *(f"{mean:.2f}" for mean in self._means(factors, kind))]
            for what, factors in self.passing().items()
            for kind in (*dict.fromkeys(self.kinds), "all")
        ]
        columns = ("what passes", "sub-layer", "norm alone", "branch alone", "norm and branch")
        return Table(columns, rows)

    def _means(self, factors: Factors, kind: str) -> list[float]:
        chosen = np.array([kind in ("all", own) for own in self.kinds])  # (S,)
        return [geometric_mean(part[chosen]) for part in vars(factors).values()]


def geometric_mean(factors: FloatArray) -> float:
    """exp(mean ln): S such factors in a row multiply as much.

    >>> round(geometric_mean(np.array([0.5, 8.0])), 6)
    2.0
    """
    return float(np.exp(np.log(factors).mean()))  # (S,) -> ()


def sublayer_factors(
    model: Transformer,
    loss: Callable[[Transformer], Tensor],
    seed: int,
    stack: StackName | None = None,
) -> SublayerFactors:
    """Norm alone, branch alone, norm and branch: what each does to signal, change and gradient.

    In post-norm, z = x + f(x) and x' = norm(z). A signal is multiplied by ‖x'‖/‖z‖, ‖f(x)‖/‖x‖ and
    ‖x'‖/‖x‖; a small change δx by the same ratios of what becomes of it; a gradient by
    ‖∂ℒ/∂z‖/‖∂ℒ/∂x'‖, by ‖Jᵀ ∂ℒ/∂f‖/‖∂ℒ/∂f‖ with the Jacobian J of f, and by ‖∂ℒ/∂x‖/‖∂ℒ/∂x'‖. At
    initialization branch and shortcut are nearly at right angles, so that in post-norm
    together² ≈ norm² · (1 + branch²).

    Args:
        model: it stays as it is; a copy computes in float64.
        loss: of the model, such as `random_batch(config, seed).loss`.
        seed: of the random change.
        stack: which one; by default the one that the output comes from.

    Raises:
        ValueError: if the model has no such stack, or its placement wires a block as a whole
            (B2T, parallel).

    Source: the three factors are this course's; the symmetry of both directions at
    initialization is Glorot & Bengio 2010, §4.2.

    Example:
        >>> from normlab.models import TransformerConfig
        >>> from normlab.probes import random_batch
        >>> config = TransformerConfig(encoder_layers=2, placement="post-norm", d_model=32)
        >>> factors = sublayer_factors(Transformer(config, 0), random_batch(config, 0).loss, seed=0)
        >>> factors.kinds
        ('attention', 'FFN', 'attention', 'FFN')
        >>> round(geometric_mean(factors.signal.together), 1)  # a norm's output is as long as x
        1.0
    """
    model = copy.deepcopy(model).double()
    blocks = find_stack(model, stack or last_stack(model.config)).blocks
    recorder = _Recorder(blocks)
    torch.autograd.backward(loss(model))
    steps = recorder.taken()
    if not steps:
        raise ValueError(
            f"the placement {model.config.placement!r} wires a block as a whole; expected one "
            "that defines a step for each sub-layer, such as post-norm."
        )
    blocks[0].register_forward_pre_hook(partial(_moved, torch.Generator().manual_seed(seed)))
    with torch.no_grad():
        loss(model)
    changes = [_between(*pair) for pair in zip(steps, recorder.taken(), strict=True)]
    return SublayerFactors(
        KINDS[len(steps) // len(blocks)] * len(blocks),
        _factors(steps, _forward),
        _factors(changes, _forward),
        _factors(steps, _back),
    )


Passed = tuple[Tensor, Tensor]
"""What went into a part, and what came out."""


@dataclass(frozen=True)
class _Step:
    """What passed through one sub-layer as a whole, its branch and its norms."""

    whole: Passed
    branch: Passed
    norms: Sequence[Passed]


class _Recorder:
    """Writes down what passes through the sub-layers of some blocks, from now on."""

    def __init__(self, blocks: Sequence[Any]) -> None:
        self._steps: list[_Step] = []
        for block in blocks:
            vars(block.placement)["step"] = partial(self._step, block.placement.step)

    def taken(self) -> list[_Step]:
        """The sub-layers since it was last asked."""
        steps, self._steps = self._steps, []
        return steps

    def _step(
        self, step: Callable[..., Tensor], x: Tensor, f: TensorMap, *parts: TensorMap
    ) -> Tensor:
        branch: list[Passed] = []
        norms: list[Passed] = []
        watched = [p if isinstance(p, Gate) else partial(_through, p, norms) for p in parts]
        output = _kept(step(_kept(x), partial(_through, f, branch), *watched))
        self._steps.append(_Step((x, output), branch[0], norms))
        return output


def _through(part: TensorMap, seen: list[Passed], x: Tensor) -> Tensor:
    x = _kept(x.clone())  # its gradient is what comes back through this part alone
    output = _kept(part(x))
    seen.append((x, output))
    return output


def _kept(x: Tensor) -> Tensor:
    if x.requires_grad:
        x.retain_grad()
    return x


def _moved(rng: torch.Generator, block: nn.Module, inputs: Sequence[Any]) -> Sequence[Any]:
    """The inputs of a block, with noise of `SIZE` times the stream's length on the stream."""
    x, *memory = inputs
    noise = torch.randn(x.shape, generator=rng, dtype=torch.float64).to(x)
    return (x + SIZE * x.norm() / noise.norm() * noise, *memory)  # (B, T, D) -> ()


def _forward(passed: Passed) -> float:
    below, above = (x.norm().item() for x in passed)
    return above / below


def _back(passed: Passed) -> float:
    below, above = (x.grad.norm().item() for x in passed if x.grad is not None)
    return below / above


def _between(one: _Step, other: _Step) -> _Step:
    """What differs between two passes."""
    norms = [_difference(*pair) for pair in zip(one.norms, other.norms, strict=True)]
    return _Step(_difference(one.whole, other.whole), _difference(one.branch, other.branch), norms)


def _difference(one: Passed, other: Passed) -> Passed:
    return other[0] - one[0], other[1] - one[1]


def _factors(steps: Sequence[_Step], factor: Callable[[Passed], float]) -> Factors:
    rows = [
        [math.prod(map(factor, step.norms)), factor(step.branch), factor(step.whole)]
        for step in steps
    ]
    return Factors(*np.array(rows).T)  # (S, 3) -> 3 × (S,)
