"""A material: files of maps beside that of a color, and those of its texture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxstyle._util.log import logger
from jaxstyle.image.geometry import Picture
from jaxstyle.image.io import reread, write_image
from jaxstyle.image.load import load_image
from jaxstyle.specs import Wrap
from jaxstyle.texture.maps import check_maps, transfer_maps


@dataclass(frozen=True)
class Material:
    """A sample with its maps, and where its texture lies once it is made."""

    sample: Any  # as `synthesize` takes it
    maps: Mapping[str, Picture]
    texture: Path

    @classmethod
    def read(cls, sample: Any, maps: Sequence[str], texture: Path) -> Material:
        """Read the maps of a sample.

        Args:
            sample: As `synthesize` takes it.
            maps: `"NAME=FILE"` each.
            texture: The picture's file.

        Raises:
            ValueError: A map has no name, or other proportions, or its file would be overwritten.
            OSError: A file cannot be read.
        """
        read: dict[str, Picture] = {}
        for text in maps:
            name, _, path = text.partition("=")
            if not (re.fullmatch(r"\w+", name) and path) or name in read:
                raise ValueError(f"expected a map as NAME=FILE, with another name each, got {text}")
            if Path(path).resolve() == _beside(texture, name).resolve():
                raise ValueError(f"expected a map that is not written over, got {path}")
            read[name] = load_image(path, f"the map {name}")
        check_maps(load_image(sample, "the sample"), read)
        return cls(sample, read, texture)

    def write(self, wrap: Wrap) -> None:
        """Write the maps of the texture, which was made.

        Args:
            wrap: Along which axes it tiles.
        """
        made, _ = reread(self.texture)
        # A sample that is larger than its texture was reduced to that.
        sample = load_image(self.sample, "the sample", max(made.shape[:2]))
        for name, picture in transfer_maps(made, sample, self.maps, wrap=wrap).items():
            path = _beside(self.texture, name)
            write_image(path, picture, bits=16)
            logger.info("%s", path)


def _beside(texture: Path, name: str) -> Path:
    return texture.with_name(f"{texture.stem}-{name}.png")
