"""`python -m jaxstyle`, and what the command `jaxstyle` starts."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

_LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_TUNABLES = "GLIBC_TUNABLES"
_WISH = "glibc.malloc.hugetlb"
_STOPPED = (129, 130, 143)
_UNWRITABLE = (OSError, ValueError, AttributeError)


def start() -> None:
    """Run the command line, with large pages of memory where the system gives them on demand.

    Every step's temporary memory is new, and the first touch of its pages of 4 KiB takes a sixth
    of the step (benchmarks/pages.md). The C library reads the wish for large ones only when a
    process begins, so Python begins once more, as the same process, before anything was done.
    Where the wish was expressed already, for or against, it stays.
    """
    tunables = os.environ.get(_TUNABLES, "")
    if _WISH not in tunables and sys.executable and _on_demand():
        os.environ[_TUNABLES] = f"{tunables}:{_WISH}=1".removeprefix(":")
        with contextlib.suppress(OSError):
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    try:
        _run()
    except KeyboardInterrupt as stop:
        with contextlib.suppress(*_UNWRITABLE):
            print("jaxstyle: interrupted", file=sys.stderr)
        _leave(128 + getattr(stop, "number", signal.SIGINT))
    except SystemExit as end:
        if end.code in _STOPPED:
            _leave(end.code)
        raise


def _run() -> None:
    from jaxstyle.cli import streams, terminal

    streams.open_standard_streams()
    terminal.stop_on_signals()
    terminal.redeliver_dropped_interrupts()
    from jaxstyle.cli.main import main

    try:
        main()
    finally:
        streams.flush_output()


def _leave(status: int) -> None:
    """End after Ctrl-C, without the clean-up of half-imported libraries, which can crash."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(*_UNWRITABLE):
            stream.flush()
    os._exit(status)


def _on_demand() -> bool:
    """Whether the system gives large pages, but only to those who ask."""
    try:
        return "[madvise]" in _LARGE_PAGES.read_text("utf-8")
    except OSError:
        return False


if __name__ == "__main__":
    start()
