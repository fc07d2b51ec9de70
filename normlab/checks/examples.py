"""An input, what was got and what was expected, short enough to read."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from normlab.checks.compare import as_said, differing
from normlab.checks.diagnosis import Example
from normlab.checks.drivers import WrongReturn
from normlab.checks.exercise import Arguments, Probe
from normlab.checks.observe import Observation

FEW = 16
"""Arrays of more numbers are not shown whole."""


def example(
    probe: Probe, got: Observation, expected: Observation, names: Collection[str]
) -> Example:
    """What an answer did on a probe, beside what it should have done.

    Args:
        probe: the input.
        got, expected: what the answer did, and the reference.
        names: the outputs that are judged.
    """
    if got.outputs is None or expected.outputs is None:
        texts = (_seen(got, names), _seen(expected, names))
    else:
        shown = differing(got, expected, probe, names) or list(names)
        pairs = [(n, *_beside(got.outputs.get(n), expected.outputs[n])) for n in shown]
        texts = (
            "\n".join(f"{name} = {one}" for name, one, _ in pairs),
            "\n".join(f"{name} = {other}" for name, _, other in pairs),
        )
    return Example(probe.title, described(probe.arguments), *texts)


def dtype_example(probe: Probe, got: Observation, expected: Observation) -> Example:
    """The dtypes alone of what went in, came out, and should have come out."""
    texts = [_dtypes(values or {}) for values in (probe.arguments, got.outputs, expected.outputs)]
    return Example(probe.title, *texts)


def _dtypes(values: Mapping[str, Any]) -> str:
    return "\n".join(
        f"{name}: {value.dtype}" for name, value in values.items() if isinstance(value, np.ndarray)
    )


def changed_example(probe: Probe, got: Observation, names: Sequence[str]) -> Example:
    """The arguments that were changed, before and after."""
    pairs = {name: _beside(got.changed[name], probe.arguments[name]) for name in names}
    after, before = ("\n".join(f"{n} = {p[k]}" for n, p in pairs.items()) for k in (0, 1))
    return Example(f"{probe.title}, before and after the call", before, after, before)


def described(arguments: Arguments) -> str:
    """One line for each argument."""
    return "\n".join(f"{name} = {number(value)}" for name, value in arguments.items())


def number(value: Any, digits: int = 6) -> str:
    """A number, an array, or the shape and the first numbers of a large array.

    >>> number(np.array([1.0, 0.1234561]))
    '[1, 0.123456]'
    """
    if not isinstance(value, np.ndarray | np.generic):
        return f"{value:.{digits}g}" if isinstance(value, float) else as_said(value)
    if value.size <= FEW:
        digits = max(digits, _digits_apart(value))
        text = np.array2string(
            np.asarray(value), separator=", ", formatter={"all": lambda v: f"{v:.{digits}g}"}
        )
        return text + ("" if value.dtype == np.float64 else f" {value.dtype}")
    first = ", ".join(f"{v:.{digits}g}" for v in value.flat[:4])
    return f"{value.dtype} of shape {value.shape}: {first}, …"


MOST_DIGITS = 17


def _digits_apart(array: Any) -> int:
    """Digits enough to tell numbers apart that lie close together, far from 0."""
    different = np.unique(np.asarray(array, np.float64)).size
    counts = range(6, MOST_DIGITS + 1)
    return next((d for d in counts if len({f"{v:.{d}g}" for v in array.flat}) >= different), 6)


def _beside(got: Any, expected: Any) -> tuple[str, str]:
    """Both values; of large arrays the entry that is worst. Digits enough to tell them apart."""
    alike = isinstance(got, np.ndarray) and isinstance(expected, np.ndarray)
    where = ""
    if alike and got.shape == expected.shape and got.size > FEW:
        with np.errstate(invalid="ignore"):
            error = np.abs(got.astype(np.float64) - expected)
        place = np.unravel_index(np.nan_to_num(error, nan=np.inf).argmax(), got.shape)
        got, expected = float(got[place]), float(expected[place])
        where = f" at [{', '.join(str(i) for i in place)}]"
    pairs = ((number(got, d), number(expected, d)) for d in range(6, MOST_DIGITS + 1))
    one, other = next((pair for pair in pairs if pair[0] != pair[1]), (number(got), number(got)))
    return f"{one}{where}", f"{other}{where}"


def _seen(observation: Observation, names: Collection[str]) -> str:
    if observation.raised:
        wrong = observation.raised.kind == WrongReturn.__name__
        return observation.raised.message if wrong else f"raises {observation.raised}"
    assert observation.outputs is not None
    shown = {n: value for n, value in observation.outputs.items() if n in names or not names}
    return "\n".join(f"{name} = {number(value)}" for name, value in shown.items())
