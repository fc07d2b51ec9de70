"""What was seen of a behaviour: the probes on which an answer showed it, none if it did not."""

from dataclasses import replace

from normlab.checks.compare import agrees
from normlab.checks.examination import Examination
from normlab.checks.exercise import Seen
from normlab.checks.observe import Observation

FLOAT32_DIGITS = 1e-4
"""Of what is computed in float32 and compared with float64: some hundred float32 steps."""


def fails(*signs: str, but_not: tuple[str, ...] = (), output: str = "") -> Seen:
    """Values are wrong on a probe that shows one of the signs, and on none that shows another.

    Args:
        signs: of `Probe.shows`.
        but_not: signs of another behaviour that would explain the same.
        output: the one that is wrong; "" for any.
    """

    def seen(e: Examination) -> list[int]:
        if any(e.showing(sign) for sign in but_not):
            return []
        shown = [i for sign in signs for i in e.showing(sign) if e.got[i].outputs]
        return [i for i in shown if not output or output in e.differing(i, [output])]

    return seen


def accepts(*signs: str) -> Seen:
    """The error that is asked for is not raised, or is another one, where one is due."""

    def seen(e: Examination) -> list[int]:
        return [i for sign in signs for i in e.showing(sign) if e.expected[i].raised]

    return seen


def raises(*words: str) -> Seen:
    """An error whose message holds one of the words is raised where none is due."""

    def seen(e: Examination) -> list[int]:
        raised = {i: e.got[i].raised for i in e.failing(e.first_wrong or "")}
        said = {i: r.message for i, r in raised.items() if r and not e.expected[i].raised}
        return [i for i, message in said.items() if any(word in message for word in words)]

    return seen


def tells(output: str, *words: str) -> Seen:
    """An output that is a text is another than it should, and holds one of the words."""

    def seen(e: Examination) -> list[int]:
        level = e.first_wrong or ""
        judged = [i for i in e.failing(level) if output in e.names(i, level)]
        texts = {i: _other_text(e, i, output) for i in judged}
        return [i for i, text in texts.items() if text and any(word in text for word in words)]

    return seen


def _other_text(e: Examination, i: int, output: str) -> str:
    got = text_of(e.got[i], output)
    return "" if got == text_of(e.expected[i], output) else got


def text_of(seen: Observation, output: str) -> str:
    """An output that should be a text; what it says in words if it is something else."""
    return str((seen.outputs or {}).get(output, ""))


def loses_digits(sign: str) -> Seen:
    """Values are right to about float32's digits, and not to float64's."""

    def seen(e: Examination) -> list[int]:
        level = e.first_wrong or ""
        return [i for i in e.showing(sign) if _nearly(e, i, level)]

    return seen


def _nearly(e: Examination, i: int, level: str) -> bool:
    wide = replace(e.probes[i], tolerance=FLOAT32_DIGITS)
    return agrees(e.got[i], e.expected[i], wide, e.names(i, level))


def gives_text(output: str, *texts: str) -> Seen:
    """A text that is put out is one of these, and should not be, whatever level judges it."""

    def seen(e: Examination) -> list[int]:
        wrong = [i for i in e.up_to(e.first_wrong or "") if e.differing(i, [output])]
        return [i for i in wrong if text_of(e.got[i], output) in texts]

    return seen


def differs(*names: str) -> Seen:
    """One of the named outputs is another than it should be."""

    def seen(e: Examination) -> list[int]:
        level = e.first_wrong or ""
        judged = {i: {*names} & {*e.names(i, level)} for i in e.up_to(level)}
        return [i for i, own in judged.items() if e.differing(i, own)]

    return seen


def changes_arguments(e: Examination) -> list[int]:
    """An argument is changed in place."""
    return [i for i in e.up_to(e.first_wrong or "") if e.changes(i)]


def loses_dtype(e: Examination) -> list[int]:
    """An output has another dtype than it should."""
    return [i for i in e.up_to(e.first_wrong or "") if e.dtype_differs(i)]
