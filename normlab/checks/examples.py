"""An input, what was got and what was expected, short enough to read."""

from typing import Any

import numpy as np

from normlab.checks.compare import differing
from normlab.checks.diagnosis import Example
from normlab.checks.exercise import Arguments, Probe
from normlab.checks.observe import Observation

FEW = 16
"""Arrays of more numbers are not shown whole."""


def example(probe: Probe, got: Observation, expected: Observation) -> Example:
    """What an answer did on a probe, beside what it should have done."""
    if got.outputs is None or expected.outputs is None:
        texts = (_seen(got), _seen(expected))
    else:
        names = differing(got, expected, probe) or list(expected.outputs)
        pairs = [(n, *_beside(got.outputs[n], expected.outputs[n])) for n in names]
        texts = (
            "\n".join(f"{name} = {one}" for name, one, _ in pairs),
            "\n".join(f"{name} = {other}" for name, _, other in pairs),
        )
    return Example(probe.title, described(probe.arguments), *texts)


def described(arguments: Arguments) -> str:
    """One line for each argument."""
    return "\n".join(f"{name} = {number(value)}" for name, value in arguments.items())


def number(value: Any) -> str:
    """A number, an array, or the shape and the first numbers of a large array.

    >>> number(np.array([1.0, 0.1234561]))
    '[1, 0.123456]'
    """
    if not isinstance(value, np.ndarray | np.generic):
        return f"{value:.6g}" if isinstance(value, float) else str(value)
    if value.size <= FEW:
        text = np.array2string(
            np.asarray(value), separator=", ", formatter={"all": lambda v: f"{v:.6g}"}
        )
        return text + ("" if value.dtype == np.float64 else f" {value.dtype}")
    first = ", ".join(f"{v:.6g}" for v in value.flat[:4])
    return f"{value.dtype} of shape {value.shape}: {first}, …"


def _beside(got: Any, expected: Any) -> tuple[str, str]:
    """Both values; of large arrays the entry that is worst."""
    alike = isinstance(got, np.ndarray) and isinstance(expected, np.ndarray)
    if not alike or got.shape != expected.shape or got.size <= FEW:
        return number(got), number(expected)
    with np.errstate(invalid="ignore"):
        error = np.abs(got.astype(np.float64) - expected)
    place = np.unravel_index(np.nan_to_num(error, nan=np.inf).argmax(), got.shape)
    where = f" at [{', '.join(str(i) for i in place)}]"
    return f"{got[place]:.6g}{where}", f"{expected[place]:.6g}{where}"


def _seen(observation: Observation) -> str:
    if observation.raised:
        return f"raises {observation.raised}"
    assert observation.outputs is not None
    return "\n".join(f"{name} = {number(value)}" for name, value in observation.outputs.items())
