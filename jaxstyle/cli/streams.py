"""Standard output and standard error: what is said during a run never ends it.

Messages go to standard error, with `write_message`, and are lost where it cannot be written. What
a command is for goes to standard output, whose failure is the command's; a run that has made files
ends with `write_result`, which cannot fail either. Names of files come out as they are: bytes that
are no text as these bytes, control characters escaped, so that a line stays one.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import select
import sys
import unicodedata
from contextlib import suppress
from functools import partial
from typing import Any

STANDARD_OUTPUT = "standard output"
"""The file name of an `OSError` of standard output."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SPELLINGS = {
    **{"×": "x", "·": "*", "√": "sqrt", "‖": "||", "′": "'", "⁄": "/", "ᵀ": "^T", "…": "..."},
    **{"−": "-", "–": "-", "—": "-", "≤": "<=", "≥": ">=", "→": "->", "←": "<-", "²": "^2"},
    **{"³": "^3", "“": '"', "”": '"', "‘": "'", "’": "'", "•": "*"},
}


def write_message(*lines: str) -> None:
    """Write lines to standard error, if it can be written."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError, RuntimeError):
            print(*map(printable, lines), sep="\n", file=sys.stderr, flush=True)


def write_result(text: str) -> None:
    """Write a line to standard output, if it can be written."""
    if sys.stdout is not None:
        with suppress(OSError, ValueError, RuntimeError):
            print(printable(text), flush=True)


def write_bytes(content: bytes) -> None:
    """Write the content of a file to standard output.

    Raises:
        OSError: It cannot be written.
    """
    sys.stdout.flush()
    stream = getattr(sys.stdout, "octets", None) or sys.stdout.buffer
    stream.write(content)
    stream.flush()


def printable(text: str) -> str:
    r"""Escape control characters, of which a line or a terminal could take harm.

    >>> printable("a\nb.png")
    'a\\nb.png'
    """
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def can_print(text: str) -> bool:
    """Whether standard output's encoding has every character of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def path_text(path: str | os.PathLike[str]) -> str:
    """Return a path for standard output: as its bytes where the encoding lacks a character."""
    text = os.fspath(path)
    return text if can_print(text) else os.fsencode(text).decode("ascii", "surrogateescape")


def is_terminal(stream: Any) -> bool:
    """Whether lines of a stream can be written over, as a progress bar does."""
    try:
        interactive = stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False
    kind = os.environ.get("TERM", "" if os.name == "posix" else "console")
    return interactive and kind.lower() not in ("", "dumb", "unknown")


def open_standard_streams() -> None:
    """Make the standard streams of this process safe to write to.

    A closed one is opened on the null device: the next file that is opened would get its number,
    and with it what libraries write there. Characters that an encoding lacks are spelled in others.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r"))  # noqa: SIM115
    codecs.register_error("jaxstyle.text", _spelled)
    codecs.register_error("jaxstyle.names", partial(_spelled, names=True))
    sys.stdout = _rewrapped(sys.stdout, "jaxstyle.text", STANDARD_OUTPUT)
    sys.stderr = _rewrapped(sys.stderr, "jaxstyle.names", None)


def flush_output() -> None:
    """Write what is left for standard output, which Python would do, and complain, at its end."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()


class _Raw(io.RawIOBase):
    """What lies below a text stream: it writes all, or fails at most once.

    Args:
        stream: The stream that it writes to.
        name: Of the file, in an error; None has no errors.
    """

    def __init__(self, stream: Any, name: str | None) -> None:
        self._stream, self._name = stream, name
        self._raw = getattr(stream.buffer, "raw", stream.buffer)
        self._failed = False

    def write(self, data: Any) -> int:
        """Write all bytes."""
        view = memoryview(data).cast("B")
        try:
            written = 0
            while written < len(view) and not self._failed:
                count = self._raw.write(view[written:])
                if count is None:  # a pipe that does not block, and is full
                    select.select([], [self._raw], [])
                written += count or 0
        except OSError as error:
            if self._name:
                self._failed = True
                raise type(error)(error.errno, error.strerror, self._name) from None
        return len(view)

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()


class _Text(io.TextIOWrapper):
    # For click, which would write UTF-8 through it where the encoding is ASCII.
    buffer = None  # type: ignore[assignment]
    octets: io.RawIOBase


def _rewrapped(stream: Any, errors: str, name: str | None) -> Any:
    """Return a stream like the given one; what its encoding lacks is left to `errors`."""
    if getattr(stream, "buffer", None) is None:
        return stream
    if stream.errors not in ("strict", "surrogateescape", "backslashreplace"):
        errors = stream.errors  # which the user chose
    by_lines = name is None or stream.line_buffering or stream.write_through
    raw: Any = _Raw(stream, name)
    text = _Text(raw, stream.encoding, errors, line_buffering=by_lines)
    text.octets = raw
    return text


def _spelled(error: UnicodeError, names: bool = False) -> tuple[bytes, int]:
    """Spell characters that an encoding lacks; in names letters are not mistaken for others."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return b"".join(_spell(character, names) for character in characters), error.end


def _spell(character: str, names: bool) -> bytes:
    if "\udc80" <= character <= "\udcff":  # a byte of a file's name
        return character.encode("ascii", "surrogateescape")
    text = _SPELLINGS.get(character, "")
    if not text and not names:
        script, *_, letter = unicodedata.name(character, "none").split()
        parts = unicodedata.normalize("NFKD", character)
        text = "".join(_SPELLINGS.get(part, part if part.isascii() else "") for part in parts)
        if script == "GREEK":
            text = letter.lower() if character.islower() else letter.title()
    return (text or character).encode("ascii", "backslashreplace")
