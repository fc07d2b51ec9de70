"""A stranger's code in a process of its own, and one clear message of whatever it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from normlab.inspection.targets import CannotRead
from normlab.tools.apart import Limits, OutOfTime, ProcessEnded, WorkFailed, apart

OUT_OF_MEMORY = ("can't allocate memory", "cannot allocate memory", "bad_alloc")


@dataclass(frozen=True)
class _Refused:
    message: str


def result_of(name: str, verb: str, limits: Limits, work: Callable[..., Any], *given: Any) -> Any:
    """What `work(*given)` returns in a process of its own; what it prints goes nowhere.

    Args:
        name: what runs there, for messages.
        verb: what is done with it: "read", say.
        limits: what it may take.
        work: a function at the top of a module; its result can be pickled. A `CannotRead` that it
            raises is raised here.
        given: its arguments.

    Raises:
        CannotRead: if it did not come to an end, for whatever reason.
    """
    try:
        found = next(apart(_send, work, given, limits=limits), _Refused(f"{name} sent nothing."))
    except OutOfTime as error:
        used = f", {error} among them" if str(error) else ""
        raise CannotRead(
            f"{name} was not {verb} after {limits.seconds:g} seconds{used}. It may need more: "
            f"--seconds {5 * limits.seconds:g}. Or is there a loop that never stops?"
        ) from error
    except ProcessEnded as error:
        raise CannotRead(
            f"{name} ended the process that ran it ({error}). Does it run by itself? It had "
            f"{limits.memory_mb} MB of memory; --memory-mb gives it more."
        ) from error
    except WorkFailed as error:
        if _of_memory(str(error)):
            raise CannotRead(_too_little(name, limits)) from error
        raise CannotRead(
            f"{name} ran, and could not be {verb}. That is a fault of normlab:\n{error}"
        ) from error
    if isinstance(found, _Refused):
        of_memory = _of_memory(found.message)
        raise CannotRead(_too_little(name, limits) if of_memory else found.message)
    return found


def _send(send: Callable[[Any], None], work: Callable[..., Any], given: tuple[Any, ...]) -> None:
    """In the process of its own."""
    try:
        send(work(*given))
    except CannotRead as error:
        send(_Refused(str(error)))


def _of_memory(message: str) -> bool:
    return "MemoryError" in message or any(said in message for said in OUT_OF_MEMORY)


def _too_little(name: str, limits: Limits) -> str:
    return (
        f"{name} needs more than {limits.memory_mb} MB of memory. --memory-mb "
        f"{4 * limits.memory_mb} gives it more; a smaller model of the same code says the same."
    )
