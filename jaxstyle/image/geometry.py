"""Geometry of pictures: resizing, rotation, and the buckets that let pictures share programs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from PIL import Image

from jaxstyle.specs import OPEN, Wrap

Picture = Float[np.ndarray, "_h _w 3"]
Alpha = Float[np.ndarray, "_h _w"]
"""From 0, transparent, to 1, opaque."""
_THIN = 16
"""Pixels that the deepest layers need."""


def bucket_of(height: int, width: int) -> tuple[int, int]:
    """Return the shape that pictures of similar proportions share, so that they share programs.

    Its sides are multiples of a sixteenth of the longest side. The short side of a picture that is
    thinner than 4:1 is a multiple of the largest half, quarter, eighth … of that unit which adds
    no more than a quarter to it; but it has 16 pixels, if it has them by whole units.

    >>> bucket_of(171, 256), bucket_of(165, 256), bucket_of(192, 256)
    ((176, 256), (176, 256), (192, 256))
    >>> bucket_of(64, 17000), bucket_of(1000, 90), bucket_of(4, 1000)
    ((64, 17000), (1000, 90), (16, 1000))
    """
    longest = max(height, width)
    rows, columns = (min(longest, _in_bucket(side, longest)) for side in (height, width))
    return rows, columns


def _in_bucket(side: int, longest: int) -> int:
    """Round a side up to a multiple of its unit."""
    units = 16
    unit = max(1, round(longest / units))
    usual = math.ceil(side / unit) * unit
    if 4 * side >= longest:
        return usual
    while side * units < 4 * longest:
        units *= 2
    unit = max(1, longest // units)
    return max(math.ceil(side / unit) * unit, min(usual, _THIN))


def pad_to_bucket(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pad a picture or mask to its bucket, by reflection at the bottom and on the right."""
    padding = [(0, full - side) for full, side in zip(shape, picture.shape[:2], strict=True)]
    if not any(after for _, after in padding):
        return picture
    return np.pad(picture, padding + [(0, 0)] * (picture.ndim - 2), mode="symmetric")


def crop_from_bucket(picture: np.ndarray, part: tuple[float, float]) -> np.ndarray:
    """Crop a picture from its bucket; `part` is the fractions of rows and columns to keep."""
    rows, columns = (
        max(1, round(side * kept)) for side, kept in zip(picture.shape[:2], part, strict=True)
    )
    return picture[:rows, :columns]


def fit_within(height: int, width: int, size: int, least: int = 0) -> tuple[int, int]:
    """Return the height and width of a picture reduced to a longest side of `size`, never enlarged.

    A short side of `least` pixels or more keeps as many: a thin picture is reduced less.

    >>> fit_within(3000, 4000, 256)
    (192, 256)
    >>> fit_within(30, 40, 256)
    (30, 40)
    >>> fit_within(64, 17000, 256), fit_within(64, 17000, 256, least=16)
    ((1, 256), (16, 4250))
    """
    scale = min(1.0, max(size / max(height, width), least / min(height, width)))
    return max(1, round(height * scale)), max(1, round(width * scale))


def have_same_proportions(one: Sequence[int], other: Sequence[int]) -> bool:
    """Compare heights over widths, to 3% and the pixel to which both were rounded."""
    lows, highs = [], []
    for height, width in (one[:2], other[:2]):
        lows.append((height - 0.5 if height > 1 else 0) / (width + 0.5))
        highs.append((height + 0.5) / (width - 0.5 if width > 1 else 1e-9))
    return max(lows) * 0.97 < min(highs)


def resize(image: Picture, shape: tuple[int, int], wrap: Wrap = OPEN) -> Picture:
    """Resample to (height, width), up or down, with an antialiased Lanczos filter, in [0, 1].

    Along axes that wrap the filter reaches over the edge.
    """
    height, width = image.shape[:2]
    # The filter reaches three positions of the coarser of both grids.
    margins = [
        math.ceil(3 * max(1, old / new)) + 1 if wraps else 0
        for old, new, wraps in zip((height, width), shape, wrap, strict=True)
    ]
    (top, left) = margins
    around = (
        np.pad(image, ((top, top), (left, left), (0, 0)), mode="wrap") if any(margins) else image
    )
    box = (left, top, left + width, top + height)
    return by_channel(
        around, lambda plane: plane.resize(shape[::-1], Image.Resampling.LANCZOS, box=box)
    )


def shape_at(shape: Sequence[int], size: int, wrap: Wrap = OPEN, unit: int = 1) -> tuple[int, int]:
    """Return the height and width of a picture reduced to a longest side of about `size`.

    >>> shape_at((768, 1024), 100), shape_at((768, 1024), 100, (True, True), 16)
    ((75, 100), (80, 96))

    Args:
        shape: Its height and width.
        size: Pixels.
        wrap: Along which axes it has whole units.
        unit: Pixels.
    """
    rows, columns = (
        in_units(side, unit) if wraps else side
        for side, wraps in zip(fit_within(shape[0], shape[1], size), wrap, strict=True)
    )
    return rows, columns


def in_units(side: int, unit: int) -> int:
    """Return the multiple of a unit that is nearest to a side, at least one.

    >>> in_units(300, 16), in_units(5, 16)
    (304, 16)
    """
    return max(1, math.floor(side / unit + 0.5)) * unit


def resize_alpha(alpha: Alpha, shape: tuple[int, int]) -> Alpha:
    """Resample alpha to (height, width) by a filter without ripples: what is opaque stays so."""
    return by_channel(
        alpha[..., None], lambda plane: plane.resize(shape[::-1], Image.Resampling.HAMMING)
    )[..., 0]


def enlarged(image: Picture, size: int) -> Picture:
    """Resample a picture whose longest side is under `size` to that, and return others as they are.

    >>> enlarged(np.zeros((2, 4, 3), np.float32), 8).shape
    (4, 8, 3)
    """
    height, width = image.shape[:2]
    scale = size / max(height, width)
    return image if scale <= 1 else resize(image, (round(height * scale), round(width * scale)))


def bilinear(
    old: int, new: int, corners: bool = False, wraps: bool = False
) -> Float[np.ndarray, "new old"]:
    """Return the matrix that resamples one axis linearly, without an antialiasing filter.

    >>> bilinear(2, 3, corners=True).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]

    Args:
        old: Positions before.
        new: Positions after.
        corners: The first and last positions' centers coincide, not the outer edges.
        wraps: Beyond an end lies the other one; then corners are not aligned.
    """
    places = np.arange(new, dtype=float)
    if wraps:
        places = (places + 0.5) * old / new - 0.5
    elif corners:
        places *= (old - 1) / max(1, new - 1)
    else:
        places = np.clip((places + 0.5) * old / new - 0.5, 0, old - 1)
    low = np.floor(places).astype(int)
    after = (low + 1) % old if wraps else np.minimum(low + 1, old - 1)
    matrix = np.zeros((new, old), np.float32)
    np.add.at(matrix, (np.arange(new), low % old), 1 - (places - low))
    np.add.at(matrix, (np.arange(new), after), places - low)
    return matrix


def details(picture: Picture) -> Picture:
    """Return what a picture loses when it is halved and enlarged again, bilinearly."""
    result = picture
    for axis in (0, 1):
        side = picture.shape[axis]
        half = max(1, side // 2)
        matrix = bilinear(half, side) @ bilinear(side, half)
        result = np.moveaxis(np.tensordot(matrix, result, (1, axis)), 0, axis)
    return picture - result


def by_channel(picture: np.ndarray, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    """Change each channel of a picture as an image of mode F, and clip it to [0, 1]."""
    planes = np.ascontiguousarray(np.moveaxis(picture, 2, 0), dtype=np.float32)
    changed = [np.asarray(change(Image.fromarray(plane))) for plane in planes]
    return np.clip(np.stack(changed, axis=-1), 0, 1)


def rotate(picture: np.ndarray, degrees: float) -> np.ndarray:
    """Rotate a picture or mask counterclockwise, and crop the corners that have no content.

    >>> rotate(np.array([[1.0, 2.0]]), 90).tolist()
    [[2.0], [1.0]]
    """
    quarters, rest = divmod(degrees, 90)
    picture = np.ascontiguousarray(np.rot90(picture, int(quarters)))
    if rest == 0:
        return picture
    height, width = picture.shape[:2]
    result = by_channel(
        picture.reshape(height, width, -1),
        lambda plane: plane.rotate(rest, Image.Resampling.BICUBIC, expand=True),
    )
    tall, wide = _inscribed(height, width, math.radians(rest))
    top, left = (result.shape[0] - tall) // 2, (result.shape[1] - wide) // 2
    result = result[top : top + tall, left : left + wide]
    return result if picture.ndim == 3 else result[..., 0]


def _inscribed(height: int, width: int, angle: float) -> tuple[int, int]:
    """Return the largest upright rectangle in a rotated one, minus two pixels of blended edges."""
    sine, cosine = math.sin(angle), math.cos(angle)
    long, short = max(height, width), min(height, width)
    if short <= 2 * sine * cosine * long or abs(sine - cosine) < 1e-9:
        half = short / 2
        across, along = half / cosine, half / sine
        tall, wide = (across, along) if width >= height else (along, across)
    else:
        double = cosine**2 - sine**2
        tall = (height * cosine - width * sine) / double
        wide = (width * cosine - height * sine) / double
    return max(1, int(tall) - 2), max(1, int(wide) - 2)
