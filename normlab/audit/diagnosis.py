"""What is wrong with a norm in words: the exercises' mistakes first, then what failed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from normlab.audit.coarse import half_statistics
from normlab.audit.definition import Definition
from normlab.audit.mistake_space import backward_faults, forward_faults
from normlab.audit.report import CONFORMANT, Line
from normlab.audit.subject import Subject
from normlab.audit.suite import AS_GOOD, CHECKS, REFUSED, WORSE
from normlab.checks.diagnosis import Fault

BACKWARD = frozenset({"dx", "dgain", "dbias"})
PRECISION = frozenset({"float64", "float16", "bfloat16", "offset-100", "offset-1e4", "offset-1e6"})
"""The checks where an error that is only greater than torch's has a meaning."""
SAME_BITS = frozenset(check.name for check in CHECKS if check.same_bits)
FORWARD = frozenset({"formula", *(check.name for check in CHECKS)}) - BACKWARD - SAME_BITS
SEEN_IN: Mapping[str, frozenset[str]] = {
    "cancellation": frozenset({"offset-100", "offset-1e4", "offset-1e6", "dx"}),
    "half-statistics": frozenset({"float16", "bfloat16", "dx"}),
    "float64-narrowed": frozenset({"float64"}),
    "dtype-lost": frozenset({"float64", "float16", "bfloat16", "dx"}),
    "raises": frozenset(),  # the line says so
}
"""The checks of which one has to fail before the exercises' word for it is believed."""
VAGUE = frozenset({"unknown", "some-inputs"})


def diagnosed(
    subject: Subject, read: Definition | None, lines: Sequence[Line]
) -> tuple[Fault, ...]:
    """What is wrong, each thing once.

    Args:
        subject: the norm, held to the formula that it should compute.
        read: the formula that it was found to compute, if any was.
        lines: the outcome of every check.
    """
    failing = {line.check: line for line in lines if line.verdict != AS_GOOD}
    wrong = {name for name, line in failing.items() if line.verdict != REFUSED}
    if "determinism" in wrong:  # then nothing else can be told
        return (_meant(failing["determinism"]),)
    if read == subject.definition:  # the formula is right; why its numbers are not, others say
        wrong.discard("formula")
    of_values, of_gradients = _named(subject, read, wrong)
    found = [*of_values, *of_gradients]
    explained = {c for fault in of_values for c in SEEN_IN.get(fault.name, FORWARD)}
    if of_values or of_gradients:
        explained |= BACKWARD | {"second"}
    lasting = [*failing.values()]
    if any(fault.name == "input-mutated" for fault in found):  # torch refuses much for it
        lasting = [line for line in lasting if line.verdict != REFUSED]
    if wrong & {"formula", "float32"}:  # much else fails for that reason alone
        lasting = [line for line in lasting if not found and _stands_alone(line)]
    found += _meanings([line for line in lasting if _is_news(line, explained)])
    if "formula" in wrong and read is not None and not found:
        found = [_other(read, subject.definition)]
    by_name: dict[str, Fault] = {}
    for fault in found:
        by_name.setdefault(fault.name, fault)
    if by_name.keys() & {"half-statistics", "half-wrong"}:  # which alone makes such errors
        by_name.pop(ROUNDED_OFTEN.name, None)
    unnamed = any(line.verdict not in CONFORMANT for line in failing.values())
    return tuple(by_name.values()) or ((VALUES,) if unnamed else ())


def _other(read: Definition, expected: Definition) -> Fault:
    """A formula that is read, and is none of the known mistakes."""
    if replace(read, eps=expected.eps) != expected:
        return Fault("other-formula", f"it is {read.said()}")
    return Fault(
        "eps-wrong-value",
        f"ε has another value than the one that is expected: it is {read.said()}",
        "Weights carried over with another ε give other outputs.",
    )


HALVES, ROUNDED_TWICE = frozenset({"float16", "bfloat16"}), 4.0
ROUNDED_OFTEN = Fault(
    "rounded-often",
    "half-precision numbers are rounded more than once",
    "Compute in float32 to the end, gain included, and convert the result.",
)
NO_GRADIENT = Fault(
    "no-gradient",
    "no gradient comes back: the outputs do not depend on the input as torch sees it",
    "What leaves torch (NumPy, .detach(), .item()) takes no gradient along. A "
    "torch.autograd.Function with a backward pass of its own brings it back.",
)
VALUES = Fault("unknown", "the values differ, in a way that matches no known mistake")


def _named(
    subject: Subject, read: Definition | None, wrong: set[str]
) -> tuple[list[Fault], list[Fault]]:
    """The exercises' mistakes that do what the norm does, forward and backward, and were seen."""
    of_values: tuple[Fault, ...] = ()
    of_gradients: tuple[Fault, ...] = ()
    another = read is not None and read != subject.definition  # then its errors are not rounding
    coarse = half_statistics(subject) if "float32" in wrong and not another else None
    if coarse is not None:
        return [coarse], []
    if wrong & (FORWARD | {"input-unchanged"}) - {"second"}:
        of_values = forward_faults(subject)
    if wrong & BACKWARD and wrong.isdisjoint({"formula", "float32"}):
        of_gradients = backward_faults(subject)
    if not of_values and wrong & HALVES:  # then gradients are right, of outputs that are not
        of_gradients = tuple(f for f in of_gradients if f.name != "half-statistics")

    def seen(faults: Sequence[Fault]) -> list[Fault]:
        clear = [fault for fault in faults if fault.name not in VAGUE]
        return [f for f in clear if not wrong.isdisjoint(SEEN_IN.get(f.name, wrong))]

    return seen(of_values), seen(of_gradients)


def _stands_alone(line: Line) -> bool:
    """Whether a failure tells something also of a formula that is wrong."""
    return line.check in SAME_BITS or line.verdict == REFUSED


def _is_news(line: Line, explained: Collection[str]) -> bool:
    """Whether a failure is not yet explained by the mistakes that were found."""
    if line.verdict == REFUSED:
        return line.check not in explained or line.check in BACKWARD | {"second"}
    if line.check == "formula" or (line.verdict == WORSE and line.check not in PRECISION):
        return False
    return line.check in SAME_BITS or line.check not in explained


def _meanings(lines: Sequence[Line]) -> list[Fault]:
    """What failures mean; those that were refused with the same words are one."""
    by_words: dict[str, list[Line]] = {}
    for line in lines:
        by_words.setdefault(line.said if line.verdict == REFUSED else line.check, []).append(line)
    return [_refused(f) if f[0].verdict == REFUSED else _meant(f[0]) for f in by_words.values()]


def _refused(lines: Sequence[Line]) -> Fault:
    """Checks that were refused with the same words."""
    said = lines[0].said
    if "does not require grad" in said:
        return NO_GRADIENT
    return Fault(
        f"{lines[0].check}-refused", f"{', '.join(line.title for line in lines)}: refused, {said}"
    )


def _meant(line: Line) -> Fault:
    if line.check in HALVES and line.verdict == WORSE and line.ulps < ROUNDED_TWICE:
        return ROUNDED_OFTEN
    return next(check.meaning for check in CHECKS if check.name == line.check)
