"""torch's dispatcher: the table of kernels, for each operator and each kind of tensor.

Whatever calls an operator of torch, by whatever name and in whatever thread, ends here. So this is
where norms are taken out; and what could bring them back, or go past the table, is closed.
"""

import ctypes
import importlib
import re
import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NoReturn, TypeAlias, TypeVar

from normlab.grading.confined.refusals import KIND, refuse

EXPECTED = (
    *(f"aten::{kind}_norm" for kind in ("layer", "rms", "batch", "group", "instance")),
    *(f"aten::native_{kind}_norm" for kind in ("layer", "batch", "group")),
)
"""A torch that lacks one of these has its norms elsewhere than they are looked for here."""
KERNEL = re.compile(r"^(\w+)(?:\[alias\])?: registered at", re.M)
NOT_TAKEN = re.compile(r"debug|Tracer|Meta|Functionalize|ADInplaceOrView|Autocast\w+")
"""No kernels, or such as compute nothing, and hand over to the others. Each costs 20 µs."""
ENTRANCE = re.compile(r"to_mkldnn|mkldnn(::)?_reorder")
"""In names of operators that make tensors of oneDNN: TorchScript has norms of these alone."""
PAST_THE_TABLE = re.compile(
    r"static_?module|computed_kernel|set_llga_enabled|parse_ir|decomposition_graph|run_decomp"
    r"|_DispatchModule",
    re.I,
)
"""In names of `torch._C`: they run operators by themselves, or hand out what does."""
ALL_OPERATORS = "_"
"""The namespace of kernels that stand for every operator."""

Result = TypeVar("Result")
Pin: TypeAlias = Callable[[Any], None]
"""Keeps an object for good, where no code in Python finds it."""


class OutOfReach(RuntimeError):
    """A student's code reached for the dispatcher itself."""


@cache
def operators() -> dict[str, list[str]]:
    """The operators of torch that are norms, or lead to one -> the keys of their kernels."""
    torch_c: Any = importlib.import_module("torch._C")
    every = sorted(torch_c._dispatch_get_all_op_names())
    names = [name for name in every if KIND.search(name) or ENTRANCE.search(name)]
    keys = {name: KERNEL.findall(torch_c._dispatch_dump(name)) for name in names}
    return {name: [k for k in keys[name] if not NOT_TAKEN.fullmatch(k)] for name in names}


@dataclass(frozen=True)
class Kernels:
    """What takes the norms out.

    Args:
        by_place: for each namespace and key, names of operators with what replaces their kernels.
        library: makes what registers kernels, for a namespace and a key.
        register: registers one.
        pin: keeps a library.
    """

    by_place: tuple[tuple[str, str, tuple[tuple[str, partial[NoReturn]], ...]], ...]
    library: Callable[..., Any]
    register: Callable[..., None]
    pin: Pin


def find_kernels() -> Kernels:
    """Find the kernels of norms, and prepare what will replace each.

    Raises:
        RuntimeError: if torch lacks a norm that every version is known to have.
    """
    torch: Any = importlib.import_module("torch")
    missing = [name for name in EXPECTED if not operators().get(name)]
    if missing:
        raise RuntimeError(
            f"torch {torch.__version__} has no {', '.join(missing)}, so its norms could not be "
            "refused. Grade with a version that the file constraints.txt of normlab names."
        )
    places: dict[tuple[str, str], list[tuple[str, partial[NoReturn]]]] = defaultdict(list)
    for name, keys in operators().items():
        namespace, _, operator = name.partition("::")
        for key in keys:
            places[namespace, key].append((operator, partial(refuse, name)))
    by_place = tuple((*place, tuple(norms)) for place, norms in places.items())
    pin = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", ctypes.pythonapi))
    found = Kernels(by_place, torch._C._dispatch_library, torch._C._DispatchModule.impl, pin)
    _warn_now(found)
    return found


def _warn_now(kernels: Kernels) -> None:
    """Have torch tell once, and not a student's process, that a kernel is replaced."""
    namespace, key, norms = kernels.by_place[0]
    library = kernels.library("IMPL", namespace, key, __file__, 0)  # put back when it is gone
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kernels.register(library, norms[0][0], key, norms[0][1])


def call_and_take_out(kernels: Kernels, run: Callable[[], Result]) -> Result:
    """Call `run`; from then on each operator that is a norm refuses, and there is no way back.

    All that this needs is in its own frame before `run` is called, since that may replace
    functions and what modules hold. torch brings back what was replaced when the library that
    replaced it is gone; so these live on.
    """
    new_library, register, pin, place = kernels.library, kernels.register, kernels.pin, __file__
    by_place = kernels.by_place
    result = run()
    for namespace, key, norms in by_place:
        library = new_library("IMPL", namespace, key, place, 0)
        pin(library)
        for operator, kernel in norms:
            register(library, operator, key, kernel)
    return result


def close_dispatcher() -> None:
    """Put out of reach what could bring norms back, or goes past the dispatcher.

    Other operators may still be registered: torch does so itself when parts of it are imported.
    """
    torch_c: Any = importlib.import_module("torch._C")
    register = torch_c._dispatch_library
    torch_c._dispatch_library = lambda *where: _OtherOperators(register(*where), where[1])
    for name in filter(PAST_THE_TABLE.search, dir(torch_c)):
        setattr(torch_c, name, partial(refuse_access, f"torch._C.{name}"))


class _OtherOperators:
    """What registers kernels, but for norms.

    Args:
        library: torch's own.
        namespace: of the operators.
    """

    def __init__(self, library: Any, namespace: str) -> None:
        self._library, self._namespace = library, namespace

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)

    def _call(self, method: str, *arguments: Any, **options: Any) -> Any:
        operator = str(next(iter(arguments), ""))
        of_torch = any(name.startswith(f"{self._namespace}::") for name in operators())
        if self._namespace == ALL_OPERATORS or (of_torch and KIND.search(operator)):
            refuse_access(f"torch.library for {operator or 'all operators'}")
        return getattr(self._library, method)(*arguments, **options)


def refuse_access(name: str, /, *arguments: Any, **options: Any) -> NoReturn:
    """Stands for what is out of reach.

    Raises:
        OutOfReach: always.
    """
    raise OutOfReach(f"{name} is not there while an answer is graded.")
