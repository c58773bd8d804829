"""Ctrl-C: it waits for the current steps, and is not lost where Python drops exceptions."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from typing import Any

from jaxstyle._util.log import logger

_RETRY_SECONDS = 0.1


def redeliver_dropped_interrupts() -> None:
    """Interrupt the main thread again where Python drops a `KeyboardInterrupt`.

    Raised in a finalizer, or in a callback of JAX's for the garbage collector, an exception is
    printed and dropped: one Ctrl-C in four while JAX is imported.
    """
    previous = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if dropped.exc_type is KeyboardInterrupt:
            # Not at once: the main thread is still where exceptions are dropped.
            threading.Timer(_RETRY_SECONDS, _thread.interrupt_main).start()
        else:
            previous(dropped)

    sys.unraisablehook = hook


never_lost = redeliver_dropped_interrupts


class DeferredInterrupt:
    """Defers Ctrl-C to the end of the current steps, so that their work is not lost.

    From the first `between_steps` on, Ctrl-C waits for the next one; a second Ctrl-C does not wait.
    Outside of the main thread nothing changes, nor where another handler is installed (a shell
    lets its jobs in the background ignore Ctrl-C).

    Args:
        until: The end of "stopping …" in the message that Ctrl-C waits.
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
