"""What answers a prediction is out of sight until the learner has given an answer.

Code behind a question is tagged "answer" and "hide-output": a learner's copy keeps no output of it,
a site folds it. Text that the author has tagged "answer" is folded, and opens with the question.
"""

import re

from nbformat import NotebookNode

from normlab.study.copies import ANSWER

HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
SECTION = re.compile(r"^#{1,2} ", re.MULTILINE)
FOLDED_TITLE = "What it shows"
"""The browser side of a question knows it too, and opens what has this title."""
FOLDED = f"<details>\n<summary>{FOLDED_TITLE}</summary>\n\n{{}}\n\n</details>"
ALWAYS_SHOWN = ("explore_", "grab_token", "your_mark(", "your_bet(")
COLLAPSED = "jp-MarkdownHeadingCollapsed"


def hide_answers(notebook: NotebookNode) -> None:
    """Tag the code behind each question, fold the text that answers it, and close sections with ★.

    All code up to the next section is behind a question: what follows an answer often shows it
    again. Questions keep their answers to themselves. Explorers are there to be moved before
    anything is run, and keep their picture unless the author tags them "answer"; what the seed says
    is no answer.

    Raises:
        ValueError: if a text to fold has a heading, which would split the fold.
    """
    asked = False
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            asked = asked and not SECTION.search(cell.source)
            if ANSWER in tags:
                cell.source = _folded(cell.source)
            if "★" in cell.source.split("\n")[0]:
                cell.metadata[COLLAPSED] = True
        elif "quiz(" in cell.source:
            asked = True
        elif ANSWER in tags or (asked and not any(part in cell.source for part in ALWAYS_SHOWN)):
            rest = [tag for tag in tags if tag != ANSWER]
            cell.metadata["tags"] = [*rest, ANSWER, "hide-output"]


def _folded(text: str) -> str:
    if HEADING.search(text):
        raise ValueError(
            f"a text tagged {ANSWER!r} has a heading; give the heading a cell of its own:\n{text}"
        )
    return FOLDED.format(text)
