"""Transparency: which alpha counts, and what stands for transparent pixels.

A picture with alpha is composited over a color, or it keeps its alpha. Then the colors of its
transparent pixels, which may be anything, are replaced by those of the opaque pixels around them:
so filters at the border of what is opaque see its own colors, and no others bleed into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageColor

from jaxstyle._util.log import logger
from jaxstyle.image.geometry import Alpha, Picture, by_channel
from jaxstyle.image.modes import Planes

Color = tuple[float, float, float]
WHITE: Color = (1.0, 1.0, 1.0)
BLACK: Color = (0.0, 0.0, 0.0)
_NOTABLE = 0.01
"""From this share of transparent pixels on, what happens to them is said."""
_LITTLE = 0.005
"""A picture of which less is opaque is probably not meant."""
_FAINT = 1 / 16
"""Of pixels with less alpha, the color is rounded coarsely, or is that of a former background: it
is mixed with those around it."""
_HALF, _INSIDE, _TINY = 0.5, 0.75, 1e-6
_GAP = 3
"""How much larger than its result a picture is at least when the filters begin."""


class Background(NamedTuple):
    """What stands behind transparent pixels."""

    color: Color | None = None  # None fills them, and keeps the alpha
    is_reported: bool = True  # whether much of it is logged


def color_of_text(text: str) -> Color:
    """Return the sRGB values of a color's name or `"#rrggbb"`, in [0, 1].

    >>> color_of_text("#ff0033")
    (1.0, 0.0, 0.2)
    """
    red, green, blue = (level / 255 for level in ImageColor.getrgb(text)[:3])
    return red, green, blue


def is_used(alpha: np.ndarray, opaque: float, background: Background, name: str) -> bool:
    """Return whether an alpha channel says anything, and log how much of a picture is transparent.

    One that is zero everywhere is an unused channel.

    Args:
        alpha: Of any shape.
        opaque: Its value where the picture is opaque.
        background: What stands for transparent pixels.
        name: The picture's name in messages.
    """
    if alpha.min() >= opaque:
        return False
    if not alpha.any():
        if background.is_reported:
            logger.info(f"{name}: its alpha is zero everywhere, so it is taken as opaque")
        return False
    share = float(alpha.mean(dtype=np.float64)) / opaque
    if background.is_reported:
        _report(1 - share, background.color, name)
    return True


def _report(share: float, color: Color | None, name: str) -> None:
    if color is None and 1 - share < _LITTLE:
        logger.warning(
            f"{name}: only {100 * (1 - share):.2g}% of it is opaque; the rest is ignored"
        )
    elif color is None and share >= _NOTABLE:
        logger.info(f"{name}: {share:.0%} of it is transparent, which is ignored")
    elif color is not None and share >= _NOTABLE:
        names = {WHITE: "white", BLACK: "black"}
        behind = names.get(color, f"the background {color}")
        log = logger.warning if share > 0.5 else logger.info
        log(f"{name}: {share:.0%} of it is transparent, where {behind} is used")


def composited(planes: Planes, color: Color) -> tuple[Image.Image, ...]:
    """Composite over a color: to one image of mode RGB, or one or three of mode F."""
    colors, alpha = planes
    if colors.mode == "RGB":
        composite = Image.new("RGB", colors.size, tuple(round(255 * v) for v in color))
        composite.paste(colors, mask=alpha)
        return (composite,)
    values, opaque = np.asarray(colors), np.asarray(alpha) > 0  # gray has a transparent level
    red, green, blue = color
    levels = (red,) if red == green == blue else color
    return tuple(
        Image.fromarray(np.where(opaque, values, level).astype(np.float32)) for level in levels
    )


def over(picture: Picture, alpha: Alpha | None, color: Color = WHITE) -> Picture:
    """Composite a picture over a color.

    >>> over(np.zeros((1, 1, 3), np.float32), np.array([[0.75]], np.float32)).tolist()
    [[[0.25, 0.25, 0.25]]]
    """
    if alpha is None:
        return picture
    opacity = alpha[..., None]
    return (picture * opacity + np.asarray(color, np.float32) * (1 - opacity)).astype(np.float32)


def with_alpha(picture: Picture, alpha: Alpha | None) -> np.ndarray:
    """Return a picture with its alpha as a fourth channel, or as it is if it has none."""
    return picture if alpha is None else np.concatenate([picture, alpha[..., None]], axis=2)


def opaque_part(picture: Picture, alpha: Alpha | None) -> Picture:
    """Return the pixels that are at least half opaque, in a column: what statistics are made of.

    >>> opaque_part(np.zeros((2, 2, 3), np.float32), np.array([[1.0, 0], [0.7, 0]])).shape
    (2, 1, 3)
    """
    if alpha is None or not (alpha >= _HALF).any():
        return picture
    return picture[alpha >= _HALF][:, None]


def with_opaque_part(picture: Picture, alpha: Alpha | None, part: Picture) -> Picture:
    """Replace what `opaque_part` returned, and fill all else from it."""
    if alpha is None or not (alpha >= _HALF).any():
        return part
    opaque = alpha >= _HALF
    replaced = picture.astype(np.float32)
    replaced[opaque] = part[:, 0]
    return filled(replaced, opaque.astype(np.float32))


def channels_of(colors: Image.Image) -> Iterator[np.ndarray]:
    """Yield the channels of an image of mode RGB or F in [0, 1]."""
    for plane in colors.split():
        values = np.asarray(plane, np.float32)
        yield values / np.float32(255) if plane.mode == "L" else np.clip(values, 0, 1)


def filled_within(
    channels: Iterable[np.ndarray], alpha: Alpha, shape: tuple[int, int]
) -> tuple[Picture, Alpha]:
    """Resize a picture and its alpha, and fill it.

    Args:
        channels: One or three, in [0, 1]; taken one after the other, to save memory.
        alpha: Likewise.
        shape: Height and width of the result.
    """
    if alpha.shape == shape:
        colors, opacity = [*channels], np.ascontiguousarray(alpha)
    else:
        smooth, sharp = _resampled(alpha, shape)
        opacity = np.clip(smooth, 0, 1)
        # Sharp where nearly all that its filter covers is opaque; else a mean, without ripples.
        is_inside = sharp > _INSIDE
        colors = [
            np.clip(
                np.where(is_inside, b / np.where(is_inside, sharp, 1), a / (smooth + _TINY)), 0, 1
            )
            for a, b in (_resampled(channel * alpha, shape) for channel in channels)
        ]
    return filled(np.stack(colors * (3 // len(colors)), axis=2), opacity), opacity


def _resampled(plane: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Resize a plane by a filter without negative weights, and by that of `resize`."""
    factor = max(1, int(max(plane.shape) / max(shape) / _GAP))
    image = Image.fromarray(np.ascontiguousarray(plane)).reduce(factor)
    filters = Image.Resampling.HAMMING, Image.Resampling.LANCZOS
    smooth, sharp = (np.asarray(image.resize(shape[::-1], one)) for one in filters)
    return smooth, sharp


def filled(picture: Picture, alpha: Alpha) -> Picture:
    """Replace the colors of transparent pixels by those of the opaque pixels around them.

    The pyramid of Gortler et al.: pixels are averaged to ever coarser ones until each has a color,
    which then fills what lacks one from coarse to fine, with linear interpolation. Colors of opaque
    pixels stay exactly as they are; those of fully transparent ones change nothing.

    References:
        Gortler, Grzeszczuk, Szeliski & Cohen, "The Lumigraph" (SIGGRAPH 1996), section 3.4.

    >>> picture = np.array([[[1, 0.5, 0], [0, 0, 1]]], np.float32)
    >>> filled(picture, np.array([[1.0, 0.0]], np.float32)).tolist()
    [[[1.0, 0.5, 0.0], [1.0, 0.5, 0.0]]]
    """
    weight = np.clip(alpha / np.float32(_FAINT), 0, 1)[..., None]
    return _filled(np.concatenate([picture * weight, weight], axis=2))


def _filled(sums: np.ndarray) -> Picture:
    """Fill a picture whose colors are multiplied by their weights, the fourth channel."""
    colors, weights = sums[..., :3], sums[..., 3:]
    height, width = sums.shape[:2]
    if weights.min() >= 1 or height == width == 1:
        return np.asarray(colors / np.maximum(weights, 1e-6))
    means = by_channel(sums, lambda plane: plane.reduce(2))
    # One pixel of four that has a color is enough.
    known = np.minimum(1, 4 * means[..., 3:]) / np.maximum(means[..., 3:], 1e-6)
    coarse = _filled(means * known)
    around = by_channel(
        coarse, lambda plane: plane.resize((width, height), Image.Resampling.BILINEAR)
    )
    return np.asarray(colors + (1 - weights) * around)
