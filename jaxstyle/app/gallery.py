"""The gallery: the pictures that lie in a room's folder, whoever made them."""

from __future__ import annotations

import base64
import io
import os
import zipfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxstyle._util.files import write_whole
from jaxstyle.app.rooms import Room
from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.encode import as_pillow
from jaxstyle.image.files import is_picture_file
from jaxstyle.image.geometry import Picture
from jaxstyle.image.io import reread, write_image
from jaxstyle.image.transparency import WHITE
from jaxstyle.transfer import manifest
from jaxstyle.transfer.manifest import Manifest, checkpoints_beside

THUMBNAIL = 224
"""Longest side of a picture in a list, pixels."""
_HIDDEN = ("inputs", "visitors")
"""Folders of a room without pictures that were made."""


class Entry(NamedTuple):
    """A picture in the gallery.

    Attributes:
        name: Its path in the room, with slashes.
        path: Its file.
        modified: When it was written, nanoseconds since 1970.
        is_whole: Whether its manifest lies beside it; not of what was stopped, or made elsewhere.
    """

    name: str
    path: Path
    modified: int
    is_whole: bool


def entries(room: Room) -> list[Entry]:
    """Return the pictures in a room, the newest first."""
    rows = []
    for place, folders, names in os.walk(room.folder):
        at_top = Path(place) == room.folder
        folders[:] = [f for f in folders if not f.startswith(".") and not (at_top and f in _HIDDEN)]
        if "cells.json" in names:
            names = [name for name in names if name != "sheet.png"]
        for path in (Path(place, name) for name in names):
            if not is_picture_file(path) or path.is_symlink():
                continue
            try:
                modified = path.stat().st_mtime_ns
            except OSError:  # it was just deleted
                continue
            name = path.relative_to(room.folder).as_posix()
            rows.append(Entry(name, path, modified, manifest.beside(path).is_file()))
    return sorted(rows, key=lambda entry: (-entry.modified, entry.name))


def find(room: Room, name: str) -> Entry:
    """Return the picture of a name: one of `entries`, so that no name leads out of the room.

    Raises:
        ValueError: There is none.
    """
    for entry in entries(room):
        if entry.name == name:
            return entry
    raise ValueError(f"there is no picture {Path(name).name} here any more")


def facts_of(entry: Entry) -> Manifest | None:
    """Return the manifest of a picture; None of one that has none, or a damaged one."""
    facts = manifest.read_if_whole(manifest.beside(entry.path))
    of_another = facts and facts.get("picture", {}).get("name", entry.path.name) != entry.path.name
    return None if of_another else facts


def picture_of(entry: Entry, size: int | None = None) -> Picture:
    """Return the pixels of a picture, over white; errors as of `read_image`."""
    return reread(entry.path, size=size, background=WHITE)[0]


def thumbnail(entry: Entry) -> str | None:
    """Return a small picture as a data URI; None if the file cannot be read."""
    return _thumbnail(str(entry.path), entry.modified)


@lru_cache(maxsize=512)
def _thumbnail(path: str, modified: int) -> str | None:
    try:
        return data_uri(reread(path, size=THUMBNAIL, background=WHITE)[0], lossless=False)
    except (OSError, ValueError):
        return None


def data_uri(picture: Picture, *, lossless: bool, quality: int = 85) -> str:
    """Return a picture as a data URI: PNG if `lossless`, else JPEG."""
    file = io.BytesIO()
    if lossless:
        as_pillow(picture).save(file, "PNG", compress_level=1)
    else:
        as_pillow(picture).save(file, "JPEG", quality=quality)
    kind = "png" if lossless else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def favorites(room: Room) -> set[str]:
    """Return the names of favorites."""
    try:
        return {*room.favorites.read_text("utf-8").splitlines()}
    except (OSError, ValueError):
        return set()


def set_favorite(room: Room, name: str, favorite: bool) -> None:
    """Make a picture a favorite, or no longer one."""
    find(room, name)
    kept = favorites(room) - {name} | ({name} if favorite else set())
    text = "".join(f"{one}\n" for one in sorted(kept))
    write_whole(room.favorites, lambda file: file.write(text.encode()))


def delete(room: Room, name: str) -> None:
    """Delete a picture with its manifest and its checkpoints; uploads stay, others use them."""
    entry = find(room, name)
    manifests = [manifest.beside(entry.path)] if facts_of(entry) else []
    for path in (entry.path, *manifests, *checkpoints_beside(entry.path)):
        path.unlink(missing_ok=True)
    if name in favorites(room):
        kept = "".join(f"{one}\n" for one in sorted(favorites(room) - {name}))
        write_whole(room.favorites, lambda file: file.write(kept.encode()))


def sheet(chosen: Sequence[Entry], target: Path) -> Path:
    """Write a contact sheet of some pictures, and return its path.

    Raises:
        ValueError: There is no picture.
    """
    cells = []
    for entry in chosen:
        try:
            cells.append((entry.path.stem, picture_of(entry, THUMBNAIL)))
        except (OSError, ValueError):
            continue
    if not cells:
        raise ValueError("there is no picture to put on a sheet")
    across = min(len(cells), 5)
    pixels = np.asarray(contact_sheet(cells, across), np.float32) / 255
    write_image(target, pixels)
    return target


def package(room: Room, entry: Entry, target: Path) -> Path:
    """Write a ZIP file of a picture, its manifest and its inputs, and return its path.

    They lie there as in the room, so that `jaxstyle replay` finds the inputs wherever it is
    unpacked.
    """
    facts: Any = facts_of(entry) or {}
    paths = [entry.path, *([manifest.beside(entry.path)] if facts else [])]
    records = facts.get("inputs", {}).values()
    inputs = [Path(record["path"]) for record in records if "path" in record]
    paths += [path for path in inputs if path.resolve().is_relative_to(room.folder.resolve())]
    with zipfile.ZipFile(target, "w", strict_timestamps=False) as archive:
        for path in dict.fromkeys(path.resolve() for path in paths):
            archive.write(path, path.relative_to(room.folder.resolve()).as_posix())
    return target
