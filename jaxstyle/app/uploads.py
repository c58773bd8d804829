"""Uploads: pictures that were checked, and lie in a room under names that nobody chooses.

The page names a picture by the name that it got here, never by a path.
"""

from __future__ import annotations

import re
from pathlib import Path

from jaxstyle import samples
from jaxstyle._util.files import sha256, write_whole
from jaxstyle._util.names import nearest
from jaxstyle.app.rooms import Room
from jaxstyle.image.geometry import Picture
from jaxstyle.image.io import read_image, reread
from jaxstyle.image.transparency import WHITE

MOST_BYTES = 100 * 2**20
"""Of an upload."""
_DIGITS = 16
_STORED = re.compile(rf"[0-9a-f]{{{_DIGITS}}}-[\w.+-]{{1,60}}", re.ASCII)


def keep(room: Room, file: Path, name: str | None = None) -> str:
    """Check a picture file, copy it into a room, and return the name that it has there.

    Args:
        room: Where it is kept.
        file: The file. Only its content counts; whoever calls answers for where it lies.
        name: What it was called, for its stem (default: the file's name).

    Raises:
        ValueError: It is no picture, damaged, or too large: of more than 100 MiB, or of more
            pixels than are decoded.
        OSError: It cannot be read, or the room not written.
    """
    size = file.stat().st_size
    shown = Path(name or file.name).name
    if size > MOST_BYTES:
        raise ValueError(f"{shown} is too large: {size >> 20} MiB, of at most {MOST_BYTES >> 20}")
    try:
        read_image(file, size=64)
    except ValueError as error:
        raise ValueError(str(error).replace(str(file), shown)) from None
    content = file.read_bytes()
    stem = re.sub(r"[^\w+-]+", "-", Path(shown).stem, flags=re.ASCII).strip("-")[:40] or "picture"
    suffix = re.sub(r"[^\w.]", "", Path(shown).suffix.lower(), flags=re.ASCII)[:8]
    stored = f"{sha256(file)[:_DIGITS]}-{stem}{suffix}"
    place = room.inputs / stored
    if not place.exists():
        write_whole(place, lambda opened: opened.write(content))
    return stored


def keep_sample(room: Room, name: str, *, offline: bool = False) -> str:
    """Copy a sample picture into a room, and return its name there; errors as of `resolve`."""
    if name not in samples.OWN and name not in samples.FETCHED:
        known = [*samples.OWN, *samples.FETCHED]
        raise ValueError(f"there is no sample {name!r}{nearest(name, known)}")
    path = samples.resolve(f"{samples.PREFIX}{name}", offline=offline)
    return keep(room, path, f"{name}{path.suffix}")


def path_of(room: Room, stored: str) -> Path:
    """Return the file of an upload.

    Raises:
        ValueError: There is no upload of that name; a path is none.
    """
    place = room.inputs / stored if _STORED.fullmatch(stored) else None
    if place is None or place.is_symlink() or not place.is_file():
        raise ValueError(f"there is no upload {Path(stored).name!r}: drop the picture again")
    return place


def preview(room: Room, stored: str, size: int) -> Picture:
    """Return an upload for the eye, over white, its longest side `size` pixels; errors as above."""
    return reread(path_of(room, stored), size=size, background=WHITE)[0]


def title_of(stored: str) -> str:
    """Return what an upload was called, without its extension.

    >>> title_of("0123456789abcdef-my-photo.jpg")
    'my-photo'
    """
    return Path(stored[_DIGITS + 1 :]).stem


def with_digest(room: Room, digest: str) -> str | None:
    """Return the name of the upload whose SHA-256 is `digest`, or None.

    A sample that has it is copied into the room.
    """
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        return None
    for place in sorted(room.inputs.glob(f"{digest[:_DIGITS]}-*")):
        if _STORED.fullmatch(place.name) and sha256(place) == digest:
            return place.name
    for row in samples.listing():
        if row["where"] and sha256(row["where"]) == digest:
            return keep_sample(room, row["name"], offline=True)
    return None
