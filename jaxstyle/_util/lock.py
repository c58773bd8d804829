"""One run at a time writes to a path."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from jaxstyle._util.cache import cache_folder


@contextmanager
def exclusive_lock(path: str | Path) -> Iterator[None]:
    """Hold the only lock on a path; the system releases it when the process ends.

    The lock is a file in the cache, named after the path: nothing appears beside an output.
    Nothing is locked where the cache cannot be written, and between machines that do not share it.

    Args:
        path: The file or folder to write; it need not exist.

    Raises:
        ValueError: Another run holds the lock.
    """
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:16]
    lock = FileLock(cache_folder() / "running" / f"{name}.lock", timeout=0)
    try:
        os.makedirs(cache_folder() / "running", exist_ok=True)
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


alone = exclusive_lock
