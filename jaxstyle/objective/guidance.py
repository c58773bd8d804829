"""Guidance: what an artist asks for, as pictures: styles in several sizes, regions, colors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxstyle.image import color
from jaxstyle.image.geometry import Picture, bucket_of, pad_to_bucket, resize, rotate
from jaxstyle.image.load import load_mask
from jaxstyle.objective.regions import Mask, Region, StyleAssignment, assign_styles
from jaxstyle.settings import Settings


class Guide(NamedTuple):
    """The pictures and masks of a run as its settings ask for them.

    All of them are padded to their buckets (`jaxstyle.image.geometry.bucket_of`).
    """

    content: Picture  # the content that the objective compares with
    # every style picture: each style's sizes and rotations, one after the other
    styles: tuple[Picture, ...]
    rotations: tuple[float, ...]  # the rotation of each, degrees
    assignments: tuple[StyleAssignment, ...]  # which styles go where
    regions: tuple[Region, ...]  # masks, as they were given

    def style_mask(self, region: Region, style: int) -> Mask | None:
        """Return a region's mask of a style picture, rotated as the picture is."""
        if region.style is None:
            return None
        return _padded(rotate(region.style, self.rotations[style]))


def gather(settings: Settings, content: Picture, styles: Sequence[Picture], size: int) -> Guide:
    """Prepare content, styles and regions as the settings ask for them.

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
    recolored = content
    for style in styles:
        recolored, matched = color.transfer_colors(settings.color, content, style)
        # Strokes keep the size that they have at scale 1: that of the picture at the run's size.
        base = min(max(style.shape[:2]), size) / max(style.shape[:2])
        for scale in settings.style_scale:
            height, width = (max(16, round(side * base * scale)) for side in style.shape[:2])
            sized = resize(matched, (height, width))
            variants += [(rotate(sized, degrees), degrees) for degrees in settings.style_rotation]
    per_style = len(variants) // len(styles)
    return Guide(
        content=_padded(recolored),
        styles=tuple(_padded(picture) for picture, _ in variants),
        rotations=tuple(degrees for _, degrees in variants),
        assignments=assign_styles(shares, per_style, regions, settings.blend),
        regions=regions,
    )


def _padded(picture: np.ndarray) -> np.ndarray:
    return pad_to_bucket(picture, bucket_of(picture.shape[0], picture.shape[1]))


def _regions(settings: Settings, content: Picture, styles: Sequence[Picture]) -> tuple[Region, ...]:
    regions = []
    for number, source in enumerate(settings.content_mask):
        other = settings.style_mask[number] if settings.style_mask else None
        style = styles[number] if len(styles) > number > 0 else styles[0]
        regions.append(
            Region(
                _padded(_mask(source, content, "content")),
                None if other is None else _mask(other, style, "style"),
            )
        )
    return tuple(regions)


def _mask(source: Any, picture: Picture, role: str) -> Mask:
    """Load a mask and check that it fits its picture."""
    role = f"{role} mask {source}" if isinstance(source, str) else f"{role} mask"
    mask = load_mask(source, f"the {role}")
    ratio = mask.shape[0] / mask.shape[1] / (picture.shape[0] / picture.shape[1])
    if not 0.97 < ratio < 1.03:
        raise ValueError(
            f"expected the {role} in the proportions of its picture, which is "
            f"{picture.shape[1]} × {picture.shape[0]} here; it is {mask.shape[1]} × {mask.shape[0]}"
        )
    if mask.max() < 1 / 255:
        raise ValueError(f"the {role} is black: there is nothing in the region")
    return mask
