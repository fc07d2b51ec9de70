"""How often and by how much a learner was surprised: by chapter, by theme, and over time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from normlab.record import Answer, History
from normlab.study.quiz import Question
from normlab.tools.table import Table

BLOCKS = "▁▂▃▄▅▆▇█"
WINDOW = 8
"""Predictions over which the curve takes its mean."""
HEIGHT, STEP = 90, 9  # of the picture: a surprise of 1, and from one prediction to the next
AXIS = 44


@dataclass(frozen=True)
class Prediction:
    """A question and the first answer to it."""

    question: Question
    answer: Answer


@dataclass(frozen=True)
class Surprises:
    """Predictions in the order in which they were made."""

    made: Sequence[Prediction]

    def sentence(self) -> str:
        """How often, and by how much, in one sentence."""
        wrong = [p.answer.surprise for p in self.made if not p.answer.right]
        said = f"{len(self.made)} predictions, {len(wrong)} surprises"
        if not wrong:
            return f"{said}."
        return f"{said}; their mean size is {_mean(wrong):.1f} of 1."

    def tables(self) -> list[Table]:
        """Surprises by chapter, if there are several, and by theme; each row a strip over time."""
        by_chapter = self._table("chapter", lambda q: q.chapter)
        by_theme = self._table("theme", lambda q: q.theme)
        return [by_chapter, by_theme] if len(by_chapter.rows) > 1 else [by_theme]

    def _table(self, name: str, group: Callable[[Question], str]) -> Table:
        groups: dict[str, list[float]] = {}
        for prediction in self.made:
            groups.setdefault(group(prediction.question), []).append(prediction.answer.surprise)
        rows = [
            (key, len(sizes), sum(map(bool, sizes)), f"{_mean(sizes):.1f}", strip(sizes))
            for key, sizes in sorted(groups.items())
        ]
        return Table((name, "predictions", "surprises", "mean size", "one by one"), rows)

    def curve(self) -> list[float]:
        """The mean surprise of each prediction and the up to 7 before it."""
        sizes = [prediction.answer.surprise for prediction in self.made]
        parts = [sizes[max(0, i - WINDOW + 1) : i + 1] for i in range(len(sizes))]
        return [_mean(part) for part in parts]

    def picture(self) -> str:
        """A bar for each prediction, and over them the curve, as SVG; "" for fewer than two."""
        if len(self.made) < 2:
            return ""
        width = AXIS + STEP * len(self.made) + 90
        bars = "".join(
            f'<rect x="{AXIS + STEP * i}" y="{_y(p.answer.surprise)}" width="{STEP - 2}" '
            f'height="{HEIGHT + 10 - _y(p.answer.surprise)}" fill="#E69F00">'
            f"<title>{escape(p.question.id)}: {p.answer.surprise:.1f}</title></rect>"
            for i, p in enumerate(self.made)
        )
        points = " ".join(
            f"{AXIS + STEP * i + STEP / 2 - 1:g},{_y(mean)}" for i, mean in enumerate(self.curve())
        )
        end = f'x="{AXIS + STEP * len(self.made) + 4}" y="{_y(self.curve()[-1]) + 4:g}"'
        return (
            f'<svg role="img" aria-label="{escape(self.sentence())}" viewBox="0 0 {width} '
            f'{HEIGHT + 32}" width="{width}" style="max-width: 100%; font: 12px sans-serif" '
            f'fill="currentColor">{bars}'
            f'<polyline points="{points}" fill="none" stroke="#0072B2" stroke-width="2.5"/>'
            f'<text {end} fill="#0072B2">mean of {WINDOW}</text>'
            f'<text x="0" y="{_y(1) + 8}">1 far</text><text x="0" y="{_y(0)}">0 right</text>'
            f"{self._chapter_names()}</svg>"
        )

    def _chapter_names(self) -> str:
        """The number of a chapter below the first of its predictions in a row."""
        chapters = [prediction.question.chapter for prediction in self.made]
        return "".join(
            f'<text x="{AXIS + STEP * i}" y="{HEIGHT + 26}">{chapter}</text>'
            for i, chapter in enumerate(chapters)
            if i == 0 or chapters[i - 1] != chapter
        )


def surprises(history: History, questions: Iterable[Question]) -> Surprises:
    """The first answers to some questions, in the order in which they were given."""
    first = history.predictions
    made = [Prediction(q, first[q.id]) for q in questions if q.id in first]
    return Surprises(sorted(made, key=lambda prediction: prediction.answer.time))


def strip(sizes: Iterable[float]) -> str:
    """A block for each number from 0 to 1, as high as it is large.

    >>> strip([0, 0.5, 1])
    '▁▅█'
    """
    return "".join(BLOCKS[round(size * (len(BLOCKS) - 1))] for size in sizes)


def _mean(sizes: Sequence[float]) -> float:
    return sum(sizes) / len(sizes)


def _y(surprise: float) -> float:
    """Where a surprise stands in the picture; one of 0 still has a bar that is seen."""
    return round(10 + HEIGHT * (1 - max(surprise, 0.03)), 1)
