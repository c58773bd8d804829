"""What `--json` prints of pictures that were made: one object on standard output."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxstyle.cli.streams import can_print, write_result

if TYPE_CHECKING:
    from jaxstyle.grid.stylize_grid import Cell
    from jaxstyle.transfer.manifest import Manifest


def picture_object(output: Path, facts: Manifest, width: int, height: int) -> dict[str, Any]:
    """Return what is said of one picture.

    Args:
        output: Its file.
        facts: Its manifest.
        width: In pixels.
        height: In pixels.

    Returns:
        `output` and `manifest`, paths; `width`, `height`; `seconds`; `steps`; `losses`, each term's
        at the last step, and their weighted `total`; `finite`, `failure` (a line, or null); `seed`.
    """
    history = facts["history"]
    return {
        "output": str(output),
        "manifest": str(output.with_suffix(".json")),
        "width": width,
        "height": height,
        "seconds": facts["seconds"],
        "steps": len(history["total"]),
        "losses": {name: values[-1] for name, values in history.items() if values},
        "finite": facts["finite"],
        "failure": facts["failure"],
        "seed": facts["settings"].get("seed"),
    }


def grid_object(folder: Path, cells: Sequence[Cell]) -> dict[str, Any]:
    """Return what is said of a grid: its `folder`, `page` and `cells`.

    Each cell is what `picture_object` returns, with its `values` by name.
    """
    names = json.loads((folder / "cells.json").read_text("utf-8"))
    rows = [
        {
            "values": cell.values,
            **picture_object(
                folder / "cells" / f"{name}.png",
                cell.result.manifest(),
                cell.result.image.shape[1],
                cell.result.image.shape[0],
            ),
        }
        for name, cell in zip(names, cells, strict=False)
    ]
    return {"folder": str(folder), "page": str(folder / "index.html"), "cells": rows}


def write_object(value: Mapping[str, Any]) -> None:
    """Write an object to standard output, in one line; numbers that JSON lacks as null."""
    text = json.dumps(_finite(value), ensure_ascii=False)
    # Where the encoding lacks a character, its escape: another spelling would be other data.
    write_result(text if can_print(text) else json.dumps(json.loads(text)))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(element) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(element) for element in value]
    if isinstance(value, (str, int, float)) or value is None:
        return None if isinstance(value, float) and not math.isfinite(value) else value
    return str(value)
