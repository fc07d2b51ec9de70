"""Ready-made norms, taken out of a process for good: each call of one ends in a refusal.

An answer that should be a norm may not call one. torch has many doors to a norm (`nn`,
`nn.functional`, `torch.ops`, TorchScript, `torch.func`, threads, …), and nearly all lead through
its dispatcher (see `dispatcher`). Some norms are written in Python, of other operators; these
functions lose their code here, and so do the standard scores of SciPy and scikit-learn. They lose
it before the first cell, since a cell could keep a copy; and while the cells run, nothing writes
down of what operators a norm is made. What it is made of (`mean`, `var_mean`, `rsqrt`,
`nn.functional.normalize`, …) stays.
"""

import ctypes
import importlib.abc
import importlib.machinery
import inspect
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NoReturn, TypeVar

from normlab.grading.confined import dispatcher
from normlab.grading.confined.refusals import ENDS_THERE, KIND, refuse, short

STANDARD_SCORES = (
    *("scipy.stats._stats_py.zmap", "scipy.stats._stats_py.zscore"),
    *("sklearn.preprocessing._data.scale", "sklearn.preprocessing._data.StandardScaler.transform"),
)
OTHER_NAMES = ("torch._refs._normalize", *STANDARD_SCORES)
"""Functions that are norms under another name."""
PACKAGES = ("torch", "scipy", "sklearn")
TRACER = "torch.fx.experimental.proxy_tensor"
Result = TypeVar("Result")

_kernels: dispatcher.Kernels | None = None


def find_norms(torch: bool) -> None:
    """Find all that is taken out, in what is loaded and in what will be.

    Args:
        torch: whether it is loaded.

    Raises:
        RuntimeError: if torch lacks a norm that every version is known to have.
    """
    global _kernels
    _kernels = dispatcher.find_kernels() if torch else None
    _late.waiting = dict(_in_python(_norms_in_torch()))
    sys.meta_path.insert(0, _late)


def known_names() -> set[str]:
    """The names that a refusal can have, of the torch that is loaded."""
    scores = map(short, STANDARD_SCORES)
    return {*dispatcher.operators(), *scores, *(name for _, name in _norms_in_torch())}


def take_out_norms(run: Callable[[], Result]) -> Result:
    """Call `run`; from then on each norm of a library is refused in this process, for good.

    Those in Python are refused to `run`, too.
    """
    waiting, _late.waiting = _late.waiting, None
    for function, name in (waiting or {}).items():
        take_out(function, name)
    if _kernels is None:
        return run()
    trace_again = _trace_nothing()
    result = dispatcher.call_and_take_out(_kernels, run)
    trace_again()
    return result


def _trace_nothing() -> Callable[[], None]:
    """Keep norms from being taken to pieces (`make_fx`, `torch.export`); return what ends it."""
    trace = sys.modules[TRACER]._MakefxTracer._trace_inner
    return _instead_of(trace, partial(dispatcher.refuse_access, f"{TRACER}.make_fx"))


def take_out(function: types.FunctionType, name: str) -> Callable[[], None]:
    """Make a function refuse, whoever holds it; return what puts it back."""
    return _instead_of(function, partial(refuse, name))


def _instead_of(
    function: types.FunctionType, refusal: Callable[[], NoReturn]
) -> Callable[[], None]:
    code, options = function.__code__, function.__kwdefaults__
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(code))  # to take it to pieces is slow after a fork
    function.__code__ = _refused.__code__.replace(co_freevars=code.co_freevars)
    function.__kwdefaults__ = {"_refuse": refusal}

    def put_back() -> None:
        function.__code__, function.__kwdefaults__ = code, options

    return put_back


def _refused(*arguments: Any, _refuse: Callable[[], NoReturn], **options: Any) -> NoReturn:
    _refuse()


def _norms_in_torch() -> Iterator[tuple[types.FunctionType, str]]:
    for name, module in [*sys.modules.items()]:
        if name.partition(".")[0] in PACKAGES:
            yield from norms_in(module)


def norms_in(module: types.ModuleType) -> Iterator[tuple[types.FunctionType, str]]:
    """(function, its name) of each norm in Python that a module holds, by itself or in a class."""
    for value in [*vars(module).values()]:
        if issubclass(type(value), type):
            value = vars(value).get("forward" if KIND.search(value.__name__) else "transform")
        if type(value) is staticmethod:
            value = value.__func__
        if type(value) is types.FunctionType:  # isinstance asks the value itself, and some warn
            function = inspect.unwrap(value)
            name = f"{function.__module__}.{function.__qualname__}"
            if KIND.search(function.__qualname__) or name in OTHER_NAMES:
                yield function, short(name)


def _in_python(
    norms: Iterable[tuple[types.FunctionType, str]],
) -> Iterator[tuple[types.FunctionType, str]]:
    """Those that do not end in an operator of torch that is itself a norm."""
    return ((function, name) for function, name in norms if not ENDS_THERE.match(name))


class _Late(importlib.abc.MetaPathFinder):
    """Finds the norms in those modules that are imported later.

    Attributes:
        waiting: the norms in Python that will be taken out; None when they are.
    """

    def __init__(self) -> None:
        self.waiting: dict[types.FunctionType, str] | None = None

    def find_spec(
        self, name: str, path: Any = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in PACKAGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module
            vars(spec.loader)["exec_module"] = partial(self._execute, execute)
        return spec

    def _execute(
        self, execute: Callable[[types.ModuleType], None], module: types.ModuleType
    ) -> None:
        execute(module)
        for function, name in _in_python(norms_in(module)):
            if self.waiting is None:
                take_out(function, name)
            else:
                self.waiting[function] = name


_late = _Late()
