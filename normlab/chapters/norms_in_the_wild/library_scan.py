"""The stored scan: every model type of an installed transformers, read once."""

from functools import cache
from pathlib import Path

from normlab.inspection.scan.rows import ScanRow, read_scan

STORED = Path(__file__).with_name("scan.csv")


@cache
def load_scan() -> tuple[ScanRow, ...]:
    """The rows of `normlab/chapters/norms_in_the_wild/scan.csv`; `summarize` counts them.

    The columns are described at `normlab.inspection.scan.rows.COLUMNS`.

    >>> row = next(row for row in load_scan() if row["folder"] == "llama")
    >>> row["norm"], row["placement"], row["norms_on_wiring"]
    ('RMSNorm', 'pre-norm', '2')
    """
    return tuple(read_scan(STORED))
