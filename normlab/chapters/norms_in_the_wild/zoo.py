"""Which model has which norm, where: one row per model, with its source.

The rows are in `zoo.csv`, beside this file. A test confirms those that the installed `transformers`
covers from what its code does; `confirmed_by` says where the others were read.
"""

import ast
import csv
import difflib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from normlab.inspection.norm_reading import Affine, Kind
from normlab.models.placement.in_the_wild import ZOO_PLACEMENTS
from normlab.tools.table import Table

ROWS = Path(__file__).with_name("zoo.csv")
QK_SCOPES = ("per head", "all heads", "latents")
QK_NORMS = (
    "no",
    *(f"{kind} {scope}" for kind in get_args(Kind) for scope in QK_SCOPES),
)
CONFIRMED_BY = ("installed code", "source read", "paper")
COLUMNS = ("model", "year", "norm", "ε", "affine", "placement", "QK-norm")


@dataclass(frozen=True)
class ZooModel:
    """The norms of one model.

    Attributes:
        name: of the model.
        year: of its paper or release.
        norm: "LayerNorm" or "RMSNorm".
        eps: ε; nan if nothing states it.
        affine: "weight, bias", "weight", "1 + weight", "1 + weight, bias" or "none".
        placement: a name in `normlab.models.ZOO_PLACEMENTS`.
        norms: on the wiring of one layer; norms inside the sub-layers are not counted.
        inner: other norms inside one layer, q and k norms too.
        qk_norm: of queries and keys: "no", or which norm, and whether "per head", over "all heads"
            together, or on the "latents" that they are made from.
        final_norm: whether one stands behind the last layer.
        embedding_norm: whether one stands between the embedding and the first layer.
        model_type: in `transformers`, or "".
        setting: what its config class is given there, where the defaults are another model.
        states: what the row states: the default of the config class, a checkpoint, a paper …
        confirmed_by: "installed code" (a test runs it), "source read" or "paper".
        source, version: the file and its commit or release, or the paper and its section.
        note: what the other columns cannot say.
    """

    name: str
    year: int
    norm: Kind
    eps: float
    affine: Affine
    placement: str
    norms: int
    inner: int
    qk_norm: str
    final_norm: bool
    embedding_norm: bool
    model_type: str
    setting: Mapping[str, Any]
    states: str
    confirmed_by: str
    source: str
    version: str
    note: str

    @property
    def shown_eps(self) -> str:
        """ε as text."""
        return "not stated" if math.isnan(self.eps) else f"{self.eps:g}"

    def table(self) -> Table:
        """One row per attribute."""
        return Table(("", self.name), [[f.name, getattr(self, f.name)] for f in fields(self)[1:]])


@dataclass(frozen=True)
class Zoo:
    """Some models, in the order of the years."""

    models: tuple[ZooModel, ...]

    def __len__(self) -> int:
        return len(self.models)

    def __iter__(self) -> Iterator[ZooModel]:
        return iter(self.models)

    def where(self, test: Callable[[ZooModel], bool] | None = None, **equal: object) -> "Zoo":
        """The models for which `test` holds, and whose attributes have the values in `equal`.

        Example:
            >>> bert_like = load_zoo().where(norm="LayerNorm", placement="post-norm", year=2018)
            >>> [model.name for model in bert_like]
            ['GPT-1', 'BERT']

        Raises:
            ValueError: if there is no such attribute.
        """
        known = [field.name for field in fields(ZooModel)]
        for name in equal:
            if name not in known:
                raise ValueError(f"models have no {name!r}; expected one of {', '.join(known)}.")
        kept = [
            model
            for model in self.models
            if (test is None or test(model))
            and all(getattr(model, name) == value for name, value in equal.items())
        ]
        return Zoo(tuple(kept))

    def count(self, attribute: str) -> dict[Any, int]:
        """How many models have each value of an attribute, the most frequent first."""
        values = [getattr(model, attribute) for model in self.models]
        return dict(Counter(sorted(values)).most_common())

    def table(self) -> Table:
        """One row per model."""
        rows = [
            [m.name, m.year, m.norm, m.shown_eps, m.affine, m.placement, m.qk_norm]
            for m in self.models
        ]
        return Table(COLUMNS, rows)


def find_model(name: str) -> ZooModel:
    """The model of that name, upper or lower case.

    >>> find_model("gemma 2").placement
    'peri-norm'

    Raises:
        ValueError: if there is none; it names those that look alike.
    """
    names = {model.name.lower(): model for model in load_zoo()}
    if name.lower() not in names:
        alike = difflib.get_close_matches(name.lower(), names, 5, 0.4) or list(names)[:5]
        known = ", ".join(names[near].name for near in alike)
        raise ValueError(f"no model is named {name!r}; expected, for instance, {known}.")
    return names[name.lower()]


@cache
def load_zoo() -> Zoo:
    """All models of `normlab/chapters/norms_in_the_wild/zoo.csv`.

    Raises:
        ValueError: if a row is not as it should be.
    """
    text = ROWS.read_text(encoding="utf-8")
    return read_zoo(text.splitlines())


def read_zoo(lines: Iterable[str]) -> Zoo:
    """The models of a CSV text.

    Raises:
        ValueError: if a column is missing or unknown, a cell is not one of the values that it may
            have, or two models have one name; it names the model, and what is expected.
    """
    reader = csv.DictReader(lines)
    names = [field.name for field in fields(ZooModel)]
    if list(reader.fieldnames or ()) != names:
        raise ValueError(f"the columns are {reader.fieldnames}; expected {names}.")
    models = [_model(row) for row in reader]
    seen: set[str] = set()
    for model in models:
        if model.name.lower() in seen:
            raise ValueError(f"{model.name} has two rows; expected one row per model.")
        seen.add(model.name.lower())
    return Zoo(tuple(sorted(models, key=lambda model: model.year)))


def _model(row: Mapping[str, Any]) -> ZooModel:
    name = row["name"]
    cells = {key: _cell(name, key, row[key]) for key in row}
    _one_of(name, "norm", cells["norm"], get_args(Kind))
    _one_of(name, "affine", cells["affine"], get_args(Affine))
    _one_of(name, "placement", cells["placement"], tuple(ZOO_PLACEMENTS))
    _one_of(name, "qk_norm", cells["qk_norm"], QK_NORMS)
    _one_of(name, "confirmed_by", cells["confirmed_by"], CONFIRMED_BY)
    covered = cells["confirmed_by"] == "installed code"
    if covered != bool(cells["model_type"]):
        raise ValueError(
            f"{name}: model_type is {cells['model_type']!r} and confirmed_by is "
            f"{cells['confirmed_by']!r}; expected a model_type exactly for installed code."
        )
    for key in ("name", "states", "source", "version"):
        if not cells[key]:
            raise ValueError(f"{name or 'a row'}: {key} is empty; expected a text.")
    return ZooModel(**cells)


def _cell(name: str, key: str, text: str | None) -> Any:
    """The text of a cell as what its column holds."""
    if text is None:
        raise ValueError(f"{name}: the row ends before its column {key}; expected a cell for each.")
    try:
        if key in ("year", "norms", "inner"):
            return int(text)
        if key == "eps":
            return float(text)
        if key in ("final_norm", "embedding_norm"):
            return {"yes": True, "no": False}[text]
        if key == "setting":
            pairs = (pair.split("=", 1) for pair in text.split("; ") if pair)
            return MappingProxyType({k: ast.literal_eval(v) for k, v in pairs})
    except (ValueError, KeyError, SyntaxError) as error:
        expected = {
            "eps": "a number",
            "setting": "name=value; name=value",
            "final_norm": "yes or no",
            "embedding_norm": "yes or no",
        }.get(key, "a whole number")
        raise ValueError(f"{name}: {key} is {text!r}; expected {expected}.") from error
    return text


def _one_of(name: str, key: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f"{name}: {key} is {value!r}; expected one of {', '.join(known)}.")
