"""How is this layer wired? Read from the numbers that flow through it, whoever wrote it.

`normlab.models.trace` runs a placement of the course on symbols. Here the layer is anybody's:
hooks keep what every module in it reads and returns, and linear algebra finds the sums between
them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from normlab.inspection.layer_calls import (
    Call,
    UniqueNames,
    first_tensor,
    hooked,
    randomize_,
    record_calls,
    replaced,
)
from normlab.tools.table import Table

__all__ = ["LayerWiring", "randomize_", "read_wiring"]

Terms = dict[str, float]


@dataclass(frozen=True)
class LayerWiring:
    """The wiring of one layer as equations: x comes in, y goes out.

    Attributes:
        equations: one for each norm on the way from x to y, "n1 = norm(x)", for what each
            sub-layer reads, "f1 = f(n1)", and for the output, "y = x + f1 + f2".
        norms: the names of the modules n1, n2, …; a module's second call is "name#2".
        sublayers: the names of the modules that return f1, f2, …
        inner: the names of the norms inside the sub-layers.
    """

    equations: tuple[str, ...]
    norms: tuple[str, ...]
    sublayers: tuple[str, ...]
    inner: tuple[str, ...]

    def shape(self) -> tuple[str, ...]:
        """The equations without the constant factors."""
        return tuple(re.sub(r"\d+\.\d+ ", "", equation) for equation in self.equations)

    def table(self) -> Table:
        """One row per equation, with the module that it is about."""
        names = {f"n{i}": name for i, name in enumerate(self.norms, 1)}
        names |= {f"f{i}": name for i, name in enumerate(self.sublayers, 1)}
        return Table(
            ("equation", "module"), [[e, names.get(e.split()[0], "")] for e in self.equations]
        )


def read_wiring(layer: nn.Module, run: Tensor | Callable[[], object]) -> LayerWiring:
    """Watch a layer while it runs, and find how its norms and sub-layers are connected.

    A value is "explained" if it is a sum of the layer's input and of outputs of its modules,
    each times a constant. A norm is on the wiring if what it reads is explained by the terms of
    such sums; other norms are inner ones (QK-norm, say). What each sub-layer reads is found by
    a second run, in which the terms are cut apart and gradients show who depends on whom.

    Args:
        layer: a layer that maps a stream (..., D) to a stream of the same shape.
        run: what to call the layer with; or, where it takes more than a stream, a function that
            calls it, alone or in its model. In evaluation mode, with weights (see `randomize_`)
            and inputs that are random; float64 is best. Only the first call counts.

    Raises:
        ValueError: if the layer is not called, its output is not explained, or two norms return
            the same.

    Example:
        >>> layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)
        >>> layer, x = randomize_(layer.double().eval()), torch.randn(2, 5, 8).double()
        >>> for equation in read_wiring(layer, x).equations:
        ...     print(equation)
        n1 = norm(x)
        f1 = f(n1)
        n2 = norm(x + f1)
        f2 = f(n2)
        y = x + f1 + f2
    """
    run = partial(layer, run) if isinstance(run, Tensor) else run
    calls = record_calls(layer, run)
    sums = _sums(calls, layer)
    terms = _terms(sums)
    norms = [c.name for c in calls if c.norm and sums.get(c.name) and set(sums[c.name]) <= terms]
    sublayers = [c.name for c in calls[1:] if c.name in terms and not c.norm]
    reads = _reads(layer, run, [*norms, *sublayers], sublayers)
    short = {"x": "x"} | {name: f"n{i}" for i, name in enumerate(norms, 1)}
    short |= {name: f"f{i}" for i, name in enumerate(sublayers, 1)}
    equations = []
    for call in calls[1:]:
        if call.name in reads:
            read = ", ".join(short[name] for name in reads[call.name])
            equations.append(f"{short[call.name]} = f({read})")
        elif call.name in short:
            equations.append(f"{short[call.name]} = norm({_sum(sums[call.name], short)})")
    equations.append(f"y = {_sum(sums['y'], short)}")
    inner = [call.name for call in calls if call.norm and call.name not in norms]
    return LayerWiring(tuple(equations), tuple(norms), tuple(sublayers), tuple(inner))


def _sums(calls: list[Call], layer: nn.Module) -> dict[str, Terms]:
    """The sum that y is, and those that norms read; empty where what a norm reads is none."""
    basis = _basis(calls)
    sums = {"y": _explain(calls[-1].output, basis)}
    if not sums["y"]:
        raise ValueError(
            f"the output of {type(layer).__name__} is no sum of its input and of outputs of its "
            "modules; is it in evaluation mode, and is it the residual layer itself?"
        )
    for call in calls[1:-1]:
        if call.norm and call.name in basis and call.input is not None:
            sums[call.name] = _explain(call.input, basis)
    return sums


def _sum(terms: Terms, short: dict[str, str]) -> str:
    return " + ".join(
        short[name] if abs(factor - 1) < 1e-4 else f"{factor:.3f} {short[name]}"
        for name, factor in sorted(terms.items(), key=lambda term: _place(short[term[0]]))
    )


def _place(term: str) -> tuple[int, int]:
    """x first, then by number, norms before sub-layers."""
    return int(term[1:] or 0), "xnf".index(term[0])


def _as_vector(x: Tensor, like: Tensor) -> Tensor | None:
    """The values of a stream (..., D) as one vector, None for any other shape."""
    if x.numel() != like.numel() or x.shape[-1] != like.shape[-1]:
        return None
    return x.detach().double().reshape(-1)  # (..., D) -> (N·D,)


def _basis(calls: list[Call]) -> dict[str, Tensor]:
    """x and what the modules return, without what is a sum of earlier ones."""
    stream = calls[0].output
    basis: dict[str, Tensor] = {}
    for call in calls[:-1]:
        vector = _as_vector(call.output, stream)
        if vector is None or not vector.any():
            continue
        known = _explain(vector, basis)
        if not known:
            basis[call.name] = vector
        elif call.norm:
            raise ValueError(
                f"the norm {call.name} returns what {' + '.join(known)} returns, so the two cannot "
                "be told apart; call `randomize_(model)` first."
            )
    return basis


def _explain(target: Tensor, basis: dict[str, Tensor]) -> Terms:
    """The factors of target = Σ factor · basis; empty if there are none."""
    vector = target.detach().double().reshape(-1)  # (..., D) -> (N·D,)
    fitting = {name: b for name, b in basis.items() if b.shape == vector.shape}
    if not fitting:
        return {}
    columns = torch.stack(list(fitting.values()), 1)  # K of (N·D,) -> (N·D, K)
    lengths = columns.norm(dim=0)  # (N·D, K) -> (K,)
    factors = torch.linalg.lstsq(columns / lengths, vector).solution / lengths
    if (columns @ factors - vector).norm() > 1e-5 * vector.norm():
        return {}
    return {name: f.item() for name, f in zip(fitting, factors, strict=True) if abs(f) > 1e-4}


def _terms(sums: dict[str, Terms]) -> set[str]:
    """x and everything that is summed on the way to y."""
    terms, found = {"x"}, set(sums["y"])
    while found - terms:
        terms |= found
        found = {name for term in terms for name in sums.get(term, {})}
    return terms


def _reads(
    layer: nn.Module, run: Callable[[], object], cut: list[str], sublayers: list[str]
) -> dict[str, list[str]]:
    """For each sub-layer, which of x and the `cut` outputs it depends on directly."""
    leaves: dict[str, Tensor] = {}
    outputs: dict[str, Tensor] = {}
    unique = UniqueNames()

    def as_leaf(name: str, x: Tensor) -> Tensor:
        leaves[name] = x.detach().clone().requires_grad_()
        return leaves[name].clone()  # which the layer may change in place

    def enter(_: nn.Module, args: Any, kwargs: Any) -> Any:
        return None if leaves else replaced((args, kwargs), lambda x: as_leaf("x", x))

    def split(name: str, module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        returned = first_tensor(output)
        name = name if returned is None else unique(name)
        if returned is None or name not in cut or name in leaves:
            return None
        outputs[name] = returned
        return replaced(output, lambda x: as_leaf(name, x))

    handle = layer.register_forward_pre_hook(enter, with_kwargs=True)
    try:
        with torch.enable_grad(), hooked(layer, split):
            run()
    finally:
        handle.remove()
    return {name: _depends(outputs[name], leaves, name) for name in sublayers}


def _depends(output: Tensor, leaves: dict[str, Tensor], name: str) -> list[str]:
    before = {n: leaf for n, leaf in leaves.items() if n != name}
    weights = torch.linspace(0.5, 1.5, output.numel(), dtype=output.dtype).view_as(output)
    gradients = torch.autograd.grad(
        output, list(before.values()), weights, retain_graph=True, allow_unused=True
    )
    return [n for n, g in zip(before, gradients, strict=True) if g is not None and g.any()]
