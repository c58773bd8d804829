"""Where pictures and weights come from; runs that share one read each of them once."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

import jax
import numpy as np
from PIL import Image

from jaxstyle import samples
from jaxstyle._util.inputs import (
    STANDARD_INPUT,
    NamedContent,
    can_be_read_again,
    is_address,
    read_input,
)
from jaxstyle._util.log import logger
from jaxstyle.image.framing import shape_of
from jaxstyle.image.geometry import Alpha, Picture
from jaxstyle.image.io import check_file
from jaxstyle.image.labels import LabelMap, load_labels
from jaxstyle.image.load import ImageLike, load_over
from jaxstyle.image.masks import Stored, load_mask, stored
from jaxstyle.image.transparency import Background, Color
from jaxstyle.samples import addresses
from jaxstyle.settings import GUIDES, MAPS, Settings, guides, pictures_of
from jaxstyle.weights.network_cache import NetworkCache

Source = ImageLike
"""A picture in any of the forms that `load_image` takes.

A text may be `"sample:NAME"`, `"~/photo.jpg"`, or an address (`file:`, `http:`, `https:`) as well.
"""


class Sources:
    """Pictures and weights, each read once.

    A file that is read again, for another size, has to be the same. What can be read only once (a
    pipe, an open file) is held.

    Attributes:
        networks: Weights by name.
        offline: Never fetch anything.
    """

    def __init__(self, *, offline: bool = False) -> None:
        self.offline = offline
        self.networks = NetworkCache(offline=offline)
        self._noted: set[str] = set()
        self._reported: set[Hashable] = set()
        self._pictures: dict[tuple[Hashable, ...], tuple[Picture, Alpha | None]] = {}
        self._records: dict[tuple[Hashable, str], dict[str, str]] = {}
        self._digests: dict[Hashable, str] = {}
        self._contents: dict[Hashable, bytes] = {}
        self._held: dict[int, Source] = {}

    def note(self, line: str, level: int = logging.INFO) -> None:
        """Log a line, once."""
        if line not in self._noted:
            self._noted.add(line)
            logger.log(level, line)

    def path(self, source: str | os.PathLike[str]) -> Path:
        """Return the file that a text or a path stands for; a sample is fetched if it has to be.

        Only a text can name a sample.
        """
        if isinstance(source, os.PathLike):
            return Path(source)
        return samples.resolve(source, offline=self.offline)

    def picture(
        self,
        source: Source,
        role: str,
        size: int,
        least: int = 0,
        background: Color | None = None,
    ) -> Picture:
        """Return a picture, its longest side at most `size`.

        Args:
            source: What holds it.
            role: Its name in messages.
            size: In pixels.
            least: See `load_image`.
            background: Likewise.

        Raises:
            TypeError: It is traced by JAX: a run goes on the host.
            ValueError: It is no picture, its values are not in [0, 1], or the file changed.
            OSError: A file cannot be read.
        """
        return self._picture(source, role, size, least, background)[0]

    def alpha(self, source: Source, role: str, size: int, least: int = 0) -> Alpha | None:
        """Return the alpha of a picture without a background; None if it is opaque."""
        return self._picture(source, role, size, least, None)[1]

    def _picture(
        self, source: Source, role: str, size: int, least: int, background: Color | None
    ) -> tuple[Picture, Alpha | None]:
        if isinstance(source, jax.core.Tracer):
            raise TypeError(
                f"expected the {role} as a picture, got an array that JAX traces: stylize runs on "
                "the host and compiles its own programs; inside jit, grad or vmap use "
                "jaxstyle.StyleLoss"
            )
        key = (self._key(source), size, least, background)
        if key not in self._pictures:
            content = self.content(source)
            name = content.name if isinstance(content, NamedContent) else f"the {role}"
            # What is transparent is said once, not of every size.
            behind = Background(background, is_reported=key[0] not in self._reported)
            self._pictures[key] = load_over(content, name, size, behind, least)
            self._reported.add(key[0])
        return self._pictures[key]

    def shape(self, source: Source, role: str) -> tuple[int, int]:
        """Return height and width of a picture, all of its pixels; errors as of `picture`."""
        held = self.content(source)
        return shape_of(held, held.name if isinstance(held, NamedContent) else f"the {role}")

    def content(self, source: Source) -> Source:
        """Return what a file holds, as an open file with a name; anything else as it is.

        Raises:
            ValueError: The file changed since it was read first, or it is no file.
            OSError: It cannot be read.
        """
        key = self._key(source)
        if is_address(source):
            return NamedContent(self._fetched(source, key), source)
        if isinstance(source, (str, os.PathLike)):
            path = self.path(source)
            return NamedContent(self._read(path, key), str(path))
        if isinstance(source, NamedContent):
            name = "standard input" if source.name == STANDARD_INPUT else source.name
            return NamedContent(source.getvalue(), name)
        if _is_open_file(source):
            if key not in self._contents:
                with contextlib.suppress(OSError):  # a stream without places
                    source.seek(0)
                self._contents[key] = source.read()
            return self._contents[key]
        return source

    def forget(self, source: Source) -> None:
        """Let go of the pixels of a picture; it is read again where it is needed again.

        Of an array all is forgotten: a film has thousands of them.
        """
        key = self._key(source)
        self._pictures = {k: one for k, one in self._pictures.items() if k[0] != key}
        if isinstance(source, np.ndarray):
            self._records = {k: one for k, one in self._records.items() if k[0] != key}
            self._reported.discard(key)
            del self._held[id(source)]

    def with_masks(self, settings: Settings) -> Settings:
        """Return settings with what the files of masks and maps hold in place of the paths."""
        held: dict[str, Any] = {
            name: tuple(map(self.content, files)) for name, files in guides(settings).items()
        }
        for name in MAPS:
            held[name] = held[name][0] if held[name] else None
        return replace(settings, **held)

    def labels(self, source: Source) -> LabelMap:
        """Return a label map."""
        return load_labels(self.content(source), "the label map")

    def stored(self, source: Source) -> Stored | None:
        """Return how a picture's file holds its pixels; None of arrays."""
        return stored(self.content(source), "the picture")

    def records(
        self, settings: Settings, content: Source | None, styles: Sequence[Source]
    ) -> dict[str, dict[str, str]]:
        """Record every file that a run reads by its role: `style`, then `style#2`."""
        groups: dict[str, Sequence[Any]] = {
            "content": [] if content is None else [content],
            "style": styles,
            **pictures_of(settings),
        }
        return {
            f"{role}#{number + 1}" if number else role: self.record(source, role)
            for role, group in groups.items()
            for number, source in enumerate(group)
        }

    def record(self, source: Source, role: str) -> dict[str, str]:
        """Return path and SHA-256 of a file as a manifest has them; of arrays, the SHA-256."""
        is_mask = role in GUIDES
        key = (self._key(source), role if is_mask else "")
        if key not in self._records:
            if is_address(source):
                self._fetched(source, key[0])
                self._records[key] = {"path": source, "sha256": self._digests[key[0]]}
            elif isinstance(source, NamedContent):
                content = source.getvalue()
                sha256 = hashlib.sha256(content).hexdigest()
                self._records[key] = {"path": source.name, "sha256": sha256}
            elif isinstance(source, (str, os.PathLike)):
                path = self.path(source)
                if key[0] not in self._digests:
                    self._read(path, key[0])
                self._records[key] = {"path": str(path), "sha256": self._digests[key[0]]}
            else:
                digest = hashlib.sha256()
                for part in _parts(self.content(source), role):
                    digest.update(b"" if part is None else part.tobytes())
                self._records[key] = {"sha256": digest.hexdigest()}
        return self._records[key]

    def _fetched(self, address: str, key: Hashable) -> bytes:
        """Return the file at an address, which is fetched once."""
        if key not in self._contents:
            content = addresses.fetch(address, offline=self.offline)
            self._contents[key] = content
            self._digests[key] = hashlib.sha256(content).hexdigest()
        return self._contents[key]

    def _read(self, path: Path, key: Hashable) -> bytes:
        check_file(path)
        content = read_input(path) if can_be_read_again(path) else self._read_once(path)
        digest = hashlib.sha256(content).hexdigest()
        if self._digests.setdefault(key, digest) != digest:
            raise ValueError(f"{path} changed while it was being read; start again")
        return content

    def _read_once(self, path: Path) -> bytes:
        """Return what came through a pipe, under whichever of its names."""
        status = os.stat(path)
        held = (status.st_dev, status.st_ino)
        if held not in self._contents:
            self._contents[held] = read_input(path)
        return self._contents[held]

    def _key(self, source: Source) -> Hashable:
        """Return a path's text, or an object's identity; it is held, so that no other gets it."""
        if isinstance(source, (str, os.PathLike)):
            return isinstance(source, str), os.fspath(source)
        self._held[id(source)] = source
        return id(source)


_QUIETLY = Background(is_reported=False)


def _parts(source: Source, role: str) -> tuple[np.ndarray | None, ...]:
    """Load what a role stands for: a label map, a mask, or a picture with its alpha."""
    name = f"the {role.replace('_', ' ')}"
    if role == "regions":
        return (load_labels(source, name).indices,)
    return (load_mask(source, name),) if role in GUIDES else load_over(source, name, None, _QUIETLY)


def _is_open_file(source: object) -> TypeGuard[BinaryIO]:
    """Whether it is a file opened in binary mode, not a text file or a picture."""
    is_text = isinstance(source, (io.TextIOBase, Image.Image))
    return hasattr(source, "read") and not is_text


def as_styles(style: Source | Sequence[Source]) -> tuple[Any, ...]:
    """Return one style or several as a tuple.

    Raises:
        ValueError: There is none.
    """
    styles = tuple(style) if isinstance(style, (list, tuple)) else (style,)
    if not styles:
        raise ValueError("expected at least one style")
    return styles
