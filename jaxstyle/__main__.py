"""`python -m jaxstyle`, and what the command `jaxstyle` starts."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

_LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_TUNABLES = "GLIBC_TUNABLES"
_WISH = "glibc.malloc.hugetlb"
_INTERRUPTED = 130


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
        from jaxstyle.cli.main import main
        from jaxstyle.cli.terminal import redeliver_dropped_interrupts

        redeliver_dropped_interrupts()
        main()
    except KeyboardInterrupt:
        print("jaxstyle: interrupted", file=sys.stderr)
        _leave()
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            _leave()
        raise


def _leave() -> None:
    """End after Ctrl-C, without the clean-up of half-imported libraries, which can crash."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_INTERRUPTED)


def _on_demand() -> bool:
    """Whether the system gives large pages, but only to those who ask."""
    try:
        return "[madvise]" in _LARGE_PAGES.read_text()
    except OSError:
        return False


if __name__ == "__main__":
    start()
