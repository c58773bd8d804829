"""Which pictures a batch reads: folders, files, globs and lists of them, each with a name."""

from __future__ import annotations

import codecs
import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import urlsplit

from jaxstyle import samples
from jaxstyle._util.inputs import STANDARD_INPUT, is_address
from jaxstyle._util.log import logger
from jaxstyle.image.files import UNREADABLE, extensions, is_picture_file, tree_files
from jaxstyle.image.io import check_file
from jaxstyle.transfer import manifest

_LIST = "@"
_UNNAMED = "picture"


class NamedSource(NamedTuple):
    """A picture, and what its result is named after."""

    source: Any  # as `jaxstyle.transfer.sources.Source`
    name: str  # the file's, without an extension
    folder: str = ""  # where it lies in the folder that was searched

    def __str__(self) -> str:
        is_file = isinstance(self.source, (str, os.PathLike))
        return os.fspath(self.source) if is_file else f"a {type(self.source).__name__}"


def gather(given: Any, *, recursive: bool = False, output: Path | None = None) -> list[NamedSource]:
    """Return the pictures that some texts and objects stand for, in order.

    Args:
        given: One of these, or a list or tuple of them: a picture file or `sample:NAME`; a folder,
            for the picture files in it, sorted by name; a glob such as `photos/*.jpg`; `@FILE`, for
            the lines of a text file, each one of these; or a picture in any other form. Of folders
            and globs, hidden files are left out, and pictures that jaxstyle made.
        recursive: Whether folders are searched with their sub-folders.
        output: A folder that is not searched within another one.

    Raises:
        ValueError: A folder, a glob or a list stands for no picture.
        OSError: A folder or a list cannot be read.
    """
    sources = given if isinstance(given, (list, tuple)) else [given]
    return [one for source in sources for one in _gather(source, recursive, output)]


def _gather(source: Any, recursive: bool, output: Path | None) -> Iterator[NamedSource]:
    if isinstance(source, NamedSource):
        yield source
    elif not isinstance(source, (str, os.PathLike)):
        yield NamedSource(source, _UNNAMED)
    elif is_remote(source):
        yield NamedSource(source, _stem(urlsplit(source).path.strip(STANDARD_INPUT)) or _UNNAMED)
    elif isinstance(source, str) and source.startswith(samples.PREFIX):
        yield NamedSource(source, source.removeprefix(samples.PREFIX))
    else:
        yield from _gather_files(source, recursive, output)


def is_remote(source: str | os.PathLike[str]) -> TypeGuard[str]:
    """Whether a text stands for no file: it comes from the network, or from standard input."""
    return source == STANDARD_INPUT or is_address(source)


def _gather_files(
    source: str | os.PathLike[str], recursive: bool, output: Path | None
) -> Iterator[NamedSource]:
    text = os.fspath(source)
    path = samples.resolve(source) if isinstance(source, str) else Path(source)
    if path.is_dir():
        where = f"in the folder {text}"
        files = tree_files(path, recursive=recursive, without=output)
        _say_unreadable(
            where, tree_files(path, recursive=recursive, without=output, wanted=UNREADABLE)
        )
        folders = [os.path.relpath(file.parent, path) for file in files]
        yield from _not_ours(where, [*zip(files, folders, strict=True)])
    elif os.path.lexists(path):
        yield NamedSource(source, _stem(path))
    elif text.startswith(_LIST):
        for line in _lines(text.removeprefix(_LIST)):
            if line.startswith(_LIST) and not os.path.lexists(line):
                raise ValueError(f"expected no list in the list {text[1:]}, got {line}")
            yield from _gather(line, recursive, output)
    elif glob.has_magic(text):
        files = [Path(file) for file in sorted(glob.glob(os.fspath(path), recursive=True))]
        _say_unreadable(f"like {text}", [f for f in files if is_picture_file(f, UNREADABLE)])
        yield from _not_ours(f"like {text}", [(f, "") for f in files if is_picture_file(f)])
    else:
        yield NamedSource(source, _stem(path))  # whoever reads it says that it is missing


def _say_unreadable(where: str, files: Sequence[Path]) -> None:
    """Log a warning of photographs of kinds that cannot be read."""
    kinds = Counter(file.suffix.lower() for file in files)
    if kinds:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        logger.warning(
            f"photographs {where} that cannot be read are passed over: {counts}; convert them to "
            "JPEG or PNG first"
        )


def _not_ours(where: str, files: Sequence[tuple[Path, str]]) -> Iterator[NamedSource]:
    """Yield the files that jaxstyle did not make; `ValueError` if there are none."""
    others = [(path, folder) for path, folder in files if not _is_ours(path)]
    left_out = len(files) - len(others)
    if not others:
        but = " but those that jaxstyle made" if left_out else ""
        raise ValueError(f"there are no pictures {where}{but}")
    if left_out:
        logger.info(f"{left_out} of the pictures {where} are left out: jaxstyle made them")
    for path, folder in others:
        yield NamedSource(path, _stem(path), "" if folder == os.curdir else folder)


def _is_ours(path: Path) -> bool:
    """Whether a manifest beside a picture says that it was made by jaxstyle."""
    beside = manifest.beside(path)
    facts = manifest.read_if_whole(beside) if beside.exists() else None
    return facts is not None and facts.get("picture", {}).get("name") == path.name


def _lines(name: str) -> Iterator[str]:
    path = samples.resolve(name)
    check_file(path)
    content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    lines = [os.fsdecode(line).strip() for line in content.splitlines()]
    if not any(lines):
        raise ValueError(f"expected the paths of pictures in {name}, a line each")
    return filter(None, lines)


def _stem(path: str | os.PathLike[str]) -> str:
    """Return a file's name without the extension of a picture.

    >>> _stem("a/photo.jpg"), _stem("a/photo.v2"), _stem("a/photo.v2.png")
    ('photo', 'photo.v2', 'photo.v2')
    """
    stem, extension = os.path.splitext(os.path.basename(path))
    return stem if extension.lower() in extensions() else stem + extension
