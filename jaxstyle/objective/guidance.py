"""Guidance: what an artist asks for, as pictures: styles in several sizes, regions, colors."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxstyle._util.log import logger
from jaxstyle.image import color
from jaxstyle.image.geometry import (
    Picture,
    bucket_of,
    have_same_proportions,
    pad_to_bucket,
    resize,
    rotate,
)
from jaxstyle.image.load import load_mask
from jaxstyle.objective.regions import Mask, Region, StyleAssignment, assign_styles
from jaxstyle.settings import Settings

LEAST_STYLE = 16
"""Pixels that the short side of a style has at least."""
_LEAST_MASK = 0.005
"""A mask that selects less of its picture is probably not meant."""


class Guide(NamedTuple):
    """The pictures and masks of a run as its settings ask for them.

    All of them are padded to their buckets (`jaxstyle.image.geometry.bucket_of`).
    """

    content: Picture  # the content that the objective compares with
    # every style picture: each style's sizes and rotations, one after the other
    styles: tuple[Picture, ...]
    rotations: tuple[float, ...]  # the rotation of each, degrees
    style_shapes: tuple[tuple[int, int], ...]  # height and width of each before it was padded
    assignments: tuple[StyleAssignment, ...]  # which styles go where
    regions: tuple[Region, ...]  # masks, as they were given

    def style_mask(self, region: Region, style: int) -> Mask | None:
        """Return a region's mask of a style picture, rotated as the picture is."""
        if region.style is None:
            return None
        mask = rotate(region.style, self.rotations[style])
        return _padded_like(mask, self.style_shapes[style], self.styles[style].shape[:2])


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
            sized = resize(matched, _style_shape(style, base * scale))
            variants += [(rotate(sized, degrees), degrees) for degrees in settings.style_rotation]
    per_style = len(variants) // len(styles)
    return Guide(
        content=_padded(recolored),
        styles=tuple(_style_padded(picture) for picture, _ in variants),
        rotations=tuple(degrees for _, degrees in variants),
        style_shapes=tuple((len(picture), len(picture[0])) for picture, _ in variants),
        assignments=assign_styles(shares, per_style, regions, settings.blend),
        regions=regions,
    )


def _style_shape(style: Picture, factor: float) -> tuple[int, int]:
    """Return the shape of a style that is resized, in its proportions.

    Its short side keeps `LEAST_STYLE` pixels, if it has them; a tiny one is enlarged.
    """
    height, width = style.shape[:2]
    short, long = sorted((height, width))
    if round(short * factor) < LEAST_STYLE:
        # A thin style would grow long: it is mirrored instead, by `_style_padded`.
        factor = max(factor, min(LEAST_STYLE / short, max(1.0, 4 * LEAST_STYLE / long)))
    return max(1, round(height * factor)), max(1, round(width * factor))


def _style_padded(style: Picture) -> Picture:
    """Pad a style to its bucket, one too thin for the deepest layers to `LEAST_STYLE` pixels."""
    height, width = style.shape[:2]
    if min(height, width) < LEAST_STYLE:
        _log_once(
            f"a style is {width} × {height} pixels at this size; it is mirrored to sides of "
            f"{LEAST_STYLE} or more"
        )
    return pad_to_bucket(style, bucket_of(max(height, LEAST_STYLE), max(width, LEAST_STYLE)))


def _padded(picture: np.ndarray) -> np.ndarray:
    return pad_to_bucket(picture, bucket_of(picture.shape[0], picture.shape[1]))


def _padded_like(mask: Mask, shape: Sequence[int], padded: Sequence[int]) -> Mask:
    """Pad a mask of any size as its picture was padded, so that it lies on the same parts.

    Args:
        mask: It may be larger or smaller than its picture.
        shape: Height and width of the picture before it was padded.
        padded: And after.
    """
    full = []
    for side, kept, most, usual in zip(
        mask.shape, shape, padded, bucket_of(*mask.shape), strict=True
    ):
        exact = round(side * most / kept)
        # The mask's bucket has the same proportions but for rounding, which is kept where it is
        # less than half a pixel of the picture; but rounding may cross a border between buckets.
        full.append(usual if abs(usual - exact) * kept <= side / 2 else exact)
    return pad_to_bucket(mask, (full[0], full[1]))


def _regions(settings: Settings, content: Picture, styles: Sequence[Picture]) -> tuple[Region, ...]:
    regions = []
    shape = content.shape[:2]
    for number, source in enumerate(settings.content_mask):
        other = settings.style_mask[number] if settings.style_mask else None
        style = styles[number] if len(styles) > number > 0 else styles[0]
        regions.append(
            Region(
                _padded_like(_mask(source, content, "content"), shape, bucket_of(*shape)),
                None if other is None else _mask(other, style, "style"),
            )
        )
    return tuple(regions)


def _mask(source: Any, picture: Picture, role: str) -> Mask:
    """Load a mask and check that it fits its picture, and selects something."""
    name = source if isinstance(source, str) else getattr(source, "name", None)
    role = f"{role} mask {name}" if isinstance(name, str) else f"{role} mask"
    mask = load_mask(source, f"the {role}")
    if not have_same_proportions(mask.shape, picture.shape):
        raise ValueError(
            f"expected the {role} in the proportions of its picture, which is "
            f"{picture.shape[1]} × {picture.shape[0]} here; it is {mask.shape[1]} × {mask.shape[0]}"
        )
    greatest, mean = float(mask.max()), float(mask.mean())
    if greatest < 1 / 255:
        raise ValueError(f"the {role} is black: there is nothing in the region")
    if greatest < 0.5:
        _log_once(
            f"the {role} is nowhere brighter than {greatest:.0%}, where white is inside; of a map "
            "of labels, make one mask for each"
        )
    elif mean < _LEAST_MASK:
        _log_once(f"the {role} selects only {mean:.2%} of its picture")
    return mask


@functools.lru_cache(maxsize=1000)
def _log_once(line: str) -> None:
    """Log a warning, once: runs that share their pictures would repeat it."""
    logger.warning(line)
