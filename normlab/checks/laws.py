"""What the laws of a question say of an answer, once its outputs have the form that they expect."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from normlab.checks.compare import form_fault
from normlab.checks.diagnosis import Fault
from normlab.checks.examination import expected_by_law
from normlab.checks.examples import example
from normlab.checks.exercise import Arguments, Law, Outputs, Probe, Question, Value
from normlab.checks.observe import Observation, Respond

MOST_LAWS = 2
"""More than two broken laws at once say nothing that the first two do not."""
TITLE = "an input for which it is known"


def once(respond: Respond) -> Respond:
    """Asks `respond` once about the same arguments: an answer may do something else each time."""
    seen: dict[int, Observation] = {}

    def first(arguments: Arguments) -> Observation:
        if id(arguments) not in seen:
            seen[id(arguments)] = respond(arguments)
        return seen[id(arguments)]

    return first


def broken_laws(question: Question, respond: Respond) -> tuple[Fault, ...]:
    """The laws that an answer breaks, each with what was found."""
    found = ((law, broken(question, law, respond)) for law in question.laws)
    kept = (Fault(law.name, law.title, text) for law, text in found if text)
    return tuple(islice(kept, MOST_LAWS))


def broken(question: Question, law: Law, respond: Respond) -> str | None:
    """What was found if the answer breaks the law; None where its outputs are of other forms."""
    seen = [respond(arguments) for arguments in law.inputs]
    if any(_form_faults(question, law, seen)):
        return None
    with np.errstate(all="ignore"):
        return law.judge(*_formed(question, law, seen))


def shown_by_laws(question: Question, respond: Respond) -> tuple[Fault, ...]:
    """The laws that are broken, the first with an example; else what has another form there."""
    first, *others = broken_laws(question, respond) or [None]
    if first is None:
        return _formless(question, respond)
    law = next(law for law in question.laws if law.name == first.name)
    return (_with_example(first, question, law, 0, respond), *others)


def _formless(question: Question, respond: Respond) -> tuple[Fault, ...]:
    for law in question.laws:
        seen = [respond(arguments) for arguments in law.inputs]
        for i, fault in enumerate(_form_faults(question, law, seen)):
            if fault:
                return (_with_example(fault, question, law, i, respond),)
    return ()


def _with_example(fault: Fault, question: Question, law: Law, i: int, respond: Respond) -> Fault:
    """The fault, shown by input i of a law."""
    given, wanted = law.inputs[i], expected_by_law(question, law)[i]
    names = [*(wanted.outputs or {})]
    return replace(fault, example=example(Probe(TITLE, given), respond(given), wanted, names))


def _form_faults(
    question: Question, law: Law, seen: Sequence[Observation]
) -> Iterator[Fault | None]:
    """For each input of a law: what is wrong with the form of the outputs."""
    wanted = [Observation(outputs={})] * len(seen)
    if question.reference is not None:
        wanted = expected_by_law(question, law)
    return map(form_fault, seen, wanted)


def _formed(question: Question, law: Law, seen: Sequence[Observation]) -> list[Outputs]:
    """The outputs that the reference has on each input, of its dtypes; all of them without one."""
    given = [observation.outputs or {} for observation in seen]
    if question.reference is None:
        return given
    wanted = [observation.outputs or {} for observation in expected_by_law(question, law)]
    return [
        {name: _like(value, out.get(name)) for name, value in model.items()}
        for out, model in zip(given, wanted, strict=True)
    ]


def _like(model: Value, value: Value) -> Value:
    return value.astype(model.dtype) if isinstance(model, np.ndarray) else value
