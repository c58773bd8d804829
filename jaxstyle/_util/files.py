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

    It gets its name when it is whole and on the disk; whatever interrupts that, a SIGKILL or a
    power failure included, what lay at `path` before still lies there. Where the system has files
    without a name (Linux), no half file is left under any name; elsewhere a killed process leaves
    a hidden neighbor that ends in `.part`.

    Args:
        path: Where; a symbolic link is written through.
        write: Writes the content to the open binary file that it is given.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        with _nameless(target.parent) or open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if not temporary.exists():
                # A name cannot be given in place of another: the whole file gets its own first.
                # With a folder's descriptor, which goes unused, Python follows the link.
                number = file.fileno()
                os.link(f"/proc/self/fd/{number}", temporary, src_dir_fd=number)
        os.replace(temporary, target)
    except BaseException as error:  # Ctrl-C as well must leave nothing behind
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.strerror:
            # Of the temporary nobody has heard; and a full disk does not say of which file.
            raise type(error)(
                error.errno, f"cannot write it: {error.strerror}", str(path)
            ) from None
        raise


def _nameless(folder: Path) -> BinaryIO | None:
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir("/proc/self/fd"):
        return None
    try:
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b")
    except OSError:  # a file system without them; or what opening by name will say better
        return None


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
