"""A disk that fills: the n-th file that is written fails, and perhaps all after it."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock


@contextmanager
def failing_writes(folder: Path, first: int, *, forever: bool) -> Iterator[None]:
    """Let the `first`-th file (from 1) fail that is written whole into a folder.

    Args:
        folder: Files elsewhere are on another disk.
        first: Which one.
        forever: All after it fail as well.
    """
    count, fsync = 0, os.fsync

    def full(descriptor: int) -> None:
        nonlocal count
        if os.readlink(f"/proc/self/fd/{descriptor}").startswith(f"{folder}/"):
            count += 1
            if count == first or (forever and count > first):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    with mock.patch("os.fsync", full):
        yield
