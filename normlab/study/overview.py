"""How far a learner has come: one row per chapter, what surprised, and the next thing to do.

A chapter is read when all predictions of its core path are made, whatever cells were run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from html import escape
from types import MappingProxyType

from normlab.claims import Score, sentences
from normlab.claims.bets import signed
from normlab.record import Answer, History, Result, open_record
from normlab.study.quiz import Question
from normlab.study.reviews import due_on, they_come
from normlab.study.surprises import Surprises, surprises
from normlab.tools.table import Table

SEGMENTS = 5
NOTHING_DONE = Result(points=0.0, max_points=1.0)


@dataclass(frozen=True)
class ChapterWork:
    """What a chapter of the course asks of a learner.

    Args:
        number: as it stands in the notebook's name: "01".
        title: as a learner reads it.
        questions: its questions; those that are not `deep` belong to the core path.
        exercises: by the exercise's name, the points for each function.
    """

    number: str
    title: str
    questions: Sequence[Question] = ()
    exercises: Mapping[str, Mapping[str, float]] = field(
        default_factory=lambda: MappingProxyType({})
    )


@dataclass(frozen=True)
class ChapterProgress:
    """What a learner has done of one chapter.

    Args:
        read: when the last prediction of its core path was made, None if one is missing.
        missing: the questions of the core path that have no answer yet.
        predictions: the first answers to its questions.
        earned: the points so far, by exercise and function.
    """

    chapter: ChapterWork
    read: datetime | None
    missing: Sequence[Question]
    predictions: Sequence[Answer]
    earned: Mapping[str, Mapping[str, float]]

    def cells(self) -> tuple[str, str, str, str]:
        """The chapter as a row of the table."""
        asked, answered = len(self.chapter.questions), len(self.predictions)
        right = sum(answer.right for answer in self.predictions)
        points, most = _sum(self.earned), _sum(self.chapter.exercises)
        return (
            f"{self.chapter.number} {self.chapter.title}",
            f"✓ {self.read.astimezone():%Y-%m-%d}" if self.read else "–",
            f"{bar(answered, asked)} {answered} of {asked}, {right} right" if asked else "none",
            f"{bar(points, most)} {points:.4g} of {most:.4g} points" if most else "none",
        )

    def to_do(self) -> Iterator[str]:
        """What is left, each as one sentence: first to read it, then its exercises."""
        if self.missing:
            left = f": {len(self.missing)} of its predictions are open" if self.predictions else ""
            yield f"Read chapter {self.chapter.number}, {self.chapter.title}{left}."
        for exercise, functions in self.chapter.exercises.items():
            for function, most in functions.items():
                if (points := self.earned[exercise][function]) < most:
                    yield (
                        f"Write `{function}` in exercise {exercise}: "
                        f"{points:.4g} of {most:.4g} points so far."
                    )


@dataclass(frozen=True)
class Overview:
    """What a learner has done of some chapters, what surprised, and what comes back.

    Args:
        chapters: in their order.
        surprises: the first answers to their questions.
        due: how many questions come back today.
        marked: how many claims of the seed text have a mark.
        score: what the bets on them have won.
        notice: what the record says of itself.
    """

    chapters: Sequence[ChapterProgress]
    surprises: Surprises
    due: int = 0
    marked: int = 0
    score: Score = field(default_factory=lambda: Score({}))
    notice: str = ""

    def table(self) -> Table:
        columns = ("chapter", "read", "predictions", "exercises")
        return Table(columns, [chapter.cells() for chapter in self.chapters])

    def next_step(self) -> str:
        """What to do next, in one sentence."""
        if self.due:
            how = "`review()` here, `normlab review` in a terminal"
            return f"{they_come(self.due)} back today: {how}."
        for chapter in self.chapters:
            for sentence in chapter.to_do():
                return sentence
        return "All chapters are read, and all exercises are solved."

    def _parts(self) -> list[str | Table]:
        parts: list[str | Table] = [self.table(), f"Next: {self.next_step()}"]
        if self.marked:
            parts.append(f"Claims of the seed text: marked {self.marked} of {len(sentences())}.")
        if bets := len(self.score.bets):
            parts.append(f"Bets on them: {bets}, {signed(self.score.bits, 1)} bits over a guess.")
        if self.notice:
            parts.append(self.notice)
        if self.surprises.made:
            parts += [self.surprises.sentence(), *self.surprises.tables()]
        return parts

    def __str__(self) -> str:
        return "\n\n".join(map(str, self._parts()))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        parts = [
            part._repr_html_() if isinstance(part, Table) else f"<p>{escape(part)}</p>"
            for part in self._parts()
        ]
        return "\n".join(filter(None, (*parts, self.surprises.picture())))


def overview(history: History, course: Sequence[ChapterWork], today: date) -> Overview:
    """What the history says of some chapters.

    Args:
        history: what the learner did; what belongs to none of the chapters is left out.
        course: the chapters, in their order.
        today: the learner's date, for what comes back.

    >>> chapter = ChapterWork("01", "Layer norm", (), {"01_layer_norm": {"layer_norm": 4}})
    >>> print(overview(History(), [chapter], date(2026, 11, 24)))
    chapter        read    predictions    exercises
    -------------  ------  -------------  -------------------
    01 Layer norm  –       none           ▱▱▱▱▱ 0 of 4 points
    <BLANKLINE>
    Next: Write `layer_norm` in exercise 01_layer_norm: 0 of 4 points so far.
    """
    questions = [question for chapter in course for question in chapter.questions]
    chapters = [_progress(history, chapter) for chapter in course]
    due = due_on(today, history, questions)
    marked = len(sentences().keys() & history.marks.keys())
    score = Score({n: bets[0] for n, bets in history.bets.items() if n in sentences()})
    surprised = surprises(history, questions)
    return Overview(chapters, surprised, len(due), marked, score, history.notice)


def my_progress(course: Sequence[ChapterWork]) -> Overview:
    """The overview of the learner who runs this.

    >>> my_progress([]).next_step()
    'All chapters are read, and all exercises are solved.'
    """
    with open_record() as record:
        return overview(record.history(), course, date.today())


def bar(done: float, total: float) -> str:
    """A bar of five segments, full only if all is done and empty only if nothing is.

    >>> bar(1, 100), bar(1, 2), bar(99, 100), bar(100, 100)
    ('▰▱▱▱▱', '▰▰▱▱▱', '▰▰▰▰▱', '▰▰▰▰▰')
    """
    filled = max(int(SEGMENTS * done / total), int(done > 0))
    return "▰" * filled + "▱" * (SEGMENTS - filled)


def _progress(history: History, chapter: ChapterWork) -> ChapterProgress:
    predictions = history.predictions
    made = [predictions[q.id] for q in chapter.questions if q.id in predictions]
    core = [question for question in chapter.questions if not question.deep]
    missing = [question for question in core if question.id not in predictions]
    read = max((predictions[q.id].time for q in core), default=None) if not missing else None
    earned = {
        exercise: {
            function: most * history.results.get((exercise, function), NOTHING_DONE).share
            for function, most in functions.items()
        }
        for exercise, functions in chapter.exercises.items()
    }
    return ChapterProgress(chapter, read, missing, made, earned)


def _sum(exercises: Mapping[str, Mapping[str, float]]) -> float:
    return sum(points for functions in exercises.values() for points in functions.values())
