"""Files are whole or absent."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write_whole(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file so that nobody ever sees half of it.

    It is written to a temporary neighbor and renamed; whatever interrupts that, the temporary is
    removed and what lay at `path` before still lies there.

    Args:
        path: Where; a symbolic link is written through.
        write: Writes the content to the open binary file that it is given.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        with open(temporary, "xb") as file:
            write(file)
        os.replace(temporary, target)
    except BaseException:  # Ctrl-C as well must leave nothing behind
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
