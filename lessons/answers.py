"""Which cells answer a prediction: a learner's copy keeps their outputs out of sight."""

import re

from nbformat import NotebookNode

from normlab.study.copies import ANSWER

PREDICTION = re.compile(r"(?<!\d\. )\*\*Predict")
"""`1. **Predict.**` is an item of a list that explains the word."""

HEADING = re.compile(r"^#{1,2} ", re.MULTILINE)


def mark_answers(notebook: NotebookNode) -> None:
    """Tag the code behind each prediction, be it a text or a quiz, with "answer".

    All code up to the next heading is behind it: what follows an answer often shows it again.
    Quizzes keep their answers to themselves, and explorers are there to be moved before anything
    is run: both stay as they are.
    """
    asked = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            before_heading = asked and not HEADING.search(cell.source)
            asked = before_heading or bool(PREDICTION.search(cell.source))
        elif "quiz(" in cell.source:
            asked = True
        elif asked and "explore_" not in cell.source:
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), ANSWER]
