"""Audit one implementation of a norm."""

import math
import re
import warnings
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from normlab.audit.definition import KINDS, USUAL_EPS, Claim, Definition, as_read
from normlab.audit.diagnosis import VALUES, diagnosed
from normlab.audit.errors import Measured
from normlab.audit.forward import forward
from normlab.audit.inputs import rows
from normlab.audit.report import Audit, Line
from normlab.audit.subject import (
    SIZE,
    Make,
    NotAuditable,
    Parameters,
    Subject,
    checked,
    device_of,
    find_parameters,
)
from normlab.audit.suite import AS_GOOD, CHECKS, WRONG, Check, judged
from normlab.audit.torchs_own import torchs_own
from normlab.inspection.module_reading import read_norm
from normlab.inspection.norm_reading import Kind, NormReading, of_length_one

MACHINE = torch.finfo(torch.float32).eps
SAY_WHAT = "Say what it should be: --as layer_norm, or --as rms_norm."
ROUNDED = 6e-3
"""How far the three digits of an ε that was read may be from ε."""


def audit_norm(make: Any, claim: Claim | None = None, eps: float | None = None) -> Audit:
    """Examine an implementation of LayerNorm or RMSNorm, on a few seconds' worth of inputs.

    What it computes is read first (kind, ε and its place, gain), and is compared with that formula
    in float64: forward, backward, twice differentiated, in four dtypes, on rows that are hard, of
    sizes from 1 to 65,537. torch's own norm is measured on the same inputs.

    Args:
        make: a class or a function that takes the size D and returns a `torch.nn.Module`.
        claim: "layer_norm" or "rms_norm", if it should be that; else what was read.
        eps: the ε that it should have; else its own.

    Raises:
        NotAuditable: if `make` makes no module, or it is no norm and `claim` does not say which.

    Example:
        >>> audit_norm(nn.LayerNorm).conformant
        True
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is tried on purpose: one feature, no rows
        return _audit(checked(make), claim, eps)


def _audit(make: Make, claim: Claim | None, eps: float | None) -> Audit:
    module = make(SIZE)
    parameters = find_parameters(make)
    reading, refused = _read(make(SIZE))
    expected = _expected(module, reading, claim, eps, refused)
    own_eps = None if reading is None else _all_digits(module, reading.eps)
    read = None
    if reading is not None:
        has_gain, has_bias = parameters.gain is not None, parameters.bias is not None
        read = as_read(reading, own_eps, has_gain, has_bias)
    subject = Subject(make, read or expected, parameters, device_of(module))
    torchs = torchs_own(expected, parameters, subject.device)
    held = replace(subject, definition=expected)
    lines = [_of_formula(read, held, torchs, refused)]
    lines += [judged(c, subject, torchs) for c in CHECKS if c.applies(parameters)]
    return Audit(
        type(module).__name__,
        read.said() if read else expected.said() if lines[0].verdict == AS_GOOD else "",
        expected.said(),
        _affine(parameters),
        tuple(lines),
        diagnosed(held, read, lines),
        tuple(_notes(type(module).__name__, read)),
    )


def _read(module: nn.Module) -> tuple[NormReading | None, str]:
    """What a norm computes, or why that could not be read."""
    try:
        reading = read_norm(module, SIZE)
    except Exception as error:
        return None, str(error)
    if reading.kind not in USUAL_EPS or reading.size != SIZE or reading.groups != 1:
        return None, f"{reading.size} numbers share a mean square, and not the {SIZE} of a row"
    if of_length_one(reading.scale, reading.size):
        return None, "Its rows come out with length 1, and not √D: x/‖x‖ is no norm of the two."
    return reading, ""


def _expected(
    module: nn.Module,
    reading: NormReading | None,
    claim: Claim | None,
    eps: float | None,
    refused: str,
) -> Definition:
    """The norm that an implementation is held to."""
    name = type(module).__name__
    kind: Kind | None = KINDS[claim] if claim else _kind_of(reading) or _named(name)
    if kind is None:
        raise NotAuditable(f"{refused.rstrip('.')}. {SAY_WHAT}")
    if eps is not None:
        return Definition(kind, eps)
    if reading is not None and reading.eps > 0:
        return Definition(kind, _all_digits(module, reading.eps))
    return Definition(kind, _own_eps(module) or USUAL_EPS[kind])


def _kind_of(reading: NormReading | None) -> Kind | None:
    kind = reading.kind if reading else None
    return kind if kind == "LayerNorm" or kind == "RMSNorm" else None


def _named(name: str) -> Kind | None:
    if re.search("rms", name, re.IGNORECASE):
        return "RMSNorm"
    return "LayerNorm" if re.search("layer_?norm", name, re.IGNORECASE) else None


def _numbers(module: nn.Module) -> list[float]:
    """The floats that a module and its parts hold as attributes."""
    return [v for part in module.modules() for v in vars(part).values() if type(v) is float]


def _own_eps(module: nn.Module) -> float | None:
    """The attribute that may be an ε, if there is one."""
    names = {n: v for p in module.modules() for n, v in vars(p).items() if type(v) is float}
    return next((v for n, v in names.items() if "eps" in n.lower() and v > 0), None)


def _all_digits(module: nn.Module, read: float) -> float | None:
    """The ε of which three digits were read; None for torch's machine epsilon."""
    known = [v for v in _numbers(module) if math.isclose(v, read, rel_tol=ROUNDED)]
    if known:
        return known[0]
    if math.isclose(read, MACHINE, rel_tol=ROUNDED):
        has_none = any(getattr(part, "eps", 0) is None for part in module.modules())
        return None if has_none else MACHINE
    return read


def _of_formula(read: Definition | None, subject: Subject, torchs: Subject, refused: str) -> Line:
    """Whether it is the norm that it should be, with the error where it is another one.

    Args:
        read: the formula that was found, if any was.
        subject: the norm, held to the formula that it should compute.
        torchs: torch's own.
        refused: why no formula was found.
    """
    line = judged(FORMULA, subject, torchs)
    if line.verdict == AS_GOOD and read == subject.definition:
        return replace(line, where="", said="")
    if read == subject.definition:
        said = line.said or "the formula that was read is the right one, and its numbers are not"
        return replace(line, said=said)
    if read is None:  # by its numbers alone
        return line if line.verdict == AS_GOOD else replace(line, verdict=WRONG, said=refused)
    said = f"it is {read.said()}; expected {subject.definition.said()}"
    return replace(line, verdict=WRONG, said=said)


def _of_three_scales(subject: Subject) -> list[Measured]:
    """On rows beside which ε is nothing, something, and all."""
    return [forward(subject, f"rows × {k:g}", k * rows(16, 64)) for k in (1.0, 3e-3, 1e-5)]


FORMULA = Check("formula", "the formula", _of_three_scales, VALUES)


def _affine(parameters: Parameters) -> str:
    gain = "1 + weight" if parameters.plus_one else "weight"
    parts = [gain if parameters.gain else "", "bias" if parameters.bias else ""]
    return ", ".join(filter(None, parts)) or "no gain"


def _notes(name: str, read: Definition | None) -> list[str]:
    """A name that says another norm."""
    named = _named(name)
    if read is None or named is None or named == read.kind:
        return []
    return [f"It is called {name}, and is {'an' if read.kind == 'RMSNorm' else 'a'} {read.kind}."]
