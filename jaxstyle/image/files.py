"""Picture files in folders."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import NoReturn

from PIL import Image, ImageFile


def folder_files(folder: str | Path) -> list[Path]:
    """Return the picture files in a folder, sorted by name; `ValueError` if there are none.

    Extensions decide what is a picture. Hidden files and folders inside are skipped.
    """
    files = tree_files(folder)
    if not files:
        raise ValueError(f"there are no pictures in the folder {folder}")
    return files


UNREADABLE = frozenset(
    f".{kind}"
    for kind in "heic heif hif jxl arw cr2 cr3 dng nef orf raf rw2".split()  # noqa: SIM905
)
"""Extensions of photographs that Pillow itself cannot read."""


def tree_files(
    folder: str | Path,
    *,
    recursive: bool = False,
    without: Path | None = None,
    wanted: frozenset[str] | None = None,
) -> list[Path]:
    """Return the picture files in a folder and, if `recursive`, in its sub-folders, by name.

    Args:
        folder: Where to look. Hidden files and folders inside are skipped.
        recursive: Whether to look into sub-folders, too; symbolic links to others are not followed.
        without: A sub-folder that is left out.
        wanted: Extensions, in lower case; those of pictures by default.

    Raises:
        OSError: A folder may not be read.
    """
    files: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=_raise):
        paths = (Path(place, name) for name in sorted(names))
        files += (path for path in paths if is_picture_file(path, wanted))
        folders[:] = sorted(
            name
            for name in folders
            if recursive
            and not name.startswith(".")
            and not (without and _is_same(Path(place, name), without))
        )
    return files


def is_picture_file(path: Path, wanted: frozenset[str] | None = None) -> bool:
    """Whether a file's extension is that of a picture, or a wanted one, and it is not hidden."""
    is_visible = not path.name.startswith(".")
    wanted = extensions() if wanted is None else wanted
    return is_visible and path.suffix.lower() in wanted and path.is_file()


@cache
def extensions() -> frozenset[str]:
    """Return the extensions, in lower case, of the formats that Pillow itself can read."""
    by_extension = Image.registered_extensions()  # loads every plugin
    # Pillow only recognizes some formats and leaves reading them to others: MPEG, and those with a
    # stub, such as HDF5 (a file of weights beside the pictures is no picture). EPS is a program
    # that Ghostscript would have to run. MPO is read as JPEG is.
    stubs = {
        kind
        for kind, (factory, _) in Image.OPEN.items()
        if isinstance(factory, type) and issubclass(factory, ImageFile.StubImageFile)
    }
    readable = ({*Image.OPEN} | {"MPO"}) - stubs - {"MPEG", "EPS"}
    return frozenset(extension for extension, kind in by_extension.items() if kind in readable)


def _raise(error: OSError) -> NoReturn:
    raise error


def _is_same(one: Path, other: Path) -> bool:
    return other.exists() and os.path.samefile(one, other)
