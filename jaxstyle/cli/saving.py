"""The end of a run: its picture is written, if not where it should be, then elsewhere."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jaxstyle._util.files import reason
from jaxstyle.cli.streams import write_bytes

if TYPE_CHECKING:
    from jaxstyle.transfer.checkpoint import Checkpoints
    from jaxstyle.transfer.result import Result

STANDARD_OUTPUT = Path("-")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def save(
    result: Result,
    output: Path,
    checkpoints: Checkpoints | None = None,
    encoding: Mapping[str, Any] = _NOTHING,
) -> None:
    """Write a picture; if that is impossible, into a temporary folder, and a checkpoint.

    Args:
        result: What is written.
        output: Where.
        checkpoints: Those of the run.
        encoding: How, as `Result.save` takes it.

    Raises:
        OSError: It cannot be written; the message says where its steps are kept.
    """
    try:
        result.save(output, **encoding)
    except (OSError, ValueError) as error:
        kept = []
        if checkpoints:
            checkpoints.write_last()
        if checkpoints and checkpoints.exist:
            kept.append("--resume continues from a checkpoint")
        with suppress(OSError):
            place = Path(tempfile.mkdtemp(prefix="jaxstyle-")) / f"{output.stem[:40]}.png"
            result.save(place, **encoding)
            kept.append(f"the picture is in {place}")
        raise OSError("; ".join([reason(error), *kept])) from error


def check_standard_output() -> None:
    """Refuse to write a picture into a terminal.

    Raises:
        ValueError: Standard output is one.
    """
    if sys.stdout.isatty():
        raise ValueError("standard output is a terminal: pipe it, or name a file with --output")


def write_to_standard_output(result: Result, suffix: str, encoding: Mapping[str, Any]) -> None:
    """Write a picture to standard output, whole or not at all.

    Args:
        result: What is written.
        suffix: The extension of its format.
        encoding: How, as `Result.save` takes it.

    Raises:
        OSError: It cannot be written.
    """
    from jaxstyle.image.io import encoder, storable
    from jaxstyle.transfer import manifest

    name = f"standard output{suffix}"
    chosen = result.encoding(name, encoding)
    settings = manifest.inside(result.manifest()) if chosen.metadata else None
    content = io.BytesIO()
    encoder(name, storable(name, result.image, result.alpha), chosen, settings=settings)(content)
    write_bytes(content.getvalue())
