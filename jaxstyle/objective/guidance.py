"""Guidance: what an artist asks for, as pictures: styles in several sizes, regions, colors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxstyle.image import color
from jaxstyle.image.geometry import Picture, bucket_of, pad_to_bucket, resize, rotate
from jaxstyle.image.io import read_image
from jaxstyle.objective.regions import Mask, Region, StyleAssignment, looks
from jaxstyle.settings import Settings


class Guide(NamedTuple):
    """Everything that a run's settings say about what is seen.

    All pictures and masks lie in their buckets (`jaxstyle.bucket_of`).

    Attributes:
        content: The content as the run is to see it.
        styles: Every style picture: each style's sizes and rotations, one after the other.
        turns: The rotation of each, degrees.
        looks: How they are read.
        regions: Masks, as they were given.
    """

    content: Picture
    styles: tuple[Picture, ...]
    turns: tuple[float, ...]
    looks: tuple[StyleAssignment, ...]
    regions: tuple[Region, ...]

    def style_mask(self, region: Region, style: int) -> Mask | None:
        """A region's mask of a style picture, turned as the picture is."""
        if region.style is None:
            return None
        return _laid(rotate(region.style, self.turns[style]))


def gather(settings: Settings, content: Picture, styles: Sequence[Picture], size: int) -> Guide:
    """Content, styles and regions as the settings want them.

    Args:
        settings: Of the run.
        content: The content, at full size.
        styles: The styles; longest side `size` times the greatest style scale, if the file has it.
        size: Longest side of the result.

    Raises:
        ValueError: Masks that do not fit their picture, or another number of shares than of styles.
    """
    shares = settings.style_shares or (1.0,) * len(styles)
    if len(shares) != len(styles):
        raise ValueError(f"expected {len(styles)} style shares, got {len(shares)}")
    if settings.style_shares and settings.content_mask:
        raise ValueError(
            "style_shares and masks exclude each other: each region takes a style of its own"
        )
    regions = _regions(settings, content, styles)
    variants: list[tuple[Picture, float]] = []
    seen = content
    for style in styles:
        seen, matched = color.before(settings.color, content, style)
        # Strokes are as large as at scale 1 they would be: of the picture at the size of the run.
        base = min(max(style.shape[:2]), size) / max(style.shape[:2])
        for scale in settings.style_scale:
            shape = [max(16, round(side * base * scale)) for side in style.shape[:2]]
            sized = resize(matched, (shape[0], shape[1]))
            variants += [(rotate(sized, degrees), degrees) for degrees in settings.style_rotation]
    per_style = len(variants) // len(styles)
    return Guide(
        content=_laid(seen),
        styles=tuple(_laid(picture) for picture, _ in variants),
        turns=tuple(degrees for _, degrees in variants),
        looks=looks(shares, per_style, regions, settings.blend),
        regions=regions,
    )


def _laid(picture: np.ndarray) -> np.ndarray:
    return pad_to_bucket(picture, bucket_of(picture.shape[0], picture.shape[1]))


def _regions(settings: Settings, content: Picture, styles: Sequence[Picture]) -> tuple[Region, ...]:
    found = []
    for number, source in enumerate(settings.content_mask):
        other = settings.style_mask[number] if settings.style_mask else None
        style = styles[number] if len(styles) > number > 0 else styles[0]
        found.append(
            Region(
                _laid(_mask(source, content, "content")),
                None if other is None else _mask(other, style, "style"),
            )
        )
    return tuple(found)


def _mask(source: Any, picture: Picture, role: str) -> Mask:
    """A mask from a file, or an array in [0, 1]."""
    if isinstance(source, (str, Path)):
        # What is transparent is outside.
        mask = read_image(source, background=(0.0, 0.0, 0.0)).mean(2)
        role = f"{role} mask {source}"
    else:
        mask = np.asarray(source, np.float32)
        role = f"{role} mask"
    if mask.ndim != 2 or not (mask.min() >= 0 and mask.max() <= 1):
        raise ValueError(f"expected a {role} of shape (height, width) in [0, 1]")
    ratio = mask.shape[0] / mask.shape[1] / (picture.shape[0] / picture.shape[1])
    if not 0.97 < ratio < 1.03:
        raise ValueError(
            f"expected the {role} in the proportions of its picture, which is "
            f"{picture.shape[1]} × {picture.shape[0]} here; it is {mask.shape[1]} × {mask.shape[0]}"
        )
    if mask.max() < 1 / 255:
        raise ValueError(f"the {role} is black: there is nothing in the region")
    return mask
