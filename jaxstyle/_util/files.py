"""Atomic writes, what they must not replace, and checksums of files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

NAME_BYTES = 255
"""The longest file name that usual file systems take."""


def write_whole(
    path: str | Path,
    write: Callable[[BinaryIO], object],
    *,
    before: Callable[[], object] = lambda: None,
) -> None:
    """Write a file atomically: it is whole or absent, never partly written.

    It gets its name when it is complete and on the disk: whatever interrupts that, a SIGKILL or a
    power failure included, leaves the previous content of `path` in place. Without nameless files
    (outside of Linux) a killed process leaves a hidden neighbor that ends in `.part`.

    Args:
        path: The file to write; a symbolic link is followed.
        write: Writes the content to the open binary file that it receives.
        before: Called when the content is on the disk, before it gets its name.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}.part")
    try:
        with _nameless(target.parent) or open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if not temporary.exists():
                # A link cannot replace a file: the complete file gets a temporary name first. A
                # folder's descriptor, unused, makes Python follow the link.
                number = file.fileno()
                os.link(f"/proc/self/fd/{number}", temporary, src_dir_fd=number)
        before()
        os.replace(temporary, target)
    except BaseException as error:  # Ctrl-C, too, must leave nothing behind
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.strerror:
            # The message names the path, not the temporary file; a full disk names none.
            reason = f"cannot write it: {error.strerror}"
            raise type(error)(error.errno, reason, str(path)) from None
        raise


def _nameless(folder: Path) -> BinaryIO | None:
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir("/proc/self/fd"):
        return None
    try:
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b")
    except OSError:  # a file system without them, or an error that opening by name reports
        return None


def reason(error: Exception) -> str:
    """Return what happened to which file, without the error's number.

    >>> reason(FileNotFoundError(2, "No such file or directory", "a.png"))
    'a.png: No such file or directory'
    """
    if not (isinstance(error, OSError) and error.filename and error.strerror):
        return str(error)
    name = error.filename  # or a descriptor
    return f"{name if isinstance(name, int) else os.fsdecode(name)}: {error.strerror}"


def check_folder(path: str | Path) -> None:
    """Raise a `ValueError` if a file lies where a folder is to be written into."""
    if os.path.exists(path) and not os.path.isdir(path):
        raise ValueError(f"expected a folder to write into, {path} is a file")


def check_outputs(outputs: Iterable[str | Path], inputs: Iterable[str | Path]) -> None:
    """Refuse to write over a file that is read, however its path is spelled.

    Files are distinguished by their numbers in the file system, so links, other cases of letters
    and `..` deceive nobody. Where nothing lies, there is nothing to lose.

    Raises:
        ValueError: An output is one of the inputs, or has a name that is too long.
    """
    read = {_number(path): path for path in inputs} if (outputs := [*outputs]) else {}
    read.pop(None, None)
    for path in outputs:
        number = _number(path)
        if number in read:
            spelled = "" if str(path) == str(read[number]) else f" ({read[number]})"
            raise ValueError(
                f"{path} would be overwritten, and is read{spelled}; choose another output"
            )
        if len(os.fsencode(Path(path).name)) > NAME_BYTES:
            raise ValueError(f"the file name is too long: {Path(path).name}")


def _number(path: str | Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
