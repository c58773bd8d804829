"""Pictures and masks in the forms in which people hold them, as float32 arrays."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

import numpy as np
from jaxtyping import Float
from PIL import Image

from jaxstyle._util.arguments import text
from jaxstyle._util.log import logger
from jaxstyle.image.arguments import (
    as_array,
    check_shape,
    check_values,
    color_of,
    is_float,
    least_side,
    longest_side,
    pixels_of,
)
from jaxstyle.image.decode import decode
from jaxstyle.image.geometry import Picture, fit_within, resize
from jaxstyle.image.io import check_file
from jaxstyle.image.modes import (
    BLACK,
    WHITE,
    Background,
    Color,
    RefusedError,
    check_transparency,
)

if TYPE_CHECKING:  # importing JAX takes a second
    from jax import Array


class SupportsArray(Protocol):
    """An array of NumPy, JAX, or another library that NumPy can convert."""

    def __array__(self) -> np.ndarray: ...


ImageLike = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | SupportsArray
)
"""A file's path or content, an open binary file, a Pillow image, or an array."""


def load_image(
    source: ImageLike,
    name: str = "the picture",
    size: int | None = None,
    *,
    background: Color = WHITE,
    least: int = 0,
) -> Picture:
    """Load a picture from whatever holds it.

    >>> load_image(np.full((2, 3), 51, np.uint8)).tolist()[0][0]
    [0.20000000298023224, 0.20000000298023224, 0.20000000298023224]
    >>> load_image(np.full((2, 3, 3), 2.0), "the style")
    Traceback (most recent call last):
    ValueError: expected the style's values in [0, 1], got 2.0 to 2.0; pass 0 to 255 as uint8

    Args:
        source: One of these, all with the conversions of `jaxstyle.image.decode`:

            - a path, or the content of a picture file as bytes or as an open binary file, which is
              read from its beginning;
            - a `PIL.Image.Image`;
            - an array of NumPy or JAX of shape (height, width) or (height, width, 1) for gray,
              (height, width, 3) for sRGB, or (height, width, 4) with alpha, which is not
              premultiplied. Floats are in [0, 1], uint8 in [0, 255], uint16 in [0, 65535].
        name: Its name in error messages.
        size: Longest side of the result in pixels; a smaller picture is not enlarged.
        background: sRGB color behind transparent pixels, values in [0, 1]. How much of a picture it
            stands for is logged.
        least: Shortest side that stays, where the picture has as many pixels: a thin one is then
            longer than `size`.

    Returns:
        float32, shape (height, width, 3), sRGB in [0, 1].

    Raises:
        TypeError: It is none of these, or another argument is of another type.
        ValueError: It is not a picture, is transparent everywhere, or an array of another shape,
            type or range; or another argument is out of its range.
        OSError: The file is missing or may not be read.
    """
    size, least = longest_side(size), least_side(least)
    behind = Background(color_of(background))
    return _load(source, text("name", name), size, behind, least)


def _load(
    source: ImageLike, name: str, size: int | None, background: Background, least: int = 0
) -> Picture:
    if isinstance(source, (str, os.PathLike)):
        check_file(source)
        return decode(Path(source), os.fspath(source), size, background, least)
    image = _image(source, name)
    if image is not None:
        return decode(image, name, size, background, least)
    array = pixels_of(source, name, "a path, an open file, bytes, a PIL image or an array")
    if array.ndim == 2 and array.size:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or not array.size:
        hint = "; channels come last" if array.ndim == 3 and array.shape[0] in (1, 3, 4) else ""
        raise ValueError(
            f"expected {name} of shape (height, width, 3), or (height, width) for gray, or "
            f"(height, width, 4) with alpha, got {array.shape}{hint}"
        )
    if array.dtype == np.uint8:
        pixels = array[..., 0] if array.shape[2] == 1 else array
        return decode(Image.fromarray(pixels), name, size, background, least)
    check_values(array, name)
    if array.shape[2] == 4:
        array = _composited(array, background, name)
    picture = np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array
    height, width = picture.shape[:2]
    return resize(picture, fit_within(height, width, size or max(height, width), least))


def _composited(array: np.ndarray, background: Background, name: str) -> Picture:
    color, alpha = array[..., :3], array[..., 3:]
    try:
        check_transparency(alpha, 1, background, name)
    except RefusedError as error:
        raise ValueError(f"cannot read {name}: {error}") from None
    return color * alpha + np.asarray(background.color, np.float32) * (1 - alpha)


def float_array(source: ImageLike, name: str) -> Picture | Float[Array, "h w 3"]:
    """Return a float array as it is, checked, a traced one too; load everything else.

    Errors are those of `load_image`; the values of traced arrays are not known yet.
    """
    if not is_float(source):
        return load_image(source, name)
    array = cast("Picture | Float[Array, 'h w 3']", source)
    check_shape(array, name)
    if isinstance(array, np.ndarray):
        check_values(array, name)
    return array


def load_mask(source: ImageLike, name: str = "the mask") -> Float[np.ndarray, "h w"]:
    """Load a mask from whatever holds it, in [0, 1]: 1 inside, 0 outside, soft edges between.

    Sources and errors are those of `load_image`; Boolean arrays, and integer arrays of zeros and
    ones only, are accepted as well. Colors are averaged; transparent pixels are outside. A picture
    of two levels, 0 and the smallest above it, as tools for segmentation write masks, is taken as
    0 and 1, whatever its depth.

    >>> load_mask(np.array([[True, False]])).tolist()
    [[1.0, 0.0]]
    """
    text("name", name)
    if not isinstance(source, (str, os.PathLike)) and _image(source, name) is None:
        array = as_array(source, name)
        if array.dtype.kind in "biu" and array.size and array.min() >= 0 and array.max() <= 1:
            array = array.astype(np.float32)
        if array.ndim == 2 and array.size and is_float(array):
            # As it is, without an average over three equal channels.
            array = array.astype(np.float32)
            check_values(array, name)
            return array
        source = source if array.dtype.kind == "O" else array
    return _without_labels(_load(source, name, None, Background(BLACK, False)).mean(2), name)


def _without_labels(mask: Float[np.ndarray, "h w"], name: str) -> Float[np.ndarray, "h w"]:
    """Return a mask of zeros and ones if it holds the levels 0 and 1 of 255, or of 65535."""
    greatest = mask.max()
    inside = mask > 0
    if not 0 < greatest <= 1.001 / 255 or (mask[inside] != greatest).any():
        return mask
    logger.info(f"{name} holds the levels 0 and {greatest * 255:.2g} of 255, taken as 0 and 1")
    return inside.astype(np.float32)


def _image(source: object, name: str) -> Image.Image | BinaryIO | None:
    """Return a Pillow image or an open file, or None if `source` is neither, nor bytes."""
    if isinstance(source, Image.Image):
        return source
    if isinstance(source, (bytes, bytearray, memoryview)):
        if not len(source):
            raise ValueError(f"expected {name} as the content of a picture file, got no bytes")
        return io.BytesIO(source)
    if isinstance(source, io.TextIOBase):
        raise ValueError(f"expected {name} opened in binary mode ('rb'), got a text file")
    return source if hasattr(source, "read") else None  # type: ignore[return-value]
