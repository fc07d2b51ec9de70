"""Every operator that a model runs, in order: what it read, what it returned, and in which module.

PyTorch hands each operator to a dispatch mode after it has taken composite ones apart. What a mode
sees is what is computed, whether a module, a function or a compiled block asked for it.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import is_dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from normlab.inspection.recording import ModuleCall, Operation, Overload, Recording, Value


def record(model: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Recording:
    """Run a model once, as it is, and keep every operator.

    Compiled parts run without their compiler, and the fused path of torch's encoder layers is off.

    Args:
        model: in evaluation mode, if dropout is not wanted.
        args, kwargs: what to call it with.

    Example:
        >>> run = record(nn.Linear(2, 2), (torch.ones(1, 2),), {})
        >>> [v.operation.name for v in run.values if v.operation]
        ['t', 'addmm']
    """
    return record_run(model, lambda: model(*args, **kwargs), (args, kwargs))


def record_run(model: nn.Module, run: Callable[[], Any], given: Any = ()) -> Recording:
    """Keep every operator of a run in which a model is called, and the calls of its modules.

    Args:
        model: whose modules' calls are noted.
        run: calls it, alone or as a part of something greater.
        given: nested tensors that count as inputs.
    """
    recorder = _Recorder(model, given)
    with recorder.watching(), torch.no_grad():
        returned = run()
    outputs = [recorder.value(tensor) for tensor in _tensors(returned)]
    return Recording(recorder.values, recorder.calls, outputs)


def _tensors(nested: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(_plain(nested)) if isinstance(leaf, Tensor)]


def _plain(nested: Any) -> Any:
    """Nested tuples, lists, dicts and dataclasses as tuples and dicts."""
    if isinstance(nested, Mapping):
        return {key: _plain(value) for key, value in nested.items()}
    if isinstance(nested, (tuple, list)):
        return tuple(_plain(value) for value in nested)
    if is_dataclass(nested) and not isinstance(nested, type):
        return {name: _plain(value) for name, value in vars(nested).items()}
    return nested


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Operators and calls of modules, as they come."""

    def __init__(self, model: nn.Module, given: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self._model = model
        self.values: list[Value] = []
        self.calls: list[ModuleCall] = []
        self._open: list[ModuleCall] = []
        self._values: dict[int, Value] = {}
        self._history: dict[int, list[Value]] = {}
        self._sharing: dict[int, list[Tensor]] = {}
        self._names = {id(module): name for name, module in reversed([*model.named_modules()])}
        named = [*model.named_parameters(), *model.named_buffers()]
        self._parameters = {id(tensor): name for name, tensor in named}
        self._given = {id(tensor) for tensor in _tensors(given)}

    @contextmanager
    def watching(self) -> Iterator[None]:
        fast_path = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        hooks = []
        for module in self._model.modules():  # around the model's own hooks
            hooks.append(module.register_forward_pre_hook(self._enter, prepend=True))
            hooks.append(module.register_forward_hook(self._leave, with_kwargs=True))
        try:
            with ExitStack() as stack, warnings.catch_warnings():
                # of gradients that a checkpointed layer misses, and that are not wanted here
                warnings.simplefilter("ignore")
                stack.enter_context(torch.compiler.set_stance("force_eager"))
                stack.enter_context(self)
                yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast_path)
            for hook in hooks:
                hook.remove()

    def _enter(self, module: nn.Module, args: Any) -> None:
        name = self._names[id(module)]
        self._open.append(ModuleCall(name, module, [], start=len(self.values)))
        self.calls.append(self._open[-1])

    def _leave(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        call = self._open.pop()
        call.inputs = [self._before(t, call.start) for t in _tensors((args, kwargs))]
        call.outputs = [self.value(t) for t in _tensors(output)]
        call.end = len(self.values)

    def _before(self, tensor: Tensor, start: int) -> Value:
        """What a tensor was at a place of the run, whatever was written to it since."""
        self.value(tensor)
        history = self._history[id(tensor)]
        return next((value for value in reversed(history) if value.index < start), history[0])

    def value(self, tensor: Tensor) -> Value:
        """What the tensor is now; a leaf if no operator has made it."""
        if id(tensor) not in self._values:
            name = self._parameters.get(id(tensor), "")
            leaf = Value(len(self.values), tensor, name=name, given=id(tensor) in self._given)
            self._note(tensor, leaf)
        return self._values[id(tensor)]

    def _note(self, tensor: Tensor, value: Value) -> None:
        self.values.append(value)
        if id(tensor) not in self._values:
            self._sharing.setdefault(_storage(tensor), []).append(tensor)
        self._values[id(tensor)] = value
        self._history.setdefault(id(tensor), []).append(value)

    def __torch_dispatch__(
        self,
        func: Overload,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        options = kwargs or {}
        known_args, known_options = tree_map(
            lambda a: self.value(a) if isinstance(a, Tensor) else a, (args, dict(options))
        )
        written = _written(func, args, options)
        before = tuple(self.value(tensor) for tensor in written)
        self._keep_leaves(written)
        output = func(*args, **options)
        module = self._open[-1].name if self._open else ""
        operation = Operation(func, known_args, known_options, module, before)
        if written:
            self._overwrite(written, operation)
        else:
            for place, tensor in enumerate(_outputs(output)):
                if isinstance(tensor, Tensor):
                    self._note(tensor, Value(len(self.values), tensor, operation, place))
        return output

    def _keep_leaves(self, written: Sequence[Tensor]) -> None:
        """Copy what no operator made, before it is written, through a view of it perhaps."""
        for tensor in written:
            for other in self._sharing.get(_storage(tensor), []):
                value = self._values[id(other)]
                if value.operation is None and value.tensor is other:
                    value.tensor = other.clone()

    def _overwrite(self, written: Sequence[Tensor], operation: Operation) -> None:
        """New values for what was written, and for every view of the same memory."""
        for place, tensor in enumerate(written):
            new = Value(len(self.values), tensor, operation, place)
            sharing = self._sharing.get(_storage(tensor), [])
            self._note(tensor, new)
            for other in sharing:
                if other is not tensor:
                    args = (self._values[id(other)], new, _geometry(other), _geometry(tensor))
                    alias = Operation(seen_through, args, {}, operation.module)
                    self._note(other, Value(len(self.values), other, alias))


Geometry: TypeAlias = tuple[Sequence[int], Sequence[int], int]
"""Shape, strides and offset of a view."""


def _geometry(view: Tensor) -> Geometry:
    return tuple(view.shape), view.stride(), int(view.storage_offset())


def seen_through(old: Tensor, written: Tensor, seen: Geometry, changed: Geometry) -> Tensor:
    """What one view of some memory shows after another view of it was written.

    >>> row, rows = (2,), (2, 2)
    >>> seen_through(torch.zeros(rows), torch.ones(row), (rows, (2, 1), 0), (row, (1,), 2))
    tensor([[0., 0.],
            [1., 1.]])
    """
    memory = old.new_zeros(max(_reach(seen), _reach(changed)))
    memory.as_strided(*seen).copy_(old)
    memory.as_strided(*changed).copy_(written)
    return memory.as_strided(*seen).clone()


def _reach(geometry: Geometry) -> int:
    shape, strides, offset = geometry
    return offset + 1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True) if n)


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata if tensor.layout is torch.strided else id(tensor)


def _outputs(output: Any) -> Sequence[Any]:
    return output if isinstance(output, (tuple, list)) else (output,)


def _written(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """The tensors among the arguments that an operator changes."""
    found: list[Tensor] = []
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            given = args[place] if place < len(args) else kwargs.get(argument.name)
            found += [t for t in tree_leaves(given) if isinstance(t, Tensor)]
    return found
