"""What is written to standard error: log lines, and progress as a bar or as plain lines."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from jaxstyle._util.log import logger


class ProgressLike(Protocol):
    """Progress that can be shown; `str` describes it in one line."""

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        ...

    @property
    def share(self) -> float:
        """Share of the work that is done, from 0 to 1."""
        ...


Show = Callable[[ProgressLike], None]
_LINE_SECONDS = 5.0


class _StderrHandler(logging.Handler):
    """Writes to whatever standard error is at the time: a progress bar redirects it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:
            self.handleError(record)


@contextmanager
def log_to_stderr() -> Iterator[None]:
    """Write the lines of the `jaxstyle` logger to standard error, information included."""
    handler, level = _StderrHandler(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def show_progress() -> Iterator[Show]:
    """Return a function that shows progress on standard error, or nothing with `--quiet`."""
    if not logger.isEnabledFor(logging.INFO):
        yield lambda progress: None
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
    # In a narrow terminal the end of the description is cut off.
    text = TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis"))
    with Progress(BarColumn(bar_width=12), TimeElapsedColumn(), text, console=console) as bar:
        task = bar.add_task("compiling …", total=None)

        def show(progress: ProgressLike) -> None:
            bar.update(task, completed=progress.share, total=1, description=str(progress))

        yield show


def _lines() -> Show:
    last = -_LINE_SECONDS

    def show(progress: ProgressLike) -> None:
        nonlocal last
        if progress.seconds - last >= _LINE_SECONDS or progress.share >= 1:
            last = progress.seconds
            print(progress, file=sys.stderr, flush=True)

    return show
