"""Grading a class: `normlab grade SUBMISSIONS --out RESULTS`.

A submission's code runs in a confined process that knows no expected value (`confined`). What its
answers return is compared by a judge in a process of its own (`judge`), with the same exercises
and checks that learners use (`normlab.checks`).

In Python, `grade_command` does what the command does. Whose submissions it finds:

    >>> import tempfile
    >>> from pathlib import Path
    >>> from normlab.grading import Options, grade_command
    >>> from normlab.grading.collect import collect
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     handed_in = Path(folder, "class", "ada", "01_layer_norm.ipynb")
    ...     handed_in.parent.mkdir(parents=True)
    ...     _ = handed_in.write_text('{"cells": []}')
    ...     found = collect(Path(folder, "class"))
    ...     options = Options(submissions=Path(folder, "class"), out=Path(folder, "results"))
    >>> [(each.student, each.exercise) for each in found.submissions], options.workers
    ([('ada', '01_layer_norm')], None)

and `grade_command(options)` grades them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
