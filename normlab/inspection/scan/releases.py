"""When models came out, and with which ε, where a source says so: a table written by hand."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from normlab.tools.stored_rows import read_rows

RELEASES = Path(__file__).with_name("releases.csv")


@cache
def releases() -> Mapping[str, dict[str, str]]:
    """Year and released ε by folder; the file names a source for each."""
    return {
        row["folder"]: {"year": row["year"], "released_eps": row["released_eps"]}
        for row in read_rows(RELEASES)
    }
