"""Put a question to an answer: does it pass, and if not, which mistake does it make?"""

from functools import partial
from itertools import islice

from normlab.checks.compare import form_fault
from normlab.checks.diagnosis import Diagnosis, Example, Fault
from normlab.checks.examination import Examination, expected
from normlab.checks.examples import example
from normlab.checks.exercise import Answer, Arguments, Exercise, Law, Question
from normlab.checks.lookup import known_mistakes
from normlab.checks.observe import Observation, Respond, attempted, observe, torch_undisturbed

NOT_DETERMINISTIC = Fault(
    "not-deterministic",
    "two calls with the same input give different results",
    "A norm remembers nothing and draws nothing at random.",
)
UNKNOWN = Fault(
    "unknown",
    "the values differ, in a way that matches no known mistake",
)


def examine(exercise: Exercise, question: Question, answer: Answer, seed: int = 0) -> Diagnosis:
    """The diagnosis of one answer.

    First the form: an exception, the kind and shape of what is returned, the dtype, arguments
    changed in place, and whether a second call gives the same. Then the values: on every probe
    they must agree with the reference. A wrong answer is compared with every known mistake,
    then with every two of them; one that matches none is told which law it breaks.

    Args:
        exercise: what `question` belongs to.
        question: what the answer was asked for.
        answer: the learner's function or class.
        seed: of the random numbers in the probes.
    """
    with torch_undisturbed():
        return judge(exercise, question, partial(observe, question.driver, answer), seed)


def judge(exercise: Exercise, question: Question, respond: Respond, seed: int) -> Diagnosis:
    """The diagnosis of an answer of which no more is known than how it responds.

    `respond` is asked for some of `calls(question, seed)`, in that order. What it did last on the
    same arguments may be asked for again.
    """
    if question.reference is None:
        passed, seen, faults, shown = _by_laws(question, respond)
    else:
        passed, seen, faults, shown = _by_probes(question, respond, seed)
    return Diagnosis(exercise.name, question.function, passed, seen, question.points, faults, shown)


def not_defined(exercise: Exercise, question: Question, error: str) -> Diagnosis:
    """The diagnosis where there is no answer: not attempted, unless an error prevented it."""
    faults = (Fault("raises", f"it is not defined: {error}"),) if error else ()
    return Diagnosis(exercise.name, question.function, False, bool(error), question.points, faults)


def calls(question: Question, seed: int) -> list[Arguments]:
    """The arguments on which an answer has to respond: the probes, again, and those of the laws."""
    probes = expected(question, seed)[0] if question.reference else ()
    again = [probe.arguments for probe in probes] * 2
    of_laws = {id(given): given for law in question.laws for given in law.inputs}
    return [*again, *of_laws.values()]


def right_at_once(question: Question, respond: Respond, seed: int) -> bool:
    """Whether an answer is right on every probe, called once."""
    e = Examination(question, respond, seed)
    return not e.failing and e.first_fault() is None


BEFORE_VALUES = ("raises", "wrong-return", "wrong-shape")
"""Faults that leave no values to compare; a known mistake explains them better than they do."""
MOST_LAWS = 2
"""More than two broken laws at once say nothing that the first two do not."""

Verdict = tuple[bool, bool, tuple[Fault, ...], Example | None]


def _by_probes(question: Question, respond: Respond, seed: int) -> Verdict:
    e = Examination(question, respond, seed)
    if not any(map(attempted, e.got)):
        return False, False, (), None
    fault = e.first_fault()
    steady = e.repeats()
    if not fault and not e.failing and steady:
        return True, True, (), None
    faults = _faults(e, fault) if steady else (NOT_DETERMINISTIC,)
    if fault and faults[0] is fault[1]:
        shown = fault[0]
    else:
        order = {i: (e.probes[i].special, not e.fails_clearly(i)) for i in e.failing or e.by_size}
        shown = min(order, key=lambda i: order[i])
    return False, True, faults, example(e.probes[shown], e.got[shown], e.expected[shown])


def _faults(e: Examination, fault: tuple[int, Fault] | None) -> tuple[Fault, ...]:
    """The fault in the form, and what explains the values."""
    form = (fault[1],) if fault else ()
    if not e.failing:
        return form
    known = known_mistakes(e)
    if known:
        named = tuple(Fault(m.name, m.title, m.why) for m in dict.fromkeys(known))
        return named + form if form and form[0].name in BEFORE_VALUES else form + named
    if form and form[0].name in BEFORE_VALUES:
        return form
    return form + (broken_laws(e.question, e.respond) or (UNKNOWN,))


def broken_laws(question: Question, respond: Respond) -> tuple[Fault, ...]:
    """The laws that an answer breaks, each with what was found."""
    found = ((law, broken(law, respond)) for law in question.laws)
    kept = (Fault(law.name, law.title, text) for law, text in found if text)
    return tuple(islice(kept, MOST_LAWS))


def broken(law: Law, respond: Respond) -> str | None:
    """What was found if the answer breaks the law; None also where it raises."""
    seen = [respond(arguments) for arguments in law.inputs]
    if any(o.raised for o in seen):
        return None
    return law.judge(*(o.outputs for o in seen))


def _by_laws(question: Question, respond: Respond) -> Verdict:
    """For a question without a reference: nothing is raised, and no law is broken."""
    for arguments in (given for law in question.laws for given in law.inputs):
        got = respond(arguments)
        if not attempted(got):
            return False, False, (), None
        fault = form_fault(got, Observation(outputs={}))
        if fault:
            return False, True, (fault,), None
    faults = broken_laws(question, respond)
    return not faults, True, faults, None
