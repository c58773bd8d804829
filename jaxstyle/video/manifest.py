"""The manifest of a film: beside `out.mp4` lies `out.json`, in a folder of frames `film.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxstyle._util.files import write_whole
from jaxstyle._util.forms import MAPPING, NUMBER, TEXT, listing, mapping, record
from jaxstyle.transfer import manifest_paths
from jaxstyle.transfer.updated import updated

MARK = "jaxstyle film"

_FORM = record(
    {
        "settings": MAPPING,
        "film": MAPPING,
        "inputs": mapping(record({}, {"path": TEXT, "sha256": TEXT})),
        "selection": MAPPING,
        "output": record({"name": TEXT}, {"sha256": TEXT}),
        "frames": listing(MAPPING),
        "times": listing(NUMBER),
        "weights": mapping(TEXT),
    }
)


def read(path: Path) -> dict[str, Any] | None:
    """Read a film's manifest; None if the file is none. Its paths can be opened from here.

    Raises:
        ValueError: It is one, but damaged.
    """
    facts = _marked(path)
    if facts is None:
        return None
    try:
        _FORM("", facts)
    except ValueError as error:
        raise ValueError(f"{path} is a damaged manifest: {error}") from None
    return manifest_paths.located(path, updated(facts))


def is_film(path: Path) -> bool:
    """Whether a file is the manifest of a film, whole or damaged."""
    return path.is_file() and _marked(path) is not None  # a pipe can be read only once


def _marked(path: Path) -> dict[str, Any] | None:
    """Return what a file holds that says it is the manifest of a film; None of another."""
    try:
        facts = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) and facts.get("kind") == MARK else None


def write(path: Path, facts: Mapping[str, Any]) -> None:
    """Write a film's manifest, with paths relative to it where that is possible.

    Raises:
        OSError: It cannot be written.
    """
    kept = manifest_paths.relative_to(path.parent, {"kind": MARK, **facts})
    text = json.dumps(kept, indent=1) + "\n"
    write_whole(path, lambda file: file.write(text.encode()))
