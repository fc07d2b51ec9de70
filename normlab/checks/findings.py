"""What is said of a wrong answer: what explains its first wrong level, each with an example."""

from collections.abc import Sequence
from dataclasses import replace

from normlab.checks.compare import changed_arguments, differing, form_fault, other_dtype
from normlab.checks.diagnosis import Fault
from normlab.checks.examination import Examination
from normlab.checks.examples import changed_example, dtype_example, example
from normlab.checks.exercise import STATE, Answer, Mistake
from normlab.checks.laws import once, shown_by_laws
from normlab.checks.lookup import Explanation, Lookup, alone
from normlab.checks.signs import changes_arguments, loses_dtype

NOT_DETERMINISTIC = Fault(
    "not-deterministic",
    "two calls with the same input give different results",
    "Something is drawn at random or kept from an earlier call, or a part of the result is never "
    "written: np.empty holds whatever was in memory.",
)
UNKNOWN = Fault(
    "unknown",
    "the values differ, in a way that matches no known mistake",
)
DTYPE = Fault(
    "dtype-lost",
    "the dtype is lost",
    "A norm gives back the dtype that it is given; otherwise every layer after it pays.",
)
CHANGED = Fault(
    "input-mutated",
    "an argument is changed in place",
    "The caller still needs its array: the residual stream, for one. Make a new array.",
)
UNEXPLAINED = ("raises", "wrong-return", "wrong-shape", "unknown", "some-inputs")
"""Faults that say what is seen, and not where it comes from."""
OF_FORM = (None, changes_arguments, loses_dtype)
"""What is said of arguments and dtypes is said at the level that judges them."""


def findings(e: Examination, level: str) -> tuple[Fault, ...]:
    """The faults of an answer's first wrong level: in its values, then in its form."""
    drawn = e.not_repeated(level)
    if drawn:
        return (_shown(NOT_DETERMINISTIC, e, drawn, level),)
    of_values, dtypes = _of_values(e, level), _of_dtypes(e, level)
    unexplained = {*UNEXPLAINED, *(law.name for law in e.question.laws)}
    unknown = not of_values or of_values[0].name in unexplained
    changes = _of_changes(e, e.changing(level) or (changes_arguments(e) if unknown else []))
    own = {fault.name for fault in (*dtypes, *changes)}
    values = [fault for fault in of_values if fault.name not in own]
    known = [fault for fault in values if fault.name not in unexplained]
    others = [fault for fault in values if fault.name in unexplained]
    return (*known, *changes, *others, *dtypes)  # a changed argument may be why it fails


def _of_values(e: Examination, level: str) -> tuple[Fault, ...]:
    if not e.failing(level):
        return ()
    form = _of_form(e, level)
    found = Lookup(e, level).single()
    if found:  # of a shape that follows from what is named nothing more is said
        raised = tuple(fault for fault in form if fault.name != "wrong-shape")
        return _named(e, level, found) + raised
    seen = tuple(m for m in e.question.mistakes if m.seen not in OF_FORM and m.seen(e))
    rest = Lookup(e, level, _accounted(e, level, seen))
    found = rest.explanation()
    named = _named(e, level, found) if found else ()
    named += tuple(_observed(e, m, level) for m in seen if m.name not in [f.name for f in named])
    if named and (found or form or not rest.failing):
        return named + form
    return named + (form or _lawless(e, level) or (_unexplained(e, level),))


def _accounted(e: Examination, level: str, seen: Sequence[Mistake]) -> set[int]:
    """The failing probes that behaviours explain."""
    signs = {i for mistake in seen if mistake.seen for i in mistake.seen(e)}
    return signs | {i for i in e.failing(level) if signs and e.probes[i].rounding}


def _named(e: Examination, level: str, found: Explanation) -> tuple[Fault, ...]:
    """The mistakes of an explanation, each with the smallest input on which it alone shows."""
    but = ", ".join(e.probes[i].title for i in found.but)
    singles = {v.mistakes[0]: v.answer for v in reversed(alone(found.variant))}
    return tuple(
        replace(_known(e, mistake, level, singles[mistake]), likely=but)
        for mistake in e.question.mistakes
        if mistake in singles
    )


def _known(e: Examination, mistake: Mistake, level: str, variant: Answer) -> Fault:
    failing = e.failing(level)
    own = [i for i in failing if e.is_wrong(variant, i, level)]
    return _shown(Fault(mistake.name, mistake.title, mistake.why), e, own or failing, level)


def _observed(e: Examination, mistake: Mistake, level: str) -> Fault:
    """A behaviour, with the smallest input on which it was seen."""
    assert mistake.seen is not None
    return _shown(Fault(mistake.name, mistake.title, mistake.why), e, mistake.seen(e), level)


def _of_form(e: Examination, level: str) -> tuple[Fault, ...]:
    """An exception, a wrong kind or a wrong shape of what is returned."""
    formless = e.formless(level)
    if not formless:
        return ()
    first = formless[0]
    fault = form_fault(e.got[first], e.expected[first])
    assert fault is not None
    return (_shown(fault, e, [first], level),)


def _unexplained(e: Examination, level: str) -> Fault:
    """What is left to say: that values differ, which text is another, on which inputs it fails."""
    failing = e.failing(level)
    if level == next(iter(e.question.levels)):
        return _shown(UNKNOWN, e, failing, level)
    for i in failing:
        for name in differing(e.got[i], e.expected[i], e.probes[i], e.names(i, level)):
            got, wanted = ((o[i].outputs or {})[name] for o in (e.got, e.expected))
            if isinstance(wanted, str):
                title = f"{name}: {got}; expected {wanted}"
                return _shown(Fault(_slug(name), title), e, [i], level)
    where = ", ".join(e.probes[i].title for i in failing)
    return _shown(
        Fault("some-inputs", f"right on plain inputs, wrong on: {where}"), e, failing, level
    )


def _lawless(e: Examination, level: str) -> tuple[Fault, ...]:
    """The laws that are broken; what is wrong may else be a number here and there."""
    if level not in (next(iter(e.question.levels)), STATE):
        return ()
    return shown_by_laws(e.question, once(e.respond))


def _slug(text: str) -> str:
    """
    >>> _slug("norm's weight and bias")
    'norms-weight-and-bias'
    """
    return text.replace("'", "").replace(" ", "-")


def _of_dtypes(e: Examination, level: str) -> tuple[Fault, ...]:
    probes = e.of_other_dtype(level)
    if not probes:
        return ()
    i = probes[0]
    title = other_dtype(e.got[i], e.expected[i]) or DTYPE.title
    return (
        replace(DTYPE, title=title, example=dtype_example(e.probes[i], e.got[i], e.expected[i])),
    )


def _of_changes(e: Examination, probes: Sequence[int]) -> tuple[Fault, ...]:
    if not probes:
        return ()
    i = next((i for i in probes if e.expected[i].outputs), probes[0])
    names = changed_arguments(e.got[i], e.expected[i])
    title = f"{' and '.join(names)} changed in place"
    own = next((m.why for m in e.question.mistakes if m.name == CHANGED.name), CHANGED.why)
    shown = changed_example(e.probes[i], e.got[i], names)
    return (replace(CHANGED, title=title, why=own, example=shown),)


def _shown(fault: Fault, e: Examination, probes: Sequence[int], level: str) -> Fault:
    """The fault with an example: the smallest probe, if its difference is seen; no corner case
    where another probe will do."""

    def order(i: int) -> tuple[bool, bool]:
        return e.probes[i].corner, not e.fails_clearly(i, level)

    i = min(probes, key=order)
    shown = example(e.probes[i], e.got[i], e.expected[i], e.names(i, level))
    return replace(fault, example=shown)
