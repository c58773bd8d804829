"""Guidance: what an artist asks for, as pictures: styles in several sizes, regions, colors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxstyle.image import color
from jaxstyle.image.framing import Frame
from jaxstyle.image.geometry import (
    Picture,
    bucket_of,
    pad_to_bucket,
    resize,
    rotate,
)
from jaxstyle.image.masks import Mask
from jaxstyle.image.transparency import opaque_part, with_opaque_part
from jaxstyle.image.transport import palette_of
from jaxstyle.objective.places import (
    Originals,
    Places,
    log_once,
    padded_like,
    padded_shape,
    read_places,
)
from jaxstyle.objective.regions import (
    ContentAssignment,
    Region,
    StyleAssignment,
    assign_styles,
    multiplied,
    place_styles,
    resize_mask,
    weigh,
)
from jaxstyle.settings import Settings

LEAST_STYLE = 16
"""Pixels that the short side of a style has at least."""


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
    palette: Picture | None = None  # whose colors the result takes; None for the first style's
    contents: ContentAssignment = ContentAssignment()  # where the content terms count
    alphas: tuple[Mask | None, ...] = ()  # of each style, padded as it is; empty where all count
    # How much of the result is the picture made, and not the content; None for all of it. Not
    # padded.
    inside: Mask | None = None
    # Whether positions are repeated, so that programs do not depend on what masks hold.
    repeats: bool = False

    @property
    def is_masked(self) -> bool:
        """Whether any term compares less than all positions."""
        return bool(self.regions or self.alphas)

    def style_mask(self, region: Region, style: int) -> Mask | None:
        """Return a region's mask of a style picture, rotated as the picture is."""
        padded = self.styles[style].shape[:2]
        mask = None
        if region.style is not None:
            rotated = rotate(region.style, self.rotations[style])
            mask = padded_like(rotated, self.style_shapes[style], padded)
        return multiplied((mask, self.alphas[style] if self.alphas else None), padded)


def gather(
    settings: Settings,
    content: Picture,
    styles: Sequence[Picture],
    size: int,
    frame: Frame | None = None,
    palette: Picture | None = None,
    *,
    content_alpha: Mask | None = None,
    style_alphas: Sequence[Mask | None] = (),
    originals: Originals | None = None,
) -> Guide:
    """Prepare content, styles and regions as the settings ask for them.

    Args:
        settings: Of the run.
        content: As the result shows it.
        styles: As they were read.
        size: Longest side of the result, pixels.
        frame: Where the content was cropped, which its masks are, too.
        palette: The picture of `color_from`.
        content_alpha: Where the content's pixels count, 0 to 1; content terms, and the style terms
            of every region, compare these alone.
        style_alphas: Likewise of each style: a style's own pixels that count.
        originals: How the files hold the pictures, so that masks of the same pixels fit.

    Raises:
        ValueError: Masks that do not fit their picture, or another number of shares than of styles.
    """
    shares = settings.style_shares or (1.0,) * len(styles)
    if len(shares) != len(styles):
        raise ValueError(f"expected {len(styles)} style shares, got {len(shares)}")
    if settings.style_shares and (settings.content_mask or settings.regions is not None):
        raise ValueError(
            "style_shares and masks exclude each other: each region takes a style of its own"
        )
    places = read_places(settings, content, styles, frame, originals)
    if palette is None and settings.color == "match":
        parts = map(opaque_part, styles, style_alphas or (None,) * len(styles))
        palette = palette_of([*parts], shares)
    variants: list[tuple[Picture, float]] = []
    alphas: list[Mask | None] = []
    recolored = color.luma(content) if settings.color == "luminance" else content
    for style, alpha in zip(styles, style_alphas or (None,) * len(styles), strict=True):
        _, part = color.transfer_colors(
            settings.color,
            opaque_part(content, content_alpha),
            opaque_part(style, alpha),
            None if settings.color_from is None else palette,
        )
        matched = with_opaque_part(style, alpha, part)
        # Strokes keep the size that they have at scale 1: that of the picture at the run's size.
        base = min(max(style.shape[:2]), size) / max(style.shape[:2])
        for scale in settings.style_scale:
            sized = resize(matched, _style_shape(style, base * scale))
            variants += [(rotate(sized, degrees), degrees) for degrees in settings.style_rotation]
            opaque = None if alpha is None else resize_mask(alpha, sized.shape[:2])
            alphas += [
                None if opaque is None else _style_padded(rotate(opaque, degrees))
                for degrees in settings.style_rotation
            ]
    per_style = len(variants) // len(styles)
    padded = pad_to_bucket(recolored, padded_shape(settings, recolored.shape))
    shown = None
    if content_alpha is not None and content_alpha.min() < 1:
        shown = padded_like(content_alpha, content.shape[:2], padded.shape[:2])
    assignments, regions, contents = _placed(
        settings, shares, per_style, places, shown, padded.shape[:2]
    )
    guide = Guide(
        content=padded,
        styles=tuple(_style_padded(picture) for picture, _ in variants),
        rotations=tuple(degrees for _, degrees in variants),
        style_shapes=tuple((len(picture), len(picture[0])) for picture, _ in variants),
        assignments=assignments,
        regions=regions,
        palette=palette,
        contents=contents,
        alphas=tuple(alphas) if any(alpha is not None for alpha in alphas) else (),
        inside=places.inside,
    )
    _check_styles(guide)
    return guide


def _placed(
    settings: Settings,
    shares: Sequence[float],
    variants: int,
    places: Places,
    alpha: Mask | None,
    shape: tuple[int, int],
) -> tuple[tuple[StyleAssignment, ...], tuple[Region, ...], ContentAssignment]:
    """Return where style and content terms count: see `Guide`."""
    regions = tuple(
        region._replace(content=multiplied((region.content, alpha), shape))
        for region in places.regions
    )
    assignments = assign_styles(shares, variants, regions, settings.blend)
    if alpha is not None and not regions:
        regions = (Region(alpha),)
        pull = float(np.sqrt(alpha.mean()))
        assignments = tuple(one._replace(region=0, weight=one.weight * pull) for one in assignments)
    if places.style_weights is not None:
        regions = tuple(
            one if one.content is None else one._replace(content=resize_mask(one.content, shape))
            for one in regions
        )
        weights = resize_mask(places.style_weights, shape)
        assignments, regions = place_styles(assignments, regions, weights, settings.calibrate)
    if alpha is None and places.content_weights is None:
        return assignments, regions, ContentAssignment()
    where, pull = alpha, 1.0
    if alpha is not None:
        # A term that is not calibrated is a mean over the positions that it compares.
        pull = float(np.sqrt(alpha.mean()) if settings.calibrate else alpha.mean())
    if places.content_weights is not None:
        of_alpha = None if alpha is None else resize_mask(alpha, shape)
        weights = resize_mask(places.content_weights, shape)
        where, factor = weigh(of_alpha, weights, settings.calibrate)
        pull *= factor
    return assignments, (*regions, Region(where)), ContentAssignment(len(regions), pull)


def _check_styles(guide: Guide) -> None:
    """Check that something is left of each style."""
    if not guide.alphas:
        return
    for assignment in guide.assignments:
        region = Region() if assignment.region is None else guide.regions[assignment.region]
        for style in assignment.styles:
            mask = guide.style_mask(region, style)
            if mask is not None and not mask.any():
                raise ValueError("the style is transparent wherever its mask selects it")


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
        log_once(
            f"a style is {width} × {height} pixels at this size; it is mirrored to sides of "
            f"{LEAST_STYLE} or more"
        )
    return pad_to_bucket(style, bucket_of(max(height, LEAST_STYLE), max(width, LEAST_STYLE)))
