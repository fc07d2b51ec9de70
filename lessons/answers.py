"""Which cells answer a prediction: a learner's copy keeps their outputs out of sight."""

import re

from nbformat import NotebookNode

from normlab.study.copies import ANSWER

PREDICTION = re.compile(r"(?<!\d\. )\*\*Predict")
"""`1. **Predict.**` is an item of a list that explains the word."""


def mark_answers(notebook: NotebookNode) -> None:
    """Tag the code right behind each prediction, be it a text or a quiz, with "answer".

    Quizzes keep their answers to themselves, and explorers are there to be moved before anything
    is run: both stay as they are.
    """
    asked = shown = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            asked = bool(PREDICTION.search(cell.source)) or (asked and not shown)
            shown = False
        elif "quiz(" in cell.source:
            asked, shown = True, False
        else:
            shown = True
            if asked and "explore_" not in cell.source:
                cell.metadata["tags"] = [*cell.metadata.get("tags", []), ANSWER]
