"""What a learner's function returned, with errors that name it."""

from typing import Any

from normlab.exercises.challenges.challenge import Answer
from normlab.tools.toml_settings import expect


def returned_settings(where: str, answer: Answer, *arguments: object) -> dict[str, Any]:
    """The dict that a function returns, with NumPy's numbers as Python's.

    Raises:
        ValueError: if it returns something else.

    >>> returned_settings("f()", lambda: [0.1])
    Traceback (most recent call last):
    ValueError: f() is [0.1]; expected a dict of settings.
    """
    settings = answer(*arguments)
    expect(isinstance(settings, dict), where, settings, "a dict of settings")
    return {key: _plain(value) for key, value in settings.items()}


def _plain(value: object) -> object:
    """A number of NumPy or torch as Python's own; everything else as it is."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "ndim", 1) == 0 else value
