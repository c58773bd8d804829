"""Where the results of a batch lie: under the names of their contents, no two under one name."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import stat
import unicodedata
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxstyle import samples
from jaxstyle._util.files import NAME_BYTES, sha256
from jaxstyle.batch.pictures import NamedSource
from jaxstyle.transfer import manifest

_LONGEST = NAME_BYTES - len("-999.json")
Pair = tuple[NamedSource, NamedSource]
"""A content and a style."""


def pairs_of(
    contents: Sequence[NamedSource], styles: Sequence[NamedSource], pairwise: bool
) -> list[Pair]:
    """Return every content with every style, or the first with the first, …; each pair once.

    Raises:
        ValueError: As many styles as contents are expected, and there are not.
    """
    if pairwise and len(contents) != len(styles):
        raise ValueError(
            f"expected as many styles as pictures to pair them, got {len(styles)} and "
            f"{len(contents)}"
        )
    pairs = zip(contents, styles, strict=True) if pairwise else itertools.product(contents, styles)
    once: dict[Hashable, Pair] = {}
    for content, style in pairs:
        once.setdefault((_identity(content), _identity(style)), (content, style))
    return list(once.values())


def outputs_of(
    pairs: Sequence[Pair], folder: Path, extension: str, *, reads_manifests: bool = True
) -> list[Path]:
    """Return where the result of each pair lies: `photo.png`, or `photo-painting.png` of several.

    A name that another pair has, in whatever case of letters, gets a number: `photo-2.png`. So it
    does where a manifest says that a result of another content lies there.

    Args:
        pairs: Contents and styles, each pair once.
        folder: Where results lie; those of sub-folders in sub-folders.
        extension: With the dot.
        reads_manifests: Whether results that are there already have a name to themselves.
    """
    several = len({_identity(style) for _, style in pairs}) > 1
    places = [_places(pair, folder, extension, several) for pair in pairs]
    names: dict[int, Path] = {}
    taken: set[str] = set()

    def is_free(place: Path, pair: Pair) -> bool:
        is_others = reads_manifests and _is_of_another(place, pair, several)
        return _folded(place) not in taken and not is_others

    def take(number: int, candidates: Iterator[Path]) -> None:
        place = next((place for place in candidates if is_free(place, pairs[number])), None)
        if place is not None:
            names[number] = place
            taken.add(_folded(place))

    # First the plain names, so that a number takes none from a content that is called so.
    for number, candidates in enumerate(places):
        take(number, itertools.islice(candidates, 1))
    for number, candidates in enumerate(places):
        if number not in names:
            take(number, candidates)
    return [names[number] for number in range(len(pairs))]


def _places(pair: Pair, folder: Path, extension: str, several: bool) -> Iterator[Path]:
    content, style = pair
    name = f"{content.name}-{style.name}" if several else content.name
    encoded = os.fsencode(name)
    if len(encoded) > _LONGEST:
        digest = hashlib.sha256(encoded).hexdigest()[:8]
        name = f"{encoded[: _LONGEST - 9].decode(errors='ignore')}-{digest}"
    place = folder / content.folder
    yield place / f"{name}{extension}"
    yield from (place / f"{name}-{number}{extension}" for number in itertools.count(2))


def _folded(place: Path) -> str:
    """Return a path as file systems compare it that take two cases, or two spellings, for one."""
    return unicodedata.normalize("NFC", str(place)).casefold()


def _identity(one: NamedSource) -> Hashable:
    """Return what is equal for two paths of one file."""
    if not isinstance(one.source, (str, os.PathLike)):
        return id(one.source)
    with contextlib.suppress(OSError, ValueError):
        status = os.stat(samples.resolve(os.fspath(one.source), offline=True))
        if stat.S_ISREG(status.st_mode):
            return status.st_dev, status.st_ino
    return os.fspath(one.source)


def _is_of_another(place: Path, pair: Pair, several: bool) -> bool:
    """Whether a result of another content lies there; or of another style, if it is in the name."""
    beside = manifest.beside(place)
    facts = manifest.read_if_whole(beside) if beside.exists() else None
    if facts is None:
        return False
    roles = ("content", "style") if several else ("content",)
    return any(
        _differs(facts["inputs"].get(role, {}), one) for role, one in zip(roles, pair, strict=False)
    )


def _differs(record: Mapping[str, str], one: NamedSource) -> bool:
    """Whether a manifest's record is of another file, not of this one, moved or edited."""
    path: Any = one.source
    with contextlib.suppress(OSError, ValueError):
        path = samples.resolve(path, offline=True) if isinstance(path, str) else path
    if not isinstance(path, (str, os.PathLike)) or not os.path.isfile(path) or "path" not in record:
        return False
    is_same = os.path.realpath(path) == os.path.realpath(record["path"])
    return not is_same and sha256(Path(path)) != record.get("sha256")
