"""How is this layer wired? Read from the numbers that flow through it, whoever wrote it.

`normlab.wiring` runs a placement of the course on symbols. Here the layer is anybody's: hooks
keep what every module in it reads and returns, and linear algebra finds the sums between them.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from normlab.table import Table

Terms = dict[str, float]
NORM = re.compile("norm", re.IGNORECASE)


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


@dataclass
class Call:
    """What one module read and returned."""

    name: str
    norm: bool
    input: Tensor | None
    output: Tensor


def read_wiring(layer: nn.Module, run: Callable[[], object]) -> LayerWiring:
    """Watch a layer while it runs, and find how its norms and sub-layers are connected.

    A value is "explained" if it is a sum of the layer's input and of outputs of its modules,
    each times a constant. A norm is on the wiring if what it reads is explained by the terms of
    such sums; other norms are inner ones (QK-norm, say). What each sub-layer reads is found by
    a second run, in which the terms are cut apart and gradients show who depends on whom.

    Args:
        layer: a layer that maps a stream (..., D) to a stream of the same shape.
        run: calls the layer, alone or in its model; in evaluation mode, with weights and inputs
            that are random (see `randomize_`). float64 is best. Only the first call counts.

    Raises:
        ValueError: if the layer is not called, its output is not explained, or two norms return
            the same.

    Example:
        >>> layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)
        >>> layer, x = randomize_(layer.double().eval()), torch.randn(2, 5, 8).double()
        >>> for equation in read_wiring(layer, lambda: layer(x)).equations:
        ...     print(equation)
        n1 = norm(x)
        f1 = f(n1)
        n2 = norm(x + f1)
        f2 = f(n2)
        y = x + f1 + f2
    """
    calls = _record(layer, run)
    basis = _basis(calls)
    end = calls[-1]
    sums = {"y": _explain(end.output, basis)}
    if not sums["y"]:
        raise ValueError(
            f"the output of {type(layer).__name__} is no sum of its input and of outputs of its "
            "modules; is it in evaluation mode, and is it the residual layer itself?"
        )
    for call in calls[1:-1]:
        if call.norm and call.name in basis and call.input is not None:
            sums[call.name] = _explain(call.input, basis)
    terms = _terms(sums)
    norms = [c.name for c in calls if c.norm and sums.get(c.name) and set(sums[c.name]) <= terms]
    sublayers = [c.name for c in calls[1:] if c.name in terms and not c.norm]
    short = {"x": "x"} | {name: f"n{i}" for i, name in enumerate(norms, 1)}
    short |= {name: f"f{i}" for i, name in enumerate(sublayers, 1)}
    reads = _reads(layer, run, [*norms, *sublayers], sublayers)
    lines = [(c.name, _line(c.name, sums, reads, short)) for c in calls if c.name in short]
    return LayerWiring(
        (*(line for name, line in lines if name != "x"), f"y = {_sum(sums['y'], short)}"),
        tuple(norms),
        tuple(sublayers),
        tuple(c.name for c in calls if c.norm and c.name not in norms),
    )


def randomize_(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give every gain and bias a random value of about its size, so that no two norms are alike.

    >>> bool((randomize_(nn.LayerNorm(4)).weight == 1).any())
    False
    """
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter += 0.3 * torch.randn(parameter.shape, generator=rng).to(parameter)
    return model


def _line(
    name: str, sums: dict[str, Terms], reads: dict[str, list[str]], short: dict[str, str]
) -> str:
    if name in reads:
        return f"{short[name]} = f({', '.join(short[r] for r in reads[name])})"
    return f"{short[name]} = norm({_sum(sums.get(name, {}), short)})"


def _sum(terms: Terms, short: dict[str, str]) -> str:
    return " + ".join(
        short[name] if abs(factor - 1) < 1e-4 else f"{factor:.3f} {short[name]}"
        for name, factor in sorted(terms.items(), key=lambda term: _place(short[term[0]]))
    )


def _place(term: str) -> tuple[int, int]:
    """x first, then by number, norms before sub-layers."""
    return int(term[1:] or 0), "xnf".index(term[0])


def _record(layer: nn.Module, run: Callable[[], object]) -> list[Call]:
    """x first, then every call in the order in which it ended, and the layer's own at last."""
    calls: list[Call] = []
    unique = _UniqueNames()

    def note(name: str, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if calls and calls[-1].name == "y":
            return  # a layer that is used again
        read, returned = _first_tensor((args, kwargs)), _first_tensor(output)
        if returned is not None:
            calls.append(Call(unique(name), _is_norm(module), read, returned.clone()))

    with torch.no_grad(), _hooks(layer, note):
        run()
    if not calls or calls[-1].name != "y" or calls[-1].input is None:
        raise ValueError(f"`run` did not call the {type(layer).__name__} that it should watch.")
    return [Call("x", False, None, calls[-1].input), *calls]


def _is_norm(module: nn.Module) -> bool:
    return bool(NORM.search(type(module).__name__)) and not list(module.children())


class _UniqueNames:
    """A name the first time, then name#2, name#3, …"""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def __call__(self, name: str) -> str:
        self._seen[name] += 1
        return name if self._seen[name] == 1 else f"{name}#{self._seen[name]}"


@contextmanager
def _hooks(layer: nn.Module, hook: Callable[..., Any]) -> Iterator[None]:
    """`hook(name, module, args, kwargs, output)` after every module in the layer; the layer is y."""
    handles = [
        module.register_forward_hook(
            lambda m, a, k, o, name=name: hook(name or "y", m, a, k, o), with_kwargs=True
        )
        for name, module in layer.named_modules()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _first_tensor(values: Any) -> Tensor | None:
    if isinstance(values, Tensor):
        return values if values.is_floating_point() else None
    if isinstance(values, dict):
        values = tuple(values.values())
    if isinstance(values, (tuple, list)):
        return next((t for t in map(_first_tensor, values) if t is not None), None)
    return None


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
        if vector is None:
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
    unique = _UniqueNames()

    def as_leaf(name: str, x: Tensor) -> Tensor:
        leaves[name] = x.detach().clone().requires_grad_()
        return leaves[name].clone()  # which the layer may change in place

    def enter(_: nn.Module, args: Any, kwargs: Any) -> Any:
        return None if leaves else _replaced((args, kwargs), lambda x: as_leaf("x", x))

    def split(name: str, module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        name = unique(name) if _first_tensor(output) is not None else name
        if name not in cut or name in leaves:
            return None
        outputs[name] = _first_tensor(output) if name in sublayers else torch.empty(0)  # type: ignore[assignment]
        return _replaced(output, lambda x: as_leaf(name, x))

    handle = layer.register_forward_pre_hook(enter, with_kwargs=True)
    with torch.enable_grad(), _hooks(layer, split):
        run()
    handle.remove()
    return {name: _depends(outputs[name], leaves, name) for name in sublayers}


def _depends(output: Tensor, leaves: dict[str, Tensor], name: str) -> list[str]:
    before = {n: leaf for n, leaf in leaves.items() if n != name}
    weights = torch.linspace(0.5, 1.5, output.numel(), dtype=output.dtype).view_as(output)
    gradients = torch.autograd.grad(
        output, list(before.values()), weights, retain_graph=True, allow_unused=True
    )
    return [n for n, g in zip(before, gradients, strict=True) if g is not None and g.any()]


def _replaced(values: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same values with the first floating tensor changed."""
    done = False

    def visit(value: Any) -> Any:
        nonlocal done
        if done:
            return value
        if isinstance(value, Tensor) and value.is_floating_point():
            done = True
            return change(value)
        if isinstance(value, dict):
            return {key: visit(item) for key, item in value.items()}
        if isinstance(value, (tuple, list)):
            return type(value)(visit(item) for item in value)
        return value

    return visit(values)
