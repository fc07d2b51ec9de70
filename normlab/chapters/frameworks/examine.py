"""One framework's report, made in this process."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from normlab.chapters.frameworks import measure
from normlab.chapters.frameworks.framework import Framework
from normlab.chapters.frameworks.library import Weights, load_library
from normlab.chapters.frameworks.report import Report


def examine_framework(framework: Framework, weights: Weights) -> tuple[Report, Weights]:
    """All experiments and listings of one framework.

    Args:
        weights: of torch's block, by torch's names.

    Returns:
        The report, and the weights as they were read back from the framework's block.
    """
    library = load_library(framework)
    defaults = measure.all_norms(lambda n: measure.read_defaults(library, framework, n))
    carried, back = measure.carry(library, weights) if library.has_block else (None, weights)
    report = Report(
        {name: metadata.version(name) for name in framework.packages},
        defaults,
        measure.all_norms(lambda n: measure.differences(library, n)),
        measure.all_norms(lambda n: measure.half_precision(library, n)),
        measure.all_norms(lambda n: measure.sweep(library, n, default_eps(defaults[n].eps))),
        carried,
        run_listings(framework.listings),
    )
    return report, back


def default_eps(text: str) -> float:
    """A default ε from a signature; torch's None is the machine epsilon of float32.

    >>> default_eps("0.001"), default_eps("None") == 2.0**-23
    (0.001, True)
    """
    return float(np.finfo(np.float32).eps) if text == "None" else float(text)


def read_listing(name: str) -> str:
    """The text of a listing.

    >>> read_listing("seed_pytorch").splitlines()[0]
    'import torch'

    Raises:
        ValueError: if there is none of that name.
    """
    folder = Path(__file__).with_name("listings")
    names = sorted(path.name.removesuffix(".txt") for path in folder.iterdir())
    if name not in names:
        raise ValueError(f"no listing is named {name!r}; there are: {', '.join(names)}.")
    return folder.joinpath(f"{name}.txt").read_text(encoding="utf-8")


def run_listings(names: Sequence[str], namespace: dict[str, Any] | None = None) -> dict[str, str]:
    """Run listings one after another, with the names of the earlier ones, as a notebook does.

    Args:
        namespace: where their names go, if someone wants them afterwards.

    Returns:
        What each printed.

    >>> names = {}
    >>> run_listings(["seed_pytorch"], names), names["out"].shape
    ({'seed_pytorch': ''}, torch.Size([2, 10, 512]))
    """
    namespace = {} if namespace is None else namespace
    namespace["__name__"] = "listing"
    printed = {}
    for name in names:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(read_listing(name), name, "exec"), namespace)
        printed[name] = out.getvalue().rstrip()
    return printed


def to_json(weights: Weights) -> Mapping[str, Any]:
    return {name: value.tolist() for name, value in weights.items()}


def from_json(data: Mapping[str, Any]) -> Weights:
    """float32 arrays; a float32 number survives the way through text unchanged."""
    return {name: np.array(value, np.float32) for name, value in data.items()}
