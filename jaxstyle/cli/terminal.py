"""What the terminal shows and sends: log lines and progress on standard error, and stop signals."""

from __future__ import annotations

import _thread
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

from jaxstyle._util.log import logger
from jaxstyle.cli.streams import is_terminal, printable, write_message

if TYPE_CHECKING:
    from jaxstyle.batch.progress import BatchProgress
    from jaxstyle.transfer.progress import GridProgress
    from jaxstyle.transfer.result import Progress

Show: TypeAlias = "Callable[[Progress | GridProgress | BatchProgress], None]"
_LINE_SECONDS = 5.0
_RETRY_SECONDS = 0.1
_REPEAT_SECONDS = 1.0
_COLUMNS = 80
_SWALLOWED_SECONDS = 2.0
_latest_stop = -_REPEAT_SECONDS
_insisting: threading.Timer | None = None
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Ctrl-C, an end that a cluster or `kill` asks for, and a terminal that goes away."""


class _StderrHandler(logging.Handler):
    """Writes to whatever standard error is at the time: a progress bar redirects it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
        else:
            write_message(line)


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
    if not is_terminal(sys.stderr):
        yield _lines()
        return
    from rich import progress as rich
    from rich.console import Console
    from rich.table import Column

    # From a file rich learns the encoding, and draws the bar with characters that it has.
    console = Console(file=sys.stderr)
    if not console.width:  # $COLUMNS can be 0
        console.width = _COLUMNS
    # In a narrow terminal the end of the description is cut off.
    overflow: Literal["crop", "ellipsis"] = "crop" if console.options.ascii_only else "ellipsis"
    column = Column(no_wrap=True, overflow=overflow)
    text = rich.TextColumn("{task.description}", markup=False, table_column=column)
    columns = (rich.BarColumn(bar_width=12), rich.TimeElapsedColumn(), text)
    with rich.Progress(*columns, console=console) as bar:
        task = bar.add_task("compiling …", total=None)
        yield lambda progress: bar.update(
            task, completed=progress.share, total=1, description=printable(str(progress))
        )


def _lines() -> Show:
    last = -_LINE_SECONDS

    def show(progress: Progress | GridProgress | BatchProgress) -> None:
        nonlocal last
        if progress.seconds - last >= _LINE_SECONDS or progress.share >= 1:
            last = progress.seconds
            write_message(str(progress))

    return show


class Stopped(KeyboardInterrupt):
    """What SIGTERM and SIGHUP raise, as Ctrl-C raises a `KeyboardInterrupt`."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def exit_status(stop: BaseException) -> int:
    """Return the exit status after a `KeyboardInterrupt`: 128 and the number of the signal."""
    return 128 + getattr(stop, "number", signal.SIGINT)


def stop_on_signals() -> None:
    """Let SIGTERM and SIGHUP do what Ctrl-C does, unless they are ignored or handled already.

    All three are raised again where somebody swallowed them, until `stop_insisting`.

    To be called again after a library has taken a signal without Python's knowledge, as
    `jax.distributed` takes SIGTERM and then ignores it.
    """
    for number in STOP_SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler, _stop):
            signal.signal(number, _stop)


def _stop(number: int, *_: object) -> None:
    if _is_repeated(number):
        return
    # Some libraries catch everything while they are imported.
    _insist(number, _SWALLOWED_SECONDS)
    _raise_stop(number)


def _insist(number: int, seconds: float) -> None:
    """Send a signal to the main thread again, unless its end has begun by then."""
    global _insisting

    def send() -> None:
        global _latest_stop
        _latest_stop = -_REPEAT_SECONDS  # this one does not repeat what was heard
        _thread.interrupt_main(signal.Signals(number))

    stop_insisting()
    _insisting = threading.Timer(seconds, send)
    _insisting.daemon = True
    _insisting.start()


def stop_insisting() -> None:
    """Say that a `KeyboardInterrupt` was caught where the command ends."""
    if _insisting:
        _insisting.cancel()


def _raise_stop(number: int) -> NoReturn:
    raise KeyboardInterrupt if number == signal.SIGINT else Stopped(number)


def _is_repeated(number: int) -> bool:
    """Whether this says again what was just said, and hurries nobody.

    The system and the shell both tell of a terminal that goes away, and some supervisors send two
    signals at once. Ctrl-C always comes from a person.
    """
    global _latest_stop
    now = time.monotonic()
    repeated = number != signal.SIGINT and now - _latest_stop < _REPEAT_SECONDS
    if not repeated:
        _latest_stop = now
    return repeated


def redeliver_dropped_interrupts() -> None:
    """Interrupt the main thread again where Python drops a `KeyboardInterrupt`.

    It drops what is raised in a finalizer, or in a callback of JAX's for the garbage collector: one
    Ctrl-C in four while JAX is imported.
    """
    previous = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            number = getattr(dropped.exc_value, "number", signal.SIGINT)
            # Not at once: the main thread is still where exceptions are dropped.
            _insist(number, _RETRY_SECONDS)
        else:
            previous(dropped)

    sys.unraisablehook = hook


class DeferredInterrupt:
    """Defers Ctrl-C to the end of the current steps, so that their work is not lost.

    From the first `between_steps` on, Ctrl-C waits for the next one; a second Ctrl-C does not wait.
    So do SIGTERM and SIGHUP after `stop_on_signals`. Outside of the main thread nothing changes,
    nor where another handler is installed (a shell lets its jobs in the background ignore Ctrl-C).
    The message is "stopping" and `until`.
    """

    def __init__(self, until: str = "after the current steps") -> None:
        self._until = until
        self._pending: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> DeferredInterrupt:
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def between_steps(self) -> None:
        """Raise the pending `KeyboardInterrupt`, if there is one."""
        if self._pending:
            _raise_stop(self._pending)
        if self._previous or threading.current_thread() is not threading.main_thread():
            return
        for number in STOP_SIGNALS:
            if signal.getsignal(number) in (signal.default_int_handler, _stop):
                self._previous[number] = signal.signal(number, self._defer)

    def _defer(self, number: int, *_: object) -> None:
        if _is_repeated(number):
            return
        if self._pending:
            _raise_stop(number)
        self._pending = number
        again = "press Ctrl-C" if number == signal.SIGINT else "send the signal"
        logger.info("stopping %s; %s again to stop at once", self._until, again)


@contextmanager
def stoppable_progress() -> Iterator[Show]:
    """Return a function as `show_progress` does, that stops between steps where it was asked to."""
    with DeferredInterrupt() as interrupt, show_progress() as show:

        def on_progress(progress: Progress | GridProgress | BatchProgress) -> None:
            show(progress)
            interrupt.between_steps()

        yield on_progress


@contextmanager
def resumable_progress(folder: Path) -> Iterator[Show]:
    """Do as `stoppable_progress`; an interruption ends the command, and says how to resume."""
    try:
        with stoppable_progress() as show:
            yield show
    except KeyboardInterrupt as stop:
        stop_insisting()
        write_message(f"jaxstyle: interrupted; the same command resumes in {folder}")
        sys.exit(exit_status(stop))
