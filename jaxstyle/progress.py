"""Showing a run's progress: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxstyle.transfer import Progress

Show = Callable[["Progress"], None]
_LINE_SECONDS = 5.0


@contextmanager
def shown(quiet: bool = False) -> Iterator[Show]:
    """A function that shows progress, on standard error.

    Args:
        quiet: Show nothing.
    """
    if quiet:
        yield lambda progress: None
    elif sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _lines()


def describe(progress: Progress) -> str:
    """Where a run stands: step, size, loss and terms, speed, time left."""
    terms = " ".join(f"{name} {value:.3g}" for name, value in progress.terms.items())
    return (
        f"{progress.step}/{progress.steps}  {progress.size} px  loss {progress.loss:.4g} ({terms})"
        f"  {progress.rate:.2g} steps/s, {progress.seconds_left:.0f} s left"
    )


@contextmanager
def _bar() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (BarColumn(bar_width=24), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("compiling …", total=None)
        yield lambda progress: bar.update(
            task,
            completed=progress.step,
            total=progress.steps,
            description=describe(progress),
        )


def _lines() -> Show:
    last = -_LINE_SECONDS

    def show(progress: Progress) -> None:
        nonlocal last
        if progress.seconds - last >= _LINE_SECONDS or progress.step == progress.steps:
            last = progress.seconds
            print(
                f"step {describe(progress)}",
                file=sys.stderr,
                flush=True,
            )

    return show
