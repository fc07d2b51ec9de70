"""What was answered wrongly comes back: after 1, 3 and 10 days, until it was right each time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from ipywidgets import HTML, VBox

from normlab.record import Answer, History, open_record
from normlab.study.quiz import Question, Quiz, find_question, load_questions
from normlab.study.said import Said

DAYS = (1, 3, 10)
"""From one right answer to the next time that the question is asked; a wrong one begins anew."""


@dataclass(frozen=True)
class Return:
    """A question that comes back.

    Args:
        question: as it was asked first.
        times: how often it came back already.
        day: when it is due.
    """

    question: Question
    times: int
    day: date

    def asked(self) -> Question:
        """The question with the numbers that it has this time."""
        return find_question(self.question.id, variant=self.times + 1)


def returns(history: History, questions: Iterable[Question]) -> list[Return]:
    """The questions that come back, the earliest first.

    A question comes back if the first answer ever given was wrong. Of each later day on which it
    was asked again the first answer counts: a second one knows the solution.
    """
    found = [_return(q, history.answers[q.id]) for q in questions if q.id in history.answers]
    return sorted(filter(None, found), key=lambda each: each.day)


def _return(question: Question, answers: tuple[Answer, ...]) -> Return | None:
    prediction, *later = answers
    if prediction.right:
        return None
    again = [next(day) for _, day in groupby((a for a in later if a.again), _day)]
    stage = 0
    for answer in again:
        stage = stage + 1 if answer.right else 0
    if stage >= len(DAYS):
        return None
    last = again[-1] if again else prediction
    return Return(question, len(again), _day(last) + timedelta(days=DAYS[stage]))


def _day(answer: Answer) -> date:
    """The learner's date when an answer was given."""
    return answer.time.astimezone().date()


def due_on(today: date, history: History, questions: Iterable[Question]) -> list[Return]:
    """The questions that come back on a day."""
    return [each for each in returns(history, questions) if each.day <= today]


def review() -> Any:
    """Ask again what you answered wrongly, where a day, three or ten have passed since.

    A question that has numbers comes back with others. After three right answers, with 1, 3 and
    10 days before them, it stays away.

    >>> review()
    Nothing comes back: no prediction was wrong so far.
    """
    due, said = due_now()
    if not due:
        return Said(said)
    questions = [Quiz(question, again=True) for question in due]
    return VBox([HTML(f"<p>{said}</p>"), *questions])


def due_now() -> tuple[list[Question], str]:
    """What is due today, and what to say of it."""
    questions = load_questions().values()
    with open_record() as record:
        history = record.history()
    if due := due_on(date.today(), history, questions):
        return [each.asked() for each in due], f"{they_come(len(due))} back today."
    if coming := returns(history, questions):
        first = [each for each in coming if each.day == coming[0].day]
        return [], f"Nothing comes back today. {they_come(len(first))} back on {coming[0].day}."
    if any(not answer.right for answer in history.predictions.values()):
        return [], "Nothing comes back: what was wrong at first was right three times since."
    return [], "Nothing comes back: no prediction was wrong so far."


def they_come(count: int) -> str:
    """The beginning of a sentence on some questions.

    >>> they_come(1), they_come(2)
    ('1 question comes', '2 questions come')
    """
    return "1 question comes" if count == 1 else f"{count} questions come"
