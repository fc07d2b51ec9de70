"""The ledger that comes with the package, so that it can be read without running it.

`normlab remake claims` makes it again.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from normlab.claims.catalogue import find_claim
from normlab.claims.claim import Finding, Measure
from normlab.claims.run import Ledger, Result, run_claims
from normlab.claims.seed import LEDGER
from normlab.tools.whole_files import written_whole

STORED = LEDGER


def load_ledger() -> Ledger:
    """The results that come with the package.

    >>> ledger = load_ledger()
    >>> len(ledger.results), ledger.passed
    (46, True)
    """
    return read_ledger(STORED)


def write_ledger(path: Path, numbers: Sequence[int] | None = None) -> None:
    """Run the claims of these numbers, or all, and store what came out.

    Raises:
        ValueError: if one of them did not run or fails.
    """
    ledger = run_claims(numbers)
    if wrong := [r for r in ledger.results if r.finding.status in ("fails", "not run")]:
        raise ValueError("\n\n".join(map(str, wrong)))
    with written_whole(path) as unfinished:
        unfinished.write_text(ledger.as_json("normlab remake claims") + "\n", encoding="utf-8")


def read_ledger(path: Path) -> Ledger:
    """The results in a file that `normlab claims --json` wrote.

    Raises:
        ValueError: if it is not such a file, or holds a claim that there is not.
        OSError: if there is no such file.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["claims"]
        return Ledger(tuple(_result(row) for row in rows))
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is no ledger ({type(error).__name__}: {error}); expected a file that "
            "`normlab claims --json` wrote."
        ) from error


def _result(row: dict[str, Any]) -> Result:
    measures = tuple(
        Measure(
            figure["name"],
            figure["value"],
            figure["because"],
            -math.inf if figure["low"] is None else figure["low"],
            math.inf if figure["high"] is None else figure["high"],
        )
        for figure in row["figures"]
    )
    finding = Finding(measures, row["sentence"], row["missing"], row["status"] == "cited")
    return Result(find_claim(row["number"]), finding, row["seconds"])
