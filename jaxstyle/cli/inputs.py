"""Pictures that a command line names: checked before anything heavy is imported."""

from __future__ import annotations

import io
import sys
from functools import cache
from pathlib import Path

from jaxstyle._util.inputs import STANDARD_INPUT, NamedContent, is_address, read_stream


def picture_input(
    name: str, *, offline: bool = False, standard_input: bool = True
) -> str | Path | NamedContent:
    """Return a picture for `stylize`, or raise at once what reading it would raise later.

    Args:
        name: A path, `sample:NAME`, an address, or `-` for standard input, which is read once.
        offline: Never fetch.
        standard_input: Whether `-` is; else it is a file's name.

    Raises:
        ValueError: It is no picture, or standard input is a terminal.
        OSError: It is missing, may not be read, or cannot be fetched.
    """
    from jaxstyle import samples
    from jaxstyle.image.io import check_input
    from jaxstyle.samples import addresses

    if name == STANDARD_INPUT and standard_input:
        return _standard_input()
    if is_address(name):
        addresses.fetch(name, offline=offline, keep=True)
        return name
    path = samples.resolve(name, offline=offline)
    check_input(path)
    return path


@cache
def _standard_input() -> NamedContent:
    from jaxstyle.image.decode import identify

    if sys.stdin is None or sys.stdin.isatty():
        raise ValueError("standard input is a terminal: pipe a picture into it, or name a file")
    content = read_stream(sys.stdin.buffer, "standard input")
    identify(io.BytesIO(content), "standard input")
    return NamedContent(content, STANDARD_INPUT)
