"""Ctrl-C: it waits for the steps at work, and is not lost where Python drops exceptions."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

_AGAIN_SECONDS = 0.1


def never_lost() -> None:
    """Ask again where Python drops a `KeyboardInterrupt`.

    In a finalizer, or in what JAX has the garbage collector call, Python prints an exception and
    goes on: one Ctrl-C in four while JAX is imported.
    """
    tell = sys.unraisablehook

    def hook(dropped: Any) -> None:
        if dropped.exc_type is KeyboardInterrupt:
            # Not at once: we are still where exceptions are dropped.
            threading.Timer(_AGAIN_SECONDS, _thread.interrupt_main).start()
        else:
            tell(dropped)

    sys.unraisablehook = hook


class DeferredInterrupt:
    """Between `between_steps` and the next one Ctrl-C waits, so that nothing is lost.

    A second Ctrl-C does not wait. Outside of the main thread nothing changes, nor where somebody
    else has decided what Ctrl-C does (a shell lets its jobs in the background ignore it).
    """

    def __init__(self, report: Callable[[str], object]) -> None:
        """Nothing changes before the first `between_steps`.

        Args:
            report: Told that Ctrl-C waits.
        """
        self._report = report
        self._asked = False
        self._before: Any = None

    def __enter__(self) -> DeferredInterrupt:
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def between_steps(self) -> None:
        """Raise the `KeyboardInterrupt` that waits, if one does."""
        if self._asked:
            raise KeyboardInterrupt
        ours = threading.current_thread() is threading.main_thread()
        usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._before is None and ours and usual:
            self._before = signal.signal(signal.SIGINT, self._wait)

    def _wait(self, *_: object) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        self._report("stopping after the steps at work; Ctrl-C again stops at once")
