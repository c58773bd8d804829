"""The end of a run: its picture is written, if not where it should be, then elsewhere."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jaxstyle._util.files import reason

if TYPE_CHECKING:
    from jaxstyle.transfer.checkpoint import Checkpoints
    from jaxstyle.transfer.result import Result


def save(result: Result, output: Path, checkpoints: Checkpoints | None = None) -> None:
    """Write a picture; if that is impossible, into a temporary folder, and a checkpoint.

    Raises:
        OSError: It cannot be written; the message says where its steps are kept.
    """
    try:
        result.save(output)
    except (OSError, ValueError) as error:
        kept = []
        if checkpoints:
            checkpoints.write_last()
        if checkpoints and checkpoints.exist:
            kept.append("--resume continues from a checkpoint")
        with suppress(OSError):
            place = Path(tempfile.mkdtemp(prefix="jaxstyle-")) / f"{output.stem[:40]}.png"
            result.save(place)
            kept.append(f"the picture is in {place}")
        raise OSError("; ".join([reason(error), *kept])) from error
