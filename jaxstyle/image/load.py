"""Pictures in the forms in which people hold them, as float32 arrays."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

import numpy as np
from jaxtyping import Float
from PIL import Image

from jaxstyle._util.arguments import text
from jaxstyle.image.arguments import (
    check_shape,
    check_values,
    color_of,
    is_float,
    least_side,
    longest_side,
    pixels_of,
)
from jaxstyle.image.decode import decode
from jaxstyle.image.geometry import Alpha, Picture, fit_within, resize
from jaxstyle.image.io import check_file
from jaxstyle.image.transparency import (
    Background,
    Color,
    filled_within,
    is_used,
    over,
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
    background: Color | None = None,
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
        background: sRGB color behind transparent pixels, values in [0, 1]; None for the colors of
            the opaque pixels around them. How much of a picture is transparent is logged.
        least: Shortest side that stays, where the picture has as many pixels: a thin one is then
            longer than `size`.

    Returns:
        float32, shape (height, width, 3), sRGB in [0, 1].

    Raises:
        TypeError: It is none of these, or another argument is of another type.
        ValueError: It is not a picture, or an array of another shape, type or range; or another
            argument is out of its range.
        OSError: The file is missing or may not be read.
    """
    size, least = longest_side(size), least_side(least)
    behind = Background(None if background is None else color_of(background))
    return load_over(source, text("name", name), size, behind, least)[0]


def load_with_alpha(
    source: ImageLike, name: str = "the picture", size: int | None = None, *, least: int = 0
) -> tuple[Picture, Alpha | None]:
    """Load a picture and its alpha from whatever holds it.

    >>> logo = np.zeros((2, 2, 4), np.uint8)
    >>> logo[0] = 255, 0, 0, 255
    >>> picture, alpha = load_with_alpha(logo)
    >>> alpha.tolist(), picture[1, 1].tolist()
    ([[1.0, 1.0], [0.0, 0.0]], [1.0, 0.0, 0.0])

    Arguments and errors are those of `load_image`.

    Returns:
        The picture as `load_image` returns it without a background, and its alpha in [0, 1], shape
        (height, width); None if it is opaque, or its alpha is zero everywhere and so unused.
    """
    size, least = longest_side(size), least_side(least)
    return load_over(source, text("name", name), size, Background(), least)


def load_over(
    source: ImageLike, name: str, size: int | None, background: Background, least: int = 0
) -> tuple[Picture, Alpha | None]:
    """Load a picture, and its alpha unless there is a background, of checked arguments."""
    if isinstance(source, (str, os.PathLike)):
        check_file(source)
        return decode(Path(source), os.fspath(source), size, background, least)
    image = image_of(source, name)
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
    height, width = array.shape[:2]
    shape = fit_within(height, width, size or max(height, width), least)
    if array.shape[2] == 4:
        colors, alpha = array[..., :3], array[..., 3]
        array = colors
        if is_used(alpha, 1, background, name):
            if background.color is None:
                return filled_within(np.moveaxis(colors, 2, 0), alpha, shape)
            array = over(colors, alpha, background.color)
    picture = np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array
    return resize(picture, shape), None


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


def image_of(source: object, name: str) -> Image.Image | BinaryIO | None:
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
