"""Guards on the norms of torch: an answer that should be a norm may not call one."""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from normlab.checks.observe import in_library, is_learners

KINDS = ("layer_norm", "rms_norm", "group_norm", "instance_norm", "batch_norm")
NATIVE = ("native_layer_norm", "native_group_norm", "native_batch_norm")
CLASSES = (
    *("LayerNorm", "RMSNorm", "GroupNorm"),
    *(f"{kind}Norm{d}d" for kind in ("Batch", "Instance") for d in (1, 2, 3)),
)
SUPPORT = "normlab.norms.layer_norm"
GUARDED = (
    *(f"torch.nn.functional.{name}" for name in KINDS),
    *(f"torch.{name}" for name in KINDS + NATIVE),
    *(f"torch.ops.aten.{name}" for name in (*KINDS, *NATIVE, "_fused_rms_norm")),
    *(f"torch.nn.{name}.forward" for name in CLASSES),
    SUPPORT,
)
"""What is guarded, in torch and in the stand-in for normlab."""

_active = False


class LibraryNorm(RuntimeError):
    """An answer has called one of the guarded functions; the message is its name."""


def guard_norms() -> None:
    """Put guards before the functions, for good; they are asleep until `no_library_norms`."""
    for name in GUARDED:
        place, attribute, function = _find(name)
        if function is not None:
            setattr(place, attribute, _guard(name, function))


@contextlib.contextmanager
def no_library_norms() -> Iterator[None]:
    """Meanwhile a guarded function raises `LibraryNorm` when a student's code calls it.

    Drivers and torch itself may call them as ever.
    """
    global _active
    _active = True
    try:
        yield
    finally:
        _active = False


def _find(name: str) -> tuple[Any, str, Any]:
    """(what it is an attribute of, the attribute's name, itself or None)."""
    first, *path, last = name.split(".")
    place = sys.modules.get(first)
    for part in path:
        place = getattr(place, part, None)
    return place, last, getattr(place, last, None)


def _guard(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function, updated=())
    def guard(*args: Any, **kwargs: Any) -> Any:
        if _active and _called_by_student():
            raise LibraryNorm(name)
        return function(*args, **kwargs)

    return guard


def _called_by_student() -> bool:
    """Whether the innermost code that is neither a library's nor a guard is a student's."""
    frame: FrameType | None = sys._getframe(2)
    while frame and (in_library(frame.f_code.co_filename) or _is_guard(frame.f_code.co_filename)):
        frame = frame.f_back
    return frame is not None and is_learners(frame.f_code.co_filename)


def _is_guard(filename: str) -> bool:
    return filename == __file__
