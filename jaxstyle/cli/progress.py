"""Showing progress: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class Told(Protocol):
    """What can be shown: in words, as `str` gives them."""

    @property
    def seconds(self) -> float:
        """Since it began."""
        ...

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        ...


Show = Callable[[Told], None]
_LINE_SECONDS = 5.0


@contextmanager
def shown(quiet: bool = False) -> Iterator[Show]:
    """A function that shows progress, on standard error.

    Args:
        quiet: Show nothing.
    """
    if quiet:
        yield lambda told: None
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    console = Console(stderr=True)
    # What a narrow terminal has no room for is the end of the words.
    words = TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis"))
    columns = (BarColumn(bar_width=12), TimeElapsedColumn(), words)
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("compiling …", total=None)
        yield lambda told: bar.update(task, completed=told.share, total=1, description=str(told))


def _lines() -> Show:
    last = -_LINE_SECONDS

    def show(told: Told) -> None:
        nonlocal last
        if told.seconds - last >= _LINE_SECONDS or told.share >= 1:
            last = told.seconds
            print(told, file=sys.stderr, flush=True)

    return show
