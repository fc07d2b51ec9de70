"""The stored results of chapter 10, and the command that makes them again.

    python -m normlab.framework_results normlab/results/frameworks.json

takes half a minute on one core, and needs `pip install 'normlab[frameworks]'`.
"""

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import normlab
from normlab.frameworks.compare import measured
from normlab.frameworks.framework import FRAMEWORKS
from normlab.tools.progress_bar import progress_bar
from normlab.tools.whole_files import written_whole


def write_reports(path: Path, names: Sequence[str] = tuple(FRAMEWORKS)) -> None:
    """Examine frameworks and write their reports, with when and by what they were made.

    Raises:
        CannotRun: if one of them is not installed or fails.
    """
    made = {
        "command": "python -m normlab.framework_results normlab/results/frameworks.json",
        "seed": 0,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "normlab": normlab.__version__,
        "python": platform.python_version(),
    }
    reports = {n: asdict(measured(FRAMEWORKS[n])) for n in progress_bar(names, "frameworks")}
    with written_whole(path) as unfinished:
        text = json.dumps({**made, "frameworks": reports}, ensure_ascii=False, indent=1)
        unfinished.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_reports(Path(sys.argv[1]))
