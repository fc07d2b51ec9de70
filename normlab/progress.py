"""A progress bar for work that takes longer than a second."""

import os
from collections.abc import Iterable
from typing import TypeVar

from tqdm.auto import tqdm

Item = TypeVar("Item")


def progress(items: Iterable[Item], title: str, total: int | None = None) -> Iterable[Item]:
    """`items`, with a bar that appears after one second and leaves nothing behind.

    The environment variable TQDM_DISABLE=1 turns it off, so that stored notebooks hold none.

    >>> list(progress("abc", "letters"))
    ['a', 'b', 'c']
    """
    hidden = os.environ.get("TQDM_DISABLE", "0") != "0"
    return tqdm(items, title, total=total, delay=1, leave=False, disable=hidden)
