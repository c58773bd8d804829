"""What the terminal shows and sends: log lines and progress on standard error, and Ctrl-C."""

from __future__ import annotations

import _thread
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from jaxstyle._util.log import logger

if TYPE_CHECKING:
    from jaxstyle.grid.progress import GridProgress
    from jaxstyle.transfer.result import Progress

Show: TypeAlias = "Callable[[Progress | GridProgress], None]"
_LINE_SECONDS = 5.0
_RETRY_SECONDS = 0.1


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
        return
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich import progress as rich
    from rich.console import Console
    from rich.table import Column

    # In a narrow terminal the end of the description is cut off.
    column = Column(no_wrap=True, overflow="ellipsis")
    text = rich.TextColumn("{task.description}", table_column=column)
    columns = (rich.BarColumn(bar_width=12), rich.TimeElapsedColumn(), text)
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("compiling …", total=None)
        yield lambda progress: bar.update(
            task, completed=progress.share, total=1, description=str(progress)
        )


def _lines() -> Show:
    last = -_LINE_SECONDS

    def show(progress: Progress | GridProgress) -> None:
        nonlocal last
        if progress.seconds - last >= _LINE_SECONDS or progress.share >= 1:
            last = progress.seconds
            print(progress, file=sys.stderr, flush=True)

    return show


def redeliver_dropped_interrupts() -> None:
    """Interrupt the main thread again where Python drops a `KeyboardInterrupt`.

    It drops what is raised in a finalizer, or in a callback of JAX's for the garbage collector: one
    Ctrl-C in four while JAX is imported.
    """
    previous = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if dropped.exc_type is KeyboardInterrupt:
            # Not at once: the main thread is still where exceptions are dropped.
            threading.Timer(_RETRY_SECONDS, _thread.interrupt_main).start()
        else:
            previous(dropped)

    sys.unraisablehook = hook


class DeferredInterrupt:
    """Defers Ctrl-C to the end of the current steps, so that their work is not lost.

    From the first `between_steps` on, Ctrl-C waits for the next one; a second Ctrl-C does not wait.
    Outside of the main thread nothing changes, nor where another handler is installed (a shell
    lets its jobs in the background ignore Ctrl-C). The message is "stopping" and `until`.
    """

    def __init__(self, until: str = "after the current steps") -> None:
        self._until = until
        self._pending = False
        self._previous: Any = None

    def __enter__(self) -> DeferredInterrupt:
        return self

    def __exit__(self, *_: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def between_steps(self) -> None:
        """Raise the pending `KeyboardInterrupt`, if there is one."""
        if self._pending:
            raise KeyboardInterrupt
        in_main_thread = threading.current_thread() is threading.main_thread()
        is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._previous is None and in_main_thread and is_default:
            self._previous = signal.signal(signal.SIGINT, self._defer)

    def _defer(self, *_: object) -> None:
        if self._pending:
            raise KeyboardInterrupt
        self._pending = True
        logger.info("stopping %s; press Ctrl-C again to stop at once", self._until)
