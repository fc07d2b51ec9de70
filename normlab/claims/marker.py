"""Claims to be marked or bet on, in the notebook: the seed text, or some of its sentences.

The words go to the browser, and no verdict does. Where a kernel runs, each mark and each bet is
sent to Python as soon as it is made, and kept in the learner's record.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import traitlets

from normlab.claims.marks import Marks, keep_bet, keep_mark, my_marks
from normlab.claims.seed import Line, Part, claim_lines, seed_lines
from normlab.pictures.stored_widget import StoredWidget
from normlab.record import LEVELS, MARKS, Bet

HERE = Path(__file__).parent


def mark_seed_text() -> "Marker":
    """The seed text, with its claims to be marked.

    >>> print(mark_seed_text())  # doctest: +ELLIPSIS
    Layer Norm, RMSNorm, and the Pre-Norm / Post-Norm Debate
    - Trace the LayerNorm forward pass — identifying [1: what dimension is normalized, ...
    """
    return Marker("The seed text", seed_lines())


def your_mark(*claims: int) -> "Marker":
    """Some sentences of the seed text, with what you said of each, and room to say it now.

    Args:
        claims: their numbers.

    Raises:
        ValueError: if there is no claim of a number, or none is asked for.

    >>> print(your_mark(9))
    [9: Works inside RNNs: applied at each timestep independently]
    """
    return Marker("What the seed says", _lines_of(claims, "your_mark"))


def your_bet(*claims: int) -> "Marker":
    """Some sentences of the seed text: what you say of each, and how sure you are of it.

    The first bet on a claim counts, and is scored as `normlab.claims.bits` says.

    Args:
        claims: their numbers.

    Raises:
        ValueError: if there is no claim of a number, or none is asked for.

    >>> your_bet(9).levels
    [25, 50, 75, 90, 99]
    """
    return Marker("Your bets on what the seed says", _lines_of(claims, "your_bet"), LEVELS)


class Marker(StoredWidget, scripts=(HERE / "marker.js",), styles=(HERE / "marker.css",)):
    """Lines with claims, each of which can be marked with one of five words, and be bet on.

    Args:
        label: what stands above the lines.
        lines: the text.
        levels: how sure one can be of a verdict, in percent; with none there are no bets.
    """

    label = traitlets.Unicode().tag(sync=True)
    words: Any = traitlets.List().tag(sync=True)
    levels: Any = traitlets.List().tag(sync=True)
    lines: Any = traitlets.List().tag(sync=True)
    # what is in the record: by number the first word, the last, and the days of both
    marks: Any = traitlets.Dict().tag(sync=True)
    # by number [word, percent, day] of the first bet and of the last
    bets: Any = traitlets.Dict().tag(sync=True)
    # all that was said in the browser, a mark as [number, word] and a bet as [number, word,
    # percent], and how much of it Python has heard: what was heard is in the record, or the notice
    # says why not
    said: Any = traitlets.List().tag(sync=True)
    heard = traitlets.Int(0).tag(sync=True)
    notice = traitlets.Unicode().tag(sync=True)

    def __init__(self, label: str, lines: Sequence[Line], levels: Sequence[int] = ()) -> None:
        self._lines = lines
        marks = my_marks()
        self._told = marks.notice  # stays in sight; the record says it once
        super().__init__(
            label=label,
            words=list(MARKS),
            levels=list(levels),
            lines=[_line_state(line) for line in lines],
            marks=_marks_state(marks),
            bets=_bets_state(marks),
            notice=marks.notice,
        )

    @traitlets.observe("said")
    def _on_mark(self, change: traitlets.Bunch) -> None:
        """Keep what is new; the browser sends all that was said, so that nothing is left out.

        A mark that cannot be kept costs no other one. The browser is told all in one message.
        """
        refused: list[Exception] = []
        why: list[str] = []
        with self.hold_sync():
            for said in change.new[self.heard :]:
                what, keep = ("mark", keep_mark) if len(said) == 2 else ("bet", keep_bet)
                try:
                    self._tell(keep(*said))
                except Exception as error:
                    refused.append(error)
                    why.append(f"Your {what} could not be kept. {type(error).__name__}: {error}")
            marks = my_marks()
            self._tell(marks.notice)
            self.notice = " ".join(filter(None, [self._told, *why]))
            self.marks, self.bets = _marks_state(marks), _bets_state(marks)
            self.heard = len(change.new)
        if refused:
            raise refused[0]

    def _tell(self, notice: str) -> None:
        self._told = " ".join(filter(None, [self._told, notice]))

    def __repr__(self) -> str:
        return "\n".join("".join(map(_written, line.parts)) for line in self._lines)

    def stand_in(self) -> dict[str, str | bytes]:
        """The text with numbered claims."""
        html = "".join(f"<p>{''.join(map(_as_html, line.parts))}</p>" for line in self._lines)
        return {"text/html": html}


def _lines_of(claims: Sequence[int], caller: str) -> list[Line]:
    if not claims:
        raise ValueError(f"no claim is named; expected at least one number, as in {caller}(7).")
    return claim_lines(claims)


def _line_state(line: Line) -> dict[str, Any]:
    return {"kind": line.kind, "parts": [[part.text, part.claim] for part in line.parts]}


def _marks_state(marks: Marks) -> dict[str, list[str]]:
    return {
        str(number): [
            marked.first.word,
            marked.last.word,
            f"{marked.first.time.astimezone():%Y-%m-%d}",
            f"{marked.last.time.astimezone():%Y-%m-%d}",
        ]
        for number, marked in marks.claims.items()
    }


def _bets_state(marks: Marks) -> dict[str, list[list[str | int]]]:
    return {str(n): [_bet_state(b.first), _bet_state(b.last)] for n, b in marks.bets.items()}


def _bet_state(bet: Bet) -> list[str | int]:
    return [bet.word, bet.percent, f"{bet.time.astimezone():%Y-%m-%d}"]


def _written(part: Part) -> str:
    return part.text if part.claim is None else f"[{part.claim}: {part.text}]"


def _as_html(part: Part) -> str:
    text = escape(part.text)
    return text if part.claim is None else f"<mark><b>{part.claim}</b> {text}</mark>"
