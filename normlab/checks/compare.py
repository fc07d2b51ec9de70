"""When two observations agree, and what is wrong with the form of one."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from normlab.checks.diagnosis import Fault
from normlab.checks.exercise import Probe
from normlab.checks.observe import Observation, Raised


def agrees(got: Observation, expected: Observation, probe: Probe, names: Collection[str]) -> bool:
    """Whether `got` shows the right values of the named outputs, or the right error.

    Dtypes are not compared.
    """
    if expected.raised:
        return got.raised is not None and _same_error(got.raised, expected.raised, probe)
    if got.outputs is None or expected.outputs is None:
        return False
    return not differing(got, expected, probe, names)


def looks_like(
    got: Observation,
    other: Observation,
    expected: Observation,
    probe: Probe,
    names: Collection[str],
) -> bool:
    """Whether an answer does on this probe what another, wrong one does.

    An error that the answer raises by itself is not one that a mistake leads to.
    """
    if probe.rounding or expected.raised:
        return agrees(got, expected, probe, names) == agrees(other, expected, probe, names)
    if got.raised and other.raised:
        return got.raised.kind == other.raised.kind and not got.raised.by_statement
    if got.raised or other.raised:
        return False
    return not differing(got, other, probe, names)


def differing(
    got: Observation, expected: Observation, probe: Probe, names: Collection[str]
) -> list[str]:
    """Which of the named outputs differ, where both have outputs."""
    assert got.outputs is not None
    assert expected.outputs is not None
    pairs = ((n, got.outputs.get(n), value) for n, value in expected.outputs.items() if n in names)
    return [name for name, one, other in pairs if not close(one, other, probe.tolerance)]


def close(got: Any, expected: Any, tolerance: float) -> bool:
    """|got − expected| ≤ tolerance · max|expected| everywhere; NaN and ±inf at the same places.

    >>> close(np.array([1.0, 1e-12]), np.array([1.0, 0.0]), tolerance=1e-9)
    True
    """
    if not (isinstance(got, np.ndarray) and isinstance(expected, np.ndarray)):
        return isinstance(got, np.ndarray) == isinstance(expected, np.ndarray) and got == expected
    if got.shape != expected.shape:
        return False
    if got.dtype == expected.dtype and got.tobytes() == expected.tobytes():
        return True
    with np.errstate(all="ignore"):
        got, expected = got.astype(np.float64), expected.astype(np.float64)
        finite = np.isfinite(expected)
        scale = float(np.abs(expected[finite]).max(initial=0.0)) or 1.0
        near = np.abs(got - expected) <= tolerance * scale
    same_special = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return bool(np.where(finite, near, same_special).all())


def _same_error(got: Raised, expected: Raised, probe: Probe) -> bool:
    message = got.message.replace(" ", "")
    return got.kind == expected.kind and all(
        name.replace(" ", "") in message for name in probe.error_names
    )


def with_names_of(expected: Observation, got: Observation) -> Observation:
    """`got` with the outputs that are expected and no others; those that it lacks are None."""
    if got.outputs is None or expected.outputs is None:
        return got
    return replace(got, outputs={name: got.outputs.get(name) for name in expected.outputs})


def form_fault(got: Observation, expected: Observation) -> Fault | None:
    """An exception, a wrong kind of return value, a wrong shape, or nothing of these."""
    if got.raised and not expected.raised:
        if got.raised.kind == "WrongReturn":
            return Fault("wrong-return", got.raised.message)
        return Fault("raises", f"it raises {got.raised}")
    if got.outputs is None or expected.outputs is None:
        return None
    for name, wanted in expected.outputs.items():
        fault = _shape_fault(got.outputs.get(name), wanted)
        if fault:
            return Fault("wrong-shape", f"{name} {fault}")
    return None


def as_said(value: Any) -> str:
    """A value as Python shows it: a text in quotes, so that "3" is not taken for the number.

    >>> as_said("no"), as_said(None)
    ("'no'", 'None')
    """
    return repr(value) if isinstance(value, str) else str(value)


def _shape_fault(got: Any, wanted: Any) -> str | None:
    is_array, wants_array = isinstance(got, np.ndarray), isinstance(wanted, np.ndarray)
    if not is_array and not wants_array and type(got) is not type(wanted):
        return f"is {as_said(got)}; expected {as_said(wanted)}"
    if is_array and wants_array and got.shape != wanted.shape:
        return f"has the shape {got.shape}; expected {wanted.shape}"
    if is_array and not wants_array:
        return f"is a number or an array; expected {as_said(wanted)}"
    if wants_array and not is_array:
        return f"is {as_said(got)}; expected numbers"
    if is_array and got.dtype.kind == "b" != wanted.dtype.kind:
        return "is of dtype bool; expected numbers"
    return None


def other_dtype(got: Observation, expected: Observation) -> str | None:
    """What array has another dtype than it should; single numbers may have any."""
    if got.outputs is None or expected.outputs is None:
        return None
    for name, wanted in expected.outputs.items():
        value = got.outputs.get(name)
        if not (isinstance(wanted, np.ndarray) and isinstance(value, np.ndarray)):
            continue
        if wanted.ndim and value.dtype != wanted.dtype:
            return f"{name} is {value.dtype}; expected {wanted.dtype}"
    return None


def changed_arguments(got: Observation, expected: Observation) -> list[str]:
    """The arguments that were changed in place and should not have been."""
    return [name for name in got.changed if name not in expected.changed]
