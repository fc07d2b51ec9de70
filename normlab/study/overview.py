"""How far a learner has come: one row per chapter, and the next thing to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from types import MappingProxyType

from normlab.study.record import History, Result, open_record
from normlab.tools.table import Table

SEGMENTS = 5
NOTHING_DONE = Result(points=0.0, max_points=1.0)


@dataclass(frozen=True)
class ChapterWork:
    """What a chapter of the course asks of a learner.

    Args:
        number: as it stands in the notebook's name: "01".
        title: as a learner reads it.
        questions: the ids of its quiz questions.
        exercises: by the exercise's name, the points for each function.
    """

    number: str
    title: str
    questions: Sequence[str] = ()
    exercises: Mapping[str, Mapping[str, float]] = field(
        default_factory=lambda: MappingProxyType({})
    )


@dataclass(frozen=True)
class ChapterProgress:
    """What a learner has done of one chapter.

    Args:
        read: when it was first read, None if it was not.
        answered, right: questions with an answer, and those whose first answer was right.
        earned: the points so far, by exercise and function.
    """

    chapter: ChapterWork
    read: datetime | None
    answered: int
    right: int
    earned: Mapping[str, Mapping[str, float]]

    def cells(self) -> tuple[str, str, str, str]:
        """The chapter as a row of the table."""
        asked = len(self.chapter.questions)
        points, most = _sum(self.earned), _sum(self.chapter.exercises)
        return (
            f"{self.chapter.number} {self.chapter.title}",
            f"✓ {self.read.astimezone():%Y-%m-%d}" if self.read else "–",
            f"{bar(self.answered, asked)} {self.answered} of {asked}, {self.right} right"
            if asked
            else "none",
            f"{bar(points, most)} {points:.4g} of {most:.4g} points" if most else "none",
        )

    def to_do(self) -> Iterator[str]:
        """What is left, each as one sentence: first to read it, then its exercises."""
        if not self.read:
            yield f"Read chapter {self.chapter.number}, {self.chapter.title}."
        for exercise, functions in self.chapter.exercises.items():
            for function, most in functions.items():
                if (points := self.earned[exercise][function]) < most:
                    yield (
                        f"Write `{function}` in exercise {exercise}: "
                        f"{points:.4g} of {most:.4g} points so far."
                    )


@dataclass(frozen=True)
class Overview:
    """What a learner has done of the course, and what the record says of itself."""

    chapters: Sequence[ChapterProgress]
    notice: str = ""

    def table(self) -> Table:
        columns = ("chapter", "read", "predictions", "exercises")
        return Table(columns, [chapter.cells() for chapter in self.chapters])

    def next_step(self) -> str:
        """What to do next, in one sentence."""
        for chapter in self.chapters:
            for sentence in chapter.to_do():
                return sentence
        return "All chapters are read, and all exercises are solved."

    def __str__(self) -> str:
        parts = (str(self.table()), f"Next: {self.next_step()}", self.notice)
        return "\n\n".join(filter(None, parts))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        sentences = filter(None, (f"Next: {self.next_step()}", self.notice))
        paragraphs = [f"<p>{escape(sentence)}</p>" for sentence in sentences]
        return "\n".join((self.table()._repr_html_(), *paragraphs))


def overview(history: History, course: Sequence[ChapterWork]) -> Overview:
    """What the history says of each chapter.

    Args:
        history: what the learner did; what belongs to no chapter of the course is left out.
        course: the chapters, in their order.

    >>> chapter = ChapterWork("01", "Layer norm", ["one-hot"], {"01_layer_norm": {"layer_norm": 4}})
    >>> print(overview(History(), [chapter]))
    chapter        read    predictions            exercises
    -------------  ------  ---------------------  -------------------
    01 Layer norm  –       ▱▱▱▱▱ 0 of 1, 0 right  ▱▱▱▱▱ 0 of 4 points
    <BLANKLINE>
    Next: Read chapter 01, Layer norm.
    """
    return Overview([_progress(history, chapter) for chapter in course], history.notice)


def my_progress(course: Sequence[ChapterWork]) -> Overview:
    """The overview of the learner who runs this.

    >>> my_progress([]).next_step()
    'All chapters are read, and all exercises are solved.'
    """
    with open_record() as record:
        return overview(record.history(), course)


def bar(done: float, total: float) -> str:
    """A bar of five segments, full only if all is done and empty only if nothing is.

    >>> bar(1, 100), bar(1, 2), bar(99, 100), bar(100, 100)
    ('▰▱▱▱▱', '▰▰▱▱▱', '▰▰▰▰▱', '▰▰▰▰▰')
    """
    filled = max(int(SEGMENTS * done / total), int(done > 0))
    return "▰" * filled + "▱" * (SEGMENTS - filled)


def _progress(history: History, chapter: ChapterWork) -> ChapterProgress:
    predictions = history.predictions
    first = [predictions[question] for question in chapter.questions if question in predictions]
    earned = {
        exercise: {
            function: most * history.results.get((exercise, function), NOTHING_DONE).share
            for function, most in functions.items()
        }
        for exercise, functions in chapter.exercises.items()
    }
    read = history.read.get(chapter.number)
    return ChapterProgress(chapter, read, len(first), sum(a.right for a in first), earned)


def _sum(exercises: Mapping[str, Mapping[str, float]]) -> float:
    return sum(points for functions in exercises.values() for points in functions.values())
