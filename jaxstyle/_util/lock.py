"""One run at a time writes to a path."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from jaxstyle._util.cache import cache_folder


@contextmanager
def exclusive_lock(*paths: str | Path) -> Iterator[None]:
    """Hold the only locks on some paths; `ValueError` if another run holds one of them.

    A lock is a file in the cache, named after the path, which the system releases when the process
    ends. Nothing is locked where the cache cannot be written, or between machines without a common
    one.
    """
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(_lock(path))
        yield


@contextmanager
def _lock(path: str | Path) -> Iterator[None]:
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:16]
    folder = cache_folder() / "running"
    lock = FileLock(folder / f"{name}.lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ValueError(f"another run is writing {path}") from None
    except (OSError, NotImplementedError):  # no place to write, or a file system without locks
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):  # Windows does not remove an open file
            os.unlink(lock.lock_file)
        lock.release()
