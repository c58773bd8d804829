"""Options of how a picture's file is written, which several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from jaxstyle.cli.options import grouped_option

Function = TypeVar("Function", bound=Callable[..., Any])
output_option = grouped_option("Output")
FORMATS = ("png", "jpg", "webp", "tif")
"""Formats by the extensions of their files."""
_OPTIONS = (
    output_option(
        "--bits",
        type=click.Choice(("8", "16")),
        help="Bits of each value, 16 in PNG and TIFF [default: 8].",
    ),
    output_option(
        "--quality",
        type=click.IntRange(1, 100),
        metavar="NUMBER",
        help="Quality of JPEG and WebP [default: 95].",
    ),
    output_option(
        "--dpi",
        type=click.FloatRange(1, 65_535),
        metavar="NUMBER",
        help="Pixels per inch, for whoever prints it.",
    ),
    output_option(
        "--metadata/--no-metadata",
        default=None,
        help="Whether the settings and the names of the files, not their folders, are stored "
        "inside the picture, too. Its color profile always is.",
    ),
)


def output_file_options(command: Function) -> Function:
    """Add `--bits`, `--quality`, `--dpi` and `--no-metadata`.

    The command receives those that were given, by name, as `encoding`: what `Encoding` and
    `Result.save` take.
    """

    @wraps(command)
    def with_encoding(
        *args: Any,
        bits: str | None,
        quality: int | None,
        dpi: float | None,
        metadata: bool | None,
        **kwargs: Any,
    ) -> Any:
        values = {
            "bits": None if bits is None else int(bits),
            "quality": quality,
            "dpi": dpi,
            "metadata": metadata,
        }
        given = {name: value for name, value in values.items() if value is not None}
        return command(*args, encoding=given, **kwargs)

    for option in reversed(_OPTIONS):
        with_encoding = option(with_encoding)
    return with_encoding  # type: ignore[return-value]
