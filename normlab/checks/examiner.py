"""Put a question to an answer: which levels does it have, and which mistake does it make?"""

from dataclasses import replace
from functools import partial

from normlab.checks.compare import form_fault
from normlab.checks.diagnosis import Diagnosis, Fault, reached
from normlab.checks.examination import Examination, expected
from normlab.checks.exercise import Answer, Arguments, Exercise, Question
from normlab.checks.findings import findings
from normlab.checks.laws import broken_laws, once
from normlab.checks.observe import Observation, Respond, attempted, observe, undisturbed


def examine(exercise: Exercise, question: Question, answer: Answer, seed: int = 0) -> Diagnosis:
    """The diagnosis of one answer.

    Its levels are judged in order: the formula, any input, precision, gradients and state. The
    first that is not right is explained: by the known mistakes that do what the answer does, by a
    behaviour that was seen, or by a law that it breaks.

    Args:
        exercise: what `question` belongs to.
        question: what the answer was asked for.
        answer: the learner's function or class.
        seed: of the random numbers in the probes.
    """
    with undisturbed():
        return judge(exercise, question, partial(observe, question.driver, answer), seed)


def judge(exercise: Exercise, question: Question, respond: Respond, seed: int) -> Diagnosis:
    """The diagnosis of an answer of which no more is known than how it responds.

    `respond` is asked for some of `calls(question, seed)`, in that order. What it did last on the
    same arguments may be asked for again.
    """
    if question.reference is None:
        return _by_laws(exercise, question, respond)
    e = Examination(question, respond, seed)
    if not any(map(attempted, e.got)):
        return _stub(exercise, question, e.got[0])
    wrong = e.first_wrong
    faults = findings(e, wrong) if wrong else ()
    return Diagnosis(
        exercise.name, question.function, True, reached(question.levels, wrong), faults
    )


def not_defined(exercise: Exercise, question: Question, error: str) -> Diagnosis:
    """The diagnosis where there is no answer: not attempted, unless an error prevented it."""
    faults = (Fault("raises", f"it is not defined: {error}"),) if error else ()
    return wrong_from_start(exercise, question, bool(error), *faults)


def _stub(exercise: Exercise, question: Question, got: Observation) -> Diagnosis:
    """The diagnosis of an answer that still raises NotImplementedError; it says where."""
    line = got.raised.line if got.raised else None
    note = f"{line} is still there" if line else ""
    return replace(not_defined(exercise, question, ""), note=note)


def wrong_from_start(
    exercise: Exercise, question: Question, attempted: bool, *faults: Fault
) -> Diagnosis:
    """The diagnosis of an answer that has no level."""
    levels = reached(question.levels, next(iter(question.levels)))
    return Diagnosis(exercise.name, question.function, attempted, levels, faults)


def right(exercise: Exercise, question: Question) -> Diagnosis:
    """The diagnosis of a right answer."""
    return Diagnosis(exercise.name, question.function, True, reached(question.levels, None))


def calls(question: Question, seed: int) -> list[Arguments]:
    """The arguments on which an answer has to respond: the probes, again, and those of the laws."""
    probes = expected(question, seed)[0] if question.reference else ()
    again = [probe.arguments for probe in probes] * 2
    of_laws = {id(given): given for law in question.laws for given in law.inputs}
    return [*again, *of_laws.values()]


def right_at_once(question: Question, respond: Respond, seed: int) -> bool:
    """Whether an answer is right on every probe, called once."""
    return Examination(question, respond, seed).first_wrong_when_called_once is None


def _by_laws(exercise: Exercise, question: Question, respond: Respond) -> Diagnosis:
    """For a question without a reference: nothing is raised, and no law is broken."""
    respond = once(respond)
    for arguments in (given for law in question.laws for given in law.inputs):
        got = respond(arguments)
        if not attempted(got):
            return _stub(exercise, question, got)
        fault = form_fault(got, Observation(outputs={}))
        if fault:
            return wrong_from_start(exercise, question, True, fault)
    faults = broken_laws(question, respond)
    if not faults:
        return right(exercise, question)
    return wrong_from_start(exercise, question, True, *faults)
