"""Inputs to which what a model asks for is added, until it runs."""

import inspect
import re
import traceback
import warnings
from os import sep
from typing import Any

import torch
from torch import Tensor, nn

from normlab.inspection.small_inputs import Inputs, drawn_for

MOST_TRIES = 8
"""Of one choice of inputs; two maps may want different widths of the same."""
PRODUCT = re.compile(r"mat1 and mat2 shapes cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)")


def completed(model: nn.Module, inputs: Inputs, config: Any) -> Inputs:
    """Inputs that a model runs with; what its errors name is given at the next try.

    Raises:
        Exception: the first, where nothing helps.
    """
    first: Exception | None = None
    for _ in range(MOST_TRIES):
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model(**inputs)
        except Exception as error:
            first = first or error
            more = asked_for(model, inputs, error, config)
            if not more:
                break
            inputs = inputs | more
        else:
            return inputs
    assert first is not None
    raise first


def asked_for(model: nn.Module, given: Inputs, error: BaseException, config: Any) -> Inputs:
    """The arguments that an error, or the lines that raised it, name and that were not given.

    Args:
        model: that did not run.
        given: what it was called with.
        error: what it raised.
        config: its configuration.
    """
    if fitting := _fitting(given, str(error)):
        return fitting
    words = set(re.findall(r"\w+", " ".join([str(error), *lines_that_called(error)])))
    wanted = words & inspect.signature(model.forward).parameters.keys() - given.keys()
    drawn = drawn_for(config)
    return {name: drawn[name] for name in sorted(wanted) if name in drawn}


def _fitting(given: Inputs, said: str) -> Inputs:
    """The inputs that a linear map refuses for their width, with the width that it wants."""
    found = PRODUCT.search(said)
    if not found:
        return {}
    has, wants = map(int, found.groups())
    rng = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(*value.shape[:-1], wants, generator=rng)
        for name, value in given.items()
        if isinstance(value, Tensor) and value.is_floating_point() and value.shape[-1] == has
    }


def lines_that_raised(error: BaseException) -> list[str]:
    """The lines of code that raised, the last first."""
    return [frame.line or "" for frame in traceback.extract_tb(error.__traceback__)[-2:]]


def lines_that_called(error: BaseException) -> list[str]:
    """The lines that raised, and the last that is not torch's: it says what it called with."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.line or "" for frame in frames if f"{sep}torch{sep}" not in frame.filename]
    return [*lines_that_raised(error), *own[-1:]]
