"""A progress bar for work that takes longer than a second."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from tqdm.auto import tqdm

Item = TypeVar("Item")


def progress_bar(
    items: Iterable[Item],
    title: str,
    total: int | None = None,
    note: Callable[[], str] | None = None,
) -> Iterable[Item]:
    """`items`, with a bar that appears after one second and leaves nothing behind.

    After each item the bar shows what `note()` says, where one is given. There is no bar where
    nobody looks (stderr is a file or a pipe, and no notebook's), nor with the environment
    variable TQDM_DISABLE=1, so that stored notebooks hold none.

    >>> list(progress_bar("abc", "letters"))
    ['a', 'b', 'c']
    """
    bar = tqdm(items, title, total=total, delay=1, leave=False, disable=not _is_watched())
    return bar if note is None else _with_note(bar, note)


def _is_watched() -> bool:
    """Whether stderr is a terminal or a notebook's, and the bar is not turned off."""
    if os.environ.get("TQDM_DISABLE", "0") != "0":
        return False
    ipython: Any = sys.modules.get("IPython")
    in_notebook = ipython is not None and hasattr(ipython.get_ipython(), "kernel")
    return in_notebook or (sys.stderr is not None and sys.stderr.isatty())


def _with_note(bar: Any, note: Callable[[], str]) -> Iterator[Any]:
    for item in bar:
        yield item
        bar.set_postfix_str(note(), refresh=False)
