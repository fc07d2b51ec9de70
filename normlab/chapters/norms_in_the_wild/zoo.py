"""Which model has which norm, where: one row per model, with its source.

The rows are in `zoo.csv`, beside this file. A test confirms those that the installed `transformers`
covers from what its code does; `confirmed_by` says where the others were read.
"""

import difflib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from normlab.chapters.norms_in_the_wild.zoo_cells import checked_rows
from normlab.inspection.norm_reading import Affine, Kind
from normlab.tools.table import Table

ROWS = Path(__file__).with_name("zoo.csv")
COLUMNS = (
    *("model", "year", "norm", "ε (class default)", "ε released"),
    *("affine", "placement", "QK-norm"),
)


@dataclass(frozen=True)
class ZooModel:
    """The norms of one model.

    Attributes:
        name: of the model.
        year: of its paper or release.
        follows: the model of the table that it descends from, or "": the one before it in its
            maker's line, or the one that its paper starts from.
        norm: "LayerNorm" or "RMSNorm"; of several, that in front of attention.
        eps: ε as `states` says, mostly the default of the config class; nan if nothing states it.
        eps_released: ε of the released model, if `note` names a source for it, or None.
        affine: "weight, bias", "weight", "1 + weight", "1 + weight, bias" or "none".
        placement: a name in `normlab.models.ZOO_PLACEMENTS`, or "several streams".
        norms: on the wiring of one layer; norms inside the sub-layers are not counted.
        inner: other norms inside one layer, q and k norms too.
        qk_norm: of queries and keys: "no", or which norm, and whether "per head", over "all heads"
            together, or on the "latents" that they are made from ("latents of k": k alone).
        v_norm: whether the values of attention are normed too, per head and without a gain.
        final_norm: whether one stands behind the last layer.
        embedding_norm: whether one stands between the embedding and the first layer.
        streams: "one", or how many residual streams there are and what mixes them.
        wiring: the equations of a layer that is not attention and an FFN in that placement, as
            `read_wiring` reads them, or none.
        model_type: in `transformers`, or "".
        setting: what its config class is given there, where the defaults are another model.
        states: what the row states: the default of the config class, a checkpoint, a paper …
        confirmed_by: "installed code" (a test runs it), "source read" or "paper".
        source, version: the file and its commit or release, or the paper and its section.
        note: what the other columns cannot say.
    """

    name: str
    year: int
    follows: str
    norm: Kind
    eps: float
    eps_released: float | None
    affine: Affine
    placement: str
    norms: int
    inner: int
    qk_norm: str
    v_norm: bool
    final_norm: bool
    embedding_norm: bool
    streams: str
    wiring: tuple[str, ...]
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

    @property
    def shown_eps_released(self) -> str:
        """The released ε as text, "" where no source is named."""
        return "" if self.eps_released is None else f"{self.eps_released:g}"

    @property
    def has_block(self) -> bool:
        """Whether a layer is one attention and one FFN on one stream, as `build_block` builds."""
        return self.streams == "one" and not self.wiring

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
            [
                *(m.name, m.year, m.norm, m.shown_eps, m.shown_eps_released),
                *(m.affine, m.placement, m.qk_norm),
            ]
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
            have, two models have one name, or a model follows none of them or a later one; it
            names the model, and what is expected.
    """
    models = [ZooModel(**row) for row in checked_rows(lines, [f.name for f in fields(ZooModel)])]
    known: dict[str, ZooModel] = {}
    for model in models:
        if model.name.lower() in known:
            raise ValueError(f"{model.name} has two rows; expected one row per model.")
        known[model.name.lower()] = model
    for model in models:
        before = known.get(model.follows.lower())
        if model.follows and (before is None or before.year > model.year):
            raise ValueError(
                f"{model.name} follows {model.follows!r}; expected a model of the table that is "
                "not younger."
            )
    return Zoo(tuple(sorted(models, key=lambda model: model.year)))
