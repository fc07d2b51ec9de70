"""The cells of the table of models, each checked and turned into what its column holds."""

import ast
import csv
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, get_args

from normlab.inspection.norm_reading import Affine, Kind
from normlab.models.placement.in_the_wild import ZOO_PLACEMENTS

SEVERAL_STREAMS = "several streams"
PLACEMENTS = (*ZOO_PLACEMENTS, SEVERAL_STREAMS)
QK_SCOPES = ("per head", "all heads", "latents", "latents of k")
QK_NORMS = ("no", *(f"{kind} {scope}" for kind in get_args(Kind) for scope in QK_SCOPES))
CONFIRMED_BY = ("installed code", "source read", "paper")


def checked_rows(lines: Iterable[str], columns: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a CSV text by the names of their columns.

    Raises:
        ValueError: if there are other columns, or a cell is not one of the values that it may
            have; it names the model, and what is expected.
    """
    reader = csv.DictReader(lines)
    if list(reader.fieldnames or ()) != list(columns):
        raise ValueError(f"the columns are {reader.fieldnames}; expected {list(columns)}.")
    return [_checked(row) for row in reader]


def _checked(row: Mapping[str, Any]) -> dict[str, Any]:
    name = row["name"]
    cells = {key: _cell(name, key, row[key]) for key in row}
    _one_of(name, "norm", cells["norm"], get_args(Kind))
    _one_of(name, "affine", cells["affine"], get_args(Affine))
    _one_of(name, "placement", cells["placement"], PLACEMENTS)
    _one_of(name, "qk_norm", cells["qk_norm"], QK_NORMS)
    _one_of(name, "confirmed_by", cells["confirmed_by"], CONFIRMED_BY)
    covered = cells["confirmed_by"] == "installed code"
    if covered != bool(cells["model_type"]):
        raise ValueError(
            f"{name}: model_type is {cells['model_type']!r} and confirmed_by is "
            f"{cells['confirmed_by']!r}; expected a model_type exactly for installed code."
        )
    if (cells["placement"] == SEVERAL_STREAMS) != (cells["streams"] != "one"):
        raise ValueError(
            f"{name}: streams is {cells['streams']!r} and placement is {cells['placement']!r}; "
            f"expected one stream, or the placement {SEVERAL_STREAMS!r}."
        )
    for key in ("name", "streams", "states", "source", "version"):
        if not cells[key]:
            raise ValueError(f"{name or 'a row'}: {key} is empty; expected a text.")
    return cells


EXPECTED = {
    "eps": "a number",
    "eps_released": "a number or nothing",
    "setting": "name=value; name=value",
    "v_norm": "yes or no",
    "final_norm": "yes or no",
    "embedding_norm": "yes or no",
}


def _cell(name: str, key: str, text: str | None) -> Any:
    """The text of a cell as what its column holds."""
    if text is None:
        raise ValueError(f"{name}: the row ends before its column {key}; expected a cell for each.")
    try:
        if key in ("year", "norms", "inner"):
            return int(text)
        if key == "eps_released" and not text:
            return None
        if key in ("eps", "eps_released"):
            return float(text)
        if EXPECTED.get(key) == "yes or no":
            return {"yes": True, "no": False}[text]
        if key == "wiring":
            return tuple(filter(None, text.split("; ")))
        if key == "setting":
            pairs = (pair.split("=", 1) for pair in text.split("; ") if pair)
            return MappingProxyType({k: ast.literal_eval(v) for k, v in pairs})
    except (ValueError, KeyError, SyntaxError) as error:
        expected = EXPECTED.get(key, "a whole number")
        raise ValueError(f"{name}: {key} is {text!r}; expected {expected}.") from error
    return text


def _one_of(name: str, key: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f"{name}: {key} is {value!r}; expected one of {', '.join(known)}.")
