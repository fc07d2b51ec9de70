"""The stored results of chapter 10.

`normlab remake frameworks` makes them again, in half a minute on one core. It needs
`pip install 'normlab[frameworks]'`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from normlab.chapters.frameworks.compare import measured
from normlab.chapters.frameworks.framework import FRAMEWORKS
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import made_by
from normlab.tools.whole_files import written_whole

COMMAND = "normlab remake frameworks"


def write_reports(path: Path, names: Sequence[str] = tuple(FRAMEWORKS)) -> None:
    """Examine frameworks and write their reports, with when and by what they were made.

    Raises:
        CannotRun: if one of them is not installed or fails.
    """
    made = {**made_by(COMMAND), "seed": 0}
    reports = {n: asdict(measured(FRAMEWORKS[n])) for n in progress_bar(names, "frameworks")}
    with written_whole(path) as unfinished:
        text = json.dumps({**made, "frameworks": reports}, ensure_ascii=False, indent=1)
        unfinished.write_text(text + "\n", encoding="utf-8")
