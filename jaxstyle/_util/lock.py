"""One run at a time writes to a place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jaxstyle._util.cache import cache_folder


@contextmanager
def alone(path: str | Path) -> Iterator[None]:
    """Be the only process that writes to a place; the kernel forgets it when the process ends.

    All places are bytes of one file in the cache, locked each for itself. Nothing is locked where
    the cache cannot be written, between machines, or on a system without POSIX locks.

    Raises:
        ValueError: Another run is at it.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    name = os.fsencode(os.path.realpath(path))
    place = int.from_bytes(hashlib.sha256(name).digest()[:7])
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        file = open(cache_folder() / "locks", "ab")  # noqa: SIM115 (it is closed below)
    except OSError:
        yield
        return
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except (BlockingIOError, PermissionError):  # POSIX leaves it open which
            raise ValueError(f"another run is writing {path}") from None
        except OSError:
            pass  # a file system without locks
        yield
