"""The models of the stored scan: what is counted of them has its denominator."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from normlab.chapters.norms_in_the_wild.library_scan import load_scan
from normlab.inspection.scan.rows import ScanRow
from normlab.inspection.scan.summary import rows_of_role
from normlab.tools.table import Table

Keep = Callable[[ScanRow], bool]


@dataclass(frozen=True)
class Share:
    """Some of many.

    >>> str(Share(28, 35)), Share(28, 35).percent
    ('28 of 35', 80)
    """

    part: int
    whole: int

    @property
    def percent(self) -> int:
        return round(100 * self.part / self.whole)

    def __str__(self) -> str:
        return f"{self.part} of {self.whole}"


@dataclass(frozen=True)
class ScannedModels:
    """Model types of the installed `transformers`, one row of the scan for each.

    A row is the layer of a folder that has most norms on its wiring, with the defaults of its
    config class.
    """

    rows: tuple[ScanRow, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[ScanRow]:
        return iter(self.rows)

    @property
    def folders(self) -> list[str]:
        """Their names in the library."""
        return [row["folder"] for row in self.rows]

    def where(self, keep: Keep) -> "ScannedModels":
        """Those that pass a test."""
        return ScannedModels(tuple(filter(keep, self.rows)))

    def between(self, first: int, last: int = 9999) -> "ScannedModels":
        """Those released in these years, both included, where a source states the year."""
        return self.where(lambda row: bool(row["year"]) and first <= int(row["year"]) <= last)

    def named(self, *folders: str) -> "ScannedModels":
        """Those of these folders.

        Raises:
            ValueError: if one is not there.
        """
        if missing := set(folders) - set(self.folders):
            raise ValueError(f"the scan has no {', '.join(sorted(missing))}.")
        return self.where(lambda row: row["folder"] in folders)

    @property
    def wired(self) -> "ScannedModels":
        """Those whose wiring was read too."""
        return self.where(lambda row: row["outcome"] == "wiring")

    def share(self, keep: Keep) -> Share:
        """How many pass a test, of all."""
        return Share(len(self.where(keep)), len(self))

    def by_year(self, title: str, value: Callable[[ScanRow], str]) -> Table:
        """One row per year, one column for each value that a test of rows gives."""
        counts = Counter((row["year"], value(row)) for row in self.rows)
        years = sorted({year for year, _ in counts if year})
        values = [name for name, _ in Counter(map(value, self.rows)).most_common()]
        lines = [[year, *(counts[year, name] for name in values)] for year in years]
        unknown = [counts["", name] for name in values]
        return Table(
            (title, *values), [*lines, *([["not known", *unknown]] if any(unknown) else [])]
        )


def has_rms_norm(row: ScanRow) -> bool:
    """Whether the norms on its wiring are RMSNorm."""
    return kind_of_norm(row) == "RMSNorm"


def kind_of_norm(row: ScanRow) -> str:
    """The norm on its wiring; of several kinds the commonest."""
    return row["norm"].split(", ")[0]


def is_plain_pre_norm(row: ScanRow) -> bool:
    """Whether each sub-layer reads a norm of the stream, and nothing else is on the wiring."""
    return row["placement"] == "pre-norm"


def has_qk_norm(row: ScanRow) -> bool:
    """Whether it norms queries and keys, or the latents that they are made from."""
    return row["qk_norm"] not in ("", "no")


@cache
def load_decoders() -> ScannedModels:
    """The decoders of text whose norm was read.

    >>> row, = load_decoders().named("llama")
    >>> row["norm"], row["placement"], row["year"]
    ('RMSNorm', 'pre-norm', '2023')
    """
    return _of_role("text decoder")


@cache
def load_encoders() -> ScannedModels:
    """The encoders of text whose norm was read.

    >>> row, = load_encoders().named("bert")
    >>> row["norm"], row["placement"]
    ('LayerNorm', 'post-norm')
    """
    return _of_role("text encoder")


@cache
def load_vision_models() -> ScannedModels:
    """The vision models whose norm was read.

    >>> row, = load_vision_models().named("vit")
    >>> row["embedding_norm"], row["final_norm"]
    ('no', 'yes')
    """
    return _of_role("vision")


def _of_role(role: str) -> ScannedModels:
    return ScannedModels(tuple(row for row in rows_of_role(load_scan(), role) if row["norm"]))
