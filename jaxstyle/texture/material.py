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
from jaxstyle.settings import Settings
from jaxstyle.specs import wrap_of
from jaxstyle.texture.maps import check_maps, transfer_maps
from jaxstyle.transfer.manifest_paths import Inputs, role_of
from jaxstyle.transfer.sources import Source, Sources

ROLE = "map"
"""What maps are among the inputs of a manifest: `map#height`."""


@dataclass(frozen=True)
class Material:
    """A sample with its maps, and where its texture lies once it is made."""

    sample: Source
    maps: Mapping[str, Picture]
    texture: Path
    inputs: Inputs
    """Path and SHA-256 of each map, by its role in a manifest."""
    sources: Sources

    @classmethod
    def read(
        cls, sample: Source, maps: Mapping[str, str | Path], texture: Path, sources: Sources
    ) -> Material:
        """Read the maps of a sample.

        Args:
            sample: As `synthesize` takes it.
            maps: Their files by name.
            texture: The picture's file.
            sources: What reads them.

        Raises:
            ValueError: A map has other proportions, or its file would be overwritten.
            OSError: A file cannot be read.
        """
        read: dict[str, Picture] = {}
        for name, path in maps.items():
            if Path(path).resolve() == _beside(texture, name).resolve():
                raise ValueError(f"expected a map that is not written over, got {path}")
            read[name] = load_image(sources.content(path), f"the map {name}")
        check_maps(load_image(sources.content(sample), "the sample"), read)
        inputs = {f"{ROLE}#{name}": sources.record(path, ROLE) for name, path in maps.items()}
        return cls(sample, read, texture, inputs, sources)

    def write(self, settings: Settings) -> None:
        """Write the maps of the texture, which was made.

        Args:
            settings: Of the texture.
        """
        made, _ = reread(self.texture)
        # A sample that is larger than its texture was reduced to that.
        longest = max(made.shape[:2])
        sample = load_image(self.sources.content(self.sample), "the sample", longest)
        wrap = wrap_of(settings.padding, settings.tile)
        for name, picture in transfer_maps(made, sample, self.maps, wrap=wrap).items():
            path = _beside(self.texture, name)
            write_image(path, picture, bits=16)
            logger.info("%s", path)


def parsed_maps(texts: Sequence[str]) -> dict[str, str]:
    """Return the files of maps by name.

    Args:
        texts: `"NAME=FILE"` each.

    Raises:
        ValueError: A map has no name, or that of another.

    >>> parsed_maps(["height=deep.png"])
    {'height': 'deep.png'}
    """
    maps: dict[str, str] = {}
    for text in texts:
        name, _, path = text.partition("=")
        if not (re.fullmatch(r"\w+", name) and path) or name in maps:
            raise ValueError(f"expected a map as NAME=FILE, with another name each, got {text}")
        maps[name] = path
    return maps


def recorded_maps(paths: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of a manifest's inputs that are maps, by name.

    >>> recorded_maps({"style": "wall.png", "map#height": "deep.png"})
    {'height': 'deep.png'}
    """
    return {key.removeprefix(f"{ROLE}#"): p for key, p in paths.items() if role_of(key) == ROLE}


def _beside(texture: Path, name: str) -> Path:
    return texture.with_name(f"{texture.stem}-{name}.png")
