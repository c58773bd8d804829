"""Input files: each is read once, whole, and what is hashed is what is used."""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Collection
from typing import BinaryIO, TypeGuard

STANDARD_INPUT = "-"
"""The name of what is read from standard input."""
LARGEST = 2**31
"""Bytes that an input file may have: a picture of the most pixels that are decoded has fewer."""
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def read_input(path: str | os.PathLike[str]) -> bytes:
    """Read a file or a pipe to its end.

    Raises:
        ValueError: It is a device, a socket or a folder, it is empty, or larger than `LARGEST`.
        OSError: It is missing or may not be read.
    """
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise ValueError(f"expected a file or a pipe, {os.fspath(path)} is a {_kind(mode)}")
    with open(path, "rb") as file:
        empty = "an empty file" if stat.S_ISREG(mode) else "a pipe through which nothing came"
        return read_stream(file, os.fspath(path), empty)


def read_stream(file: BinaryIO, name: str, empty: str = "empty") -> bytes:
    """Read an open file to its end.

    Args:
        file: Open for reading.
        name: Its name in messages.
        empty: What it is if there is nothing in it.

    Raises:
        ValueError: It is empty, or larger than `LARGEST`.
        OSError: It may not be read.
    """
    content = bytearray()
    # A pipe does not say how much will come, and a file can grow.
    while len(content) <= LARGEST and (part := file.read(1 << 20)):
        content += part
    if len(content) > LARGEST:
        raise ValueError(f"{name} is too large: more than {LARGEST >> 30} GiB")
    if not content:
        raise ValueError(f"{name} is {empty}")
    return bytes(content)


def is_address(text: object) -> TypeGuard[str]:
    """Whether something is the address of a file on the network."""
    return isinstance(text, str) and _ADDRESS.match(text) is not None


def can_be_read_again(path: str | os.PathLike[str]) -> bool:
    """Whether it is a file, not a pipe."""
    return stat.S_ISREG(os.stat(path).st_mode)


def as_text(path: os.PathLike[str], words: Collection[str] = ()) -> str:
    """Return a path as a text that nobody takes for a word, an address, a sample or a home.

    >>> from pathlib import Path
    >>> as_text(Path("noise"), ["noise"]), as_text(Path("a.png"), ["noise"])
    ('./noise', 'a.png')
    """
    text = os.fspath(path)
    means_more = text in words or ":" in text.split(os.sep)[0] or text.startswith("~")
    return os.path.join(os.curdir, text) if means_more else text


class NamedContent(io.BytesIO):
    """The content of a file that was read, as an open binary file.

    Attributes:
        name: The file's path.
    """

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "folder"
    return "socket" if stat.S_ISSOCK(mode) else "device"
