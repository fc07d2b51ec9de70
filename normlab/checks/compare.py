"""When two observations agree, and what is wrong with the form of one."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from normlab.checks.diagnosis import Fault
from normlab.checks.exercise import Probe
from normlab.checks.observe import Observation, Raised


def agrees(got: Observation, expected: Observation, probe: Probe) -> bool:
    """Whether `got` shows the right values, or the right error. Dtypes are not compared."""
    if expected.raised:
        return got.raised is not None and _same_error(got.raised, expected.raised, probe)
    if got.outputs is None or expected.outputs is None:
        return False
    return not any(_differing(got, expected, probe))


def looks_like(got: Observation, other: Observation, expected: Observation, probe: Probe) -> bool:
    """Whether an answer does on this probe what another, wrong one does."""
    if probe.rounding or expected.raised:
        return agrees(got, expected, probe) == agrees(other, expected, probe)
    if got.raised and other.raised:
        return got.raised.kind == other.raised.kind
    if got.raised or other.raised:
        return False
    return not any(_differing(got, other, probe))


def differing(got: Observation, expected: Observation, probe: Probe) -> list[str]:
    """The names of the outputs that differ, where both have outputs."""
    return list(_differing(got, expected, probe))


def _differing(got: Observation, expected: Observation, probe: Probe) -> Iterator[str]:
    assert got.outputs is not None
    assert expected.outputs is not None
    pairs = ((name, got.outputs.get(name), value) for name, value in expected.outputs.items())
    return (name for name, one, other in pairs if not close(one, other, probe.tolerance))


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
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(expected)
    scale = float(np.abs(expected[finite]).max(initial=0.0)) or 1.0
    with np.errstate(invalid="ignore"):
        near = np.abs(got - expected) <= tolerance * scale
    same_special = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return bool(np.where(finite, near, same_special).all())


def _same_error(got: Raised, expected: Raised, probe: Probe) -> bool:
    message = got.message.replace(" ", "")
    return got.kind == expected.kind and all(
        name.replace(" ", "") in message for name in probe.error_names
    )


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


def _shape_fault(got: Any, wanted: Any) -> str | None:
    is_array, wants_array = isinstance(got, np.ndarray), isinstance(wanted, np.ndarray)
    if is_array and wants_array and got.shape != wanted.shape:
        return f"has the shape {got.shape}; expected {wanted.shape}"
    if is_array and not wants_array:
        return f"is a number or an array; expected {wanted}"
    if wants_array and not is_array:
        return f"is {got}; expected numbers"
    return None


DTYPE_WHY = "A norm gives back the dtype that it is given; otherwise every layer after it pays."
CHANGED_WHY = (
    "The caller still needs its array: the residual stream, for one. Work on a copy or a new array."
)


def dtype_fault(got: Observation, expected: Observation) -> Fault | None:
    """An array of another dtype than it should be; single numbers may be of any."""
    if got.outputs is None or expected.outputs is None:
        return None
    for name, wanted in expected.outputs.items():
        if isinstance(wanted, np.ndarray) and wanted.ndim:
            dtype = got.outputs[name].dtype
            if dtype != wanted.dtype:
                title = f"{name} is {dtype}; expected {wanted.dtype}"
                return Fault("dtype-lost", title, DTYPE_WHY)
    return None


def changed_fault(got: Observation, expected: Observation) -> Fault | None:
    """An argument that was changed in place."""
    unwanted = [name for name in got.changed if name not in expected.changed]
    if not unwanted:
        return None
    title = f"{' and '.join(unwanted)} changed in place"
    return Fault("input-mutated", title, CHANGED_WHY)
