"""The stored audits: torch, compiled and not, ours, all of transformers, Keras twice, Flax.

`normlab remake audit` makes them again, in five minutes on one core. It needs
`pip install 'normlab[frameworks]' transformers`, and a C++ compiler for `torch.compile`.
"""

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import cast

import torch
from torch import nn

from normlab import torch_norms
from normlab.audit import NotAuditable
from normlab.audit.subject import Make
from normlab.chapters.frameworks.audits.loaded import STORED as STORED
from normlab.chapters.frameworks.audits.rows import Audited, not_audited
from normlab.chapters.frameworks.audits.transformers_norms import NormClass, norm_classes
from normlab.chapters.frameworks.audits.ways_to_make import way_to_make
from normlab.chapters.frameworks.framework import COMPARED_NORMS, FRAMEWORKS
from normlab.chapters.frameworks.process import CannotRun, run_apart
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import read_rows, write_rows
from normlab.tools.table import Table

COMMAND = "normlab remake audit"
OTHER_AXES = "it takes its statistics over other axes than the last, by its name"
WORKER = "normlab.chapters.frameworks.audits.worker"


def _compiled(norm: Make, size: int) -> nn.Module:
    """A norm as `torch.compile` makes it; what it compiled before counts against its limit."""
    torch.compiler.reset()
    return cast(nn.Module, torch.compile(norm(size), dynamic=True))


IN_TORCH: Mapping[str, Mapping[str, Make]] = {
    "torch": {"LayerNorm": nn.LayerNorm, "RMSNorm": nn.RMSNorm},
    "torch.compile": {
        "LayerNorm": partial(_compiled, nn.LayerNorm),
        "RMSNorm": partial(_compiled, nn.RMSNorm),
    },
    "normlab": {"LayerNorm": torch_norms.LayerNorm, "RMSNorm": torch_norms.RMSNorm},
}
APART: Mapping[str, Mapping[str, str]] = {
    "Keras on torch": {},
    "tf.keras": {},
    "Flax": {"JAX_ENABLE_X64": "1"},  # else its float64 is float32
}
"""Frameworks in processes of their own, with variables beyond those of their comparison."""
PACKAGES = {
    "torch": "torch",
    "torch.compile": "torch",
    "normlab": "normlab",
    "transformers": "transformers",
    "Keras on torch": "keras",
    "tf.keras": "tensorflow",
    "Flax": "flax",
}
"""Whose version a row says."""
LIBRARIES = (*IN_TORCH, "transformers", *APART)


def write_audits(path: Path, libraries: Sequence[str] = LIBRARIES) -> None:
    """Audit the norms of libraries and write the table, with what made it.

    Raises:
        CannotRun, ValueError: if one of them is not installed or fails.
    """
    rows = [
        {**row, "version": version(PACKAGES[library]), "seed": 0}
        for library in libraries
        for row in _rows(library)
    ]
    write_rows(path, rows, COMMAND)


def _rows(library: str) -> Iterator[Mapping[str, object]]:
    if library == "transformers":
        classes = norm_classes()
        yield from (_of_transformers(one) for one in progress_bar(classes, "norm classes"))
    elif library in APART:
        yield from (_apart(library, norm) for norm in COMPARED_NORMS)
    else:
        for name, make in IN_TORCH[library].items():
            yield Audited(library, name, make).row()


def _of_transformers(one: NormClass) -> Mapping[str, object]:
    named = ("transformers", one.name, one.alike)
    if one.of_other_axes:
        return not_audited(*named, OTHER_AXES)
    norm = getattr(importlib.import_module(one.module), one.name)
    try:
        make = way_to_make(norm)
    except NotAuditable as error:
        return not_audited(*named, str(error))
    return Audited("transformers", one.name, make, one.alike).row()


def _apart(library: str, norm: str) -> Mapping[str, object]:
    framework = FRAMEWORKS[library]
    framework = replace(framework, environment={**framework.environment, **APART[library]})
    printed = run_apart(framework, WORKER, norm)
    try:
        row: Mapping[str, object] = json.loads(printed.splitlines()[-1])
    except (ValueError, LookupError) as error:
        raise CannotRun(f"the answer of {library} cannot be read: {error!r}") from error
    return row


def stored_audits(path: Path = STORED) -> Table:
    """The stored audits, one row for each norm, with a few of its errors in ulps."""
    shown = ("library", "norm", "alike", "computes", "verdict", "mistakes")
    errors = ("float32", "float16", "offset-1e4", "dx")
    rows = [[row[name] for name in (*shown, *errors)] for row in read_rows(path)]
    return Table((*shown, *(f"{name}, ulps" for name in errors)), rows)
