"""A progress bar for work that takes longer than a second."""

import os
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

    After each item the bar shows what `note()` says, where one is given. The environment
    variable TQDM_DISABLE=1 turns the bar off, so that stored notebooks hold none.

    >>> list(progress_bar("abc", "letters"))
    ['a', 'b', 'c']
    """
    hidden = os.environ.get("TQDM_DISABLE", "0") != "0"
    bar = tqdm(items, title, total=total, delay=1, leave=False, disable=hidden)
    return bar if note is None else _with_note(bar, note)


def _with_note(bar: Any, note: Callable[[], str]) -> Iterator[Any]:
    for item in bar:
        yield item
        bar.set_postfix_str(note(), refresh=False)
