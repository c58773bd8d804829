"""Masks as people, editors and segmentation tools write them, as floats from 0, outside, to 1."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image

from jaxstyle._util.arguments import text
from jaxstyle._util.log import logger
from jaxstyle.image import labels, modes
from jaxstyle.image.arguments import as_array, check_values, is_float
from jaxstyle.image.decode import turn_of, upright, with_image
from jaxstyle.image.flat_colors import LEAST_SHARE, LOSSY, MOST, NOISE, flat_colors
from jaxstyle.image.io import check_file
from jaxstyle.image.load import ImageLike, image_of, load_image
from jaxstyle.image.modes import RefusedError

Mask = Float[np.ndarray, "_h _w"]
"""From 0, outside, to 1, inside."""

_NOISE = 8 / 255
"""What compression with losses may make of 0 and 1."""
_SMALL = 24
"""Two levels up to this are numbers of classes, not shades of gray; as are more, if they are few
and all of them dark."""
_FAINT = 0.5
_ALPHA_NOISE = 2


class Loaded(NamedTuple):
    """A mask as its file holds it."""

    values: Mask
    turned: bool = False  # by an EXIF orientation of its own


class Stored(NamedTuple):
    """How a picture's file holds its pixels."""

    shape: tuple[int, int]  # height and width, before the turn
    turn: Image.Transpose | None  # by EXIF

    @property
    def upright(self) -> tuple[int, int]:
        """Height and width as the picture is shown."""
        swaps = self.turn in (
            Image.Transpose.TRANSPOSE,
            Image.Transpose.TRANSVERSE,
            Image.Transpose.ROTATE_90,
            Image.Transpose.ROTATE_270,
        )
        return self.shape[::-1] if swaps else self.shape


def load_mask(source: ImageLike, name: str = "the mask") -> Mask:
    """Load a mask from whatever holds it, in [0, 1]: 1 inside, 0 outside, soft edges between.

    Sources and errors are those of `load_image`; Boolean arrays, and integer arrays of zeros and
    ones only, are accepted as well. Brightness counts, and transparent pixels are outside. Besides:

    - of a single color on transparent ground, the alpha alone is the mask, black ink too;
    - of two levels, 0 and a small number of a class, the other is inside, as is the other of two
      colors on black, or of a palette's two entries;
    - of a JPEG or a WebP what is nearly 0 or 1 becomes that;
    - a map of several labels is refused: `jaxstyle.image.labels.load_labels` reads it.

    >>> load_mask(np.array([[True, False]])).tolist()
    [[1.0, 0.0]]
    >>> load_mask(Image.fromarray(np.array([[0, 1]], np.uint8))).tolist()
    [[0.0, 1.0]]
    """
    return read_mask(source, name).values


def read_mask(source: ImageLike, name: str = "the mask") -> Loaded:
    """As `load_mask`, with whether the file turned it."""
    text("name", name)
    if isinstance(source, (str, os.PathLike)):
        check_file(source)
        return _of_file(Path(source), os.fspath(source))
    opened = image_of(source, name)
    if opened is not None:
        return _of_file(opened, name)
    array = as_array(source, name)
    if array.dtype.kind in "biu" and array.size and array.min() >= 0 and array.max() <= 1:
        array = array.astype(np.float32)
    if array.ndim == 2 and array.size and is_float(array):
        # As it is, without an average over three equal channels.
        array = array.astype(np.float32)
        check_values(array, name)
        return Loaded(array)
    if array.dtype == np.uint8 and array.size and array.shape[2:] in ((), (3,), (4,)):
        return _of_file(Image.fromarray(array), name)
    pixels = load_image(source if array.dtype.kind == "O" else array, name, background=(0, 0, 0))
    try:
        return Loaded(_without_numbers(pixels.mean(2), name))
    except RefusedError as error:
        raise ValueError(f"cannot read {name}: {error}") from None


def stored(source: ImageLike, name: str) -> Stored | None:
    """Return how a picture's file holds it; None of an array, and of what cannot be read."""
    is_path = isinstance(source, (str, os.PathLike))
    opened = Path(source) if is_path else image_of(source, name)  # type: ignore[arg-type]
    if opened is None:
        return None
    return with_image(
        opened, name, lambda image: Stored((image.height, image.width), turn_of(image))
    )


def turned_like(mask: Loaded, picture: Stored | None, name: str) -> Mask:
    """Turn a mask of the pixels as their file holds them as EXIF turns the picture.

    Editors that know nothing of EXIF write such masks. Only where the shapes tell: of a square, or
    of a picture upside down, the mask stays.
    """
    if (
        picture is None
        or picture.turn is None
        or mask.turned
        or mask.values.shape != picture.shape
        or picture.shape == picture.upright
    ):
        return mask.values
    logger.info(f"{name} lies as its picture's file does, and is turned as EXIF turns the picture")
    return np.asarray(Image.fromarray(mask.values).transpose(picture.turn))


def _of_file(source: Path | BinaryIO | Image.Image, name: str) -> Loaded:
    def read(image: Image.Image) -> Loaded:
        quirks = modes.quirks_of(image)
        image.load()
        turn, image_format = turn_of(image), image.format
        image = upright(image)
        values = _of_palette(image, quirks, name)
        if values is None:
            values = _of_planes(modes.standard(image, quirks), name)
            values = _without_numbers(values, name)
            if image_format in LOSSY:
                values = np.where(values < _NOISE, 0, np.where(values > 1 - _NOISE, 1, values))
        return Loaded(np.ascontiguousarray(values, np.float32), turn is not None)

    return with_image(source, name, read)


def _of_palette(image: Image.Image, quirks: modes.Quirks, name: str) -> Mask | None:
    """Return what lies inside by index, where the palette's colors are not shades of gray."""
    if image.mode != "P" or quirks.transparency is not None:
        return None
    indices = np.asarray(image)
    used = np.flatnonzero(np.bincount(indices.ravel(), minlength=256))
    colors = labels.palette_of(image)[used].astype(int)
    if (np.ptp(colors, axis=1) == 0).all() or len(used) > MOST:
        return None
    if len(used) > 2:
        raise RefusedError(_label_map(used))
    black = used[~colors.any(axis=1)]
    outside = black[0] if len(black) else used[0] if len(used) > 1 else 0
    logger.info(f"{name} is of two colors of a palette: what is not of index {outside} is inside")
    return (indices != outside).astype(np.float32)


def _of_planes(planes: modes.Planes, name: str) -> Mask:
    """Return brightness over black, or alpha alone, or one of two flat colors."""
    colors = np.asarray(planes.colors)
    alpha = None if planes.alpha is None else np.asarray(planes.alpha)
    if alpha is not None and not alpha.any():  # a channel that is not used
        alpha = None
    if alpha is not None:
        visible = colors[alpha > 0].astype(np.float32)
        noise = _ALPHA_NOISE if colors.dtype == np.uint8 else _ALPHA_NOISE / 255
        if alpha.min() < 255 and (np.ptp(visible, axis=0) <= noise).all():
            if visible.mean() < _FAINT * (255 if colors.dtype == np.uint8 else 1):
                logger.info(f"{name} is of one color: its alpha is taken")
            return alpha.astype(np.float32) / 255
    if colors.ndim == 3:
        flat = _of_colors(colors if alpha is None else colors * (alpha > 127)[..., None], name)
        if flat is not None:
            return flat
        values = colors.mean(2, dtype=np.float32) / 255
    else:
        values = np.clip(colors.astype(np.float32), 0, 1)
    return values if alpha is None else values * (alpha.astype(np.float32) / 255)


def _of_colors(colors: np.ndarray, name: str) -> Mask | None:
    """Return where one flat color on black is; None of shades of gray and of photographs."""
    saturated = colors.max(2) - colors.min(2) > NOISE
    if saturated.mean() < LEAST_SHARE:
        return None
    try:
        flat = flat_colors(colors)
    except RefusedError:
        return None
    centers = flat.colors.astype(int)
    is_colored = np.ptp(centers, axis=1) > NOISE
    is_black = centers.max(1) <= NOISE
    if len(centers) == 2 and is_black.any():
        inside = int(np.flatnonzero(~is_black)[0])
        logger.info(f"{name} has one color on black: {labels.hex_of(centers[inside])} is inside")
        return (flat.indices == inside).astype(np.float32)
    if is_colored.sum() > 1:
        raise RefusedError(_label_map([labels.hex_of(center) for center in centers]))
    return None


def _without_numbers(mask: Mask, name: str) -> Mask:
    """Return zeros and ones for two levels that are numbers of classes.

    Raises:
        RefusedError: There are more numbers than two, or none of them is 0.
    """
    greatest = float(mask.max())
    if not 0 < greatest < _FAINT:
        return mask
    levels = np.unique(mask)
    unit = 65535 if greatest <= _SMALL * 1.001 / 65535 else 255
    numbers = [f"{level * unit:.3g}" for level in levels]
    is_small = greatest * unit <= _SMALL * 1.001
    if is_small and (len(levels) == 1 or (len(levels) == 2 and levels[0] == 0)):
        logger.info(f"{name} holds the levels {' and '.join(numbers)} of {unit}, taken as 0 and 1")
        return (mask > 0).astype(np.float32)
    if len(levels) <= _SMALL and (is_small or len(levels) > 2):
        raise RefusedError(_label_map(numbers))
    return mask


def _label_map(shown: object) -> str:
    names = [str(one) for one in shown]  # type: ignore[attr-defined]
    some = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
    return f"it is a map of {len(names)} labels ({some}); give it as regions, or one mask for each"
