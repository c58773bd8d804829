"""Picture files: read, check, write. NumPy and Pillow only.

In memory a picture is float32, shape (height, width, 3), sRGB, values in [0, 1].
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from jaxstyle._util.arguments import instance
from jaxstyle._util.files import write_whole
from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle.image import essentials
from jaxstyle.image.arguments import (
    as_array,
    check_shape,
    color_of,
    least_side,
    longest_side,
    pixels_of,
)
from jaxstyle.image.decode import decode, identify, with_image
from jaxstyle.image.encode import (
    IMAGE_DESCRIPTION,
    OPAQUE,
    SETTINGS_KEY,
    Encoding,
    check_encoding,
    encoder_of,
)
from jaxstyle.image.geometry import Alpha, Picture
from jaxstyle.image.transparency import Background, Color, over, with_alpha

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
MOST_PIXELS_A_SIDE = {"JPEG": 65_500, "WEBP": 16_383}
"""What a format, or Pillow's encoder of it, can hold."""


def read_image(
    path: str | os.PathLike[str],
    *,
    size: int | None = None,
    background: Color | None = None,
    least: int = 0,
) -> Picture:
    """Read a picture file of any format that Pillow opens, and convert it to sRGB.

    See `jaxstyle.image.decode` for orientation, color profiles, transparency and bit depths, and
    `jaxstyle.image.load.load_image` for the arguments and for pictures in other forms.

    Raises:
        FileNotFoundError: There is no such file; the message names the nearest.
        TypeError: An argument is of another type.
        ValueError: The file is not a picture, is truncated, or is too large; an argument is out of
            its range.
        OSError: The file may not be read.
    """
    size, least = longest_side(size), least_side(least)
    behind = Background(None if background is None else color_of(background))
    check_file(path)
    return decode(Path(path), os.fspath(path), size, behind, least)[0]


def reread(
    path: str | os.PathLike[str], *, size: int | None = None, background: Color | None = None
) -> tuple[Picture, Alpha | None]:
    """Read a picture that was written by a run, with its alpha; nothing is logged about it.

    Arguments and errors are those of `read_image`.
    """
    check_file(path)
    return decode(Path(path), os.fspath(path), size, Background(background, is_reported=False))


def check_file(path: str | os.PathLike[str]) -> None:
    """Raise unless there is a file that is not empty; it may hold anything.

    Raises:
        FileNotFoundError: There is no such file; the message names the nearest.
        ValueError: It is a folder, or empty.
    """
    name, path = os.fspath(path), Path(path)
    if path.is_dir():
        raise ValueError(f"expected a file, {name} is a folder")
    if not path.exists():
        hint = "; download what is on the network first"
        if not re.match(r"\w+:/", str(path)):
            names = os.listdir(path.parent) if os.access(path.parent, os.R_OK) else []
            hint = nearest(path.name, names)
        raise FileNotFoundError(f"there is no file {name}{hint}")
    if not (path.is_file() or path.is_fifo()):
        raise ValueError(f"expected a file or a pipe, {name} is a device")
    if path.is_file() and path.stat().st_size == 0:
        raise ValueError(f"{name} is an empty file")


def check_input(path: str | os.PathLike[str]) -> None:
    """Raise at once, before anything heavy is loaded, what `read_image` would raise later.

    The file's beginning is read, not its pixels; nothing is read from a pipe.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not a picture; the message says what it is, if that is known.
        OSError: It may not be read.
    """
    check_file(path)
    if Path(path).is_file():
        identify(Path(path), os.fspath(path))


def write_image(
    path: str | Path,
    image: Picture,
    *,
    settings: str | None = None,
    quality: int = 95,
    bits: int = 8,
    dpi: float | None = None,
) -> None:
    """Write a picture, whole or not at all; the extension decides the format.

    The file states by its ICC profile that the colors are sRGB.

    >>> write_image("a.webp", np.zeros((1, 20_000, 3)))
    Traceback (most recent call last):
    ValueError: a WebP file holds at most 16383 pixels a side, a.webp would have 20000 × 1: \
choose .png, .jpg or .tif

    Args:
        path: A name that ends in .png, .jpg, .jpeg, .webp, .tif or .tiff.
        image: Of shape (height, width, 3), or 4 with alpha, which JPEG does not hold. Floats in
            [0, 1]; those outside are clipped. Or uint8 in [0, 255], or uint16 in [0, 65535].
        settings: A JSON text to store in the file: a PNG text chunk named "jaxstyle", EXIF's
            ImageDescription in the other formats. One that is too long for the format (65,000
            bytes in JPEG, 8 million in the others) is left out, with a warning.
        quality: Of JPEG and WebP, 1 to 100. JPEG keeps full color resolution (4:4:4).
        bits: Of each value, to which it is rounded: 8, or 16 in PNG and TIFF.
        dpi: Pixels per inch, 1 to 65,535, for whoever prints it.

    Raises:
        TypeError: An argument is of another type.
        ValueError: An unknown extension, a wrong shape, pixels that are not finite, a side, a depth
            or an alpha that the format cannot hold, or another argument out of its range.
        OSError: The file cannot be written.
    """
    encoding = Encoding(bits, quality, dpi)
    write_whole(path, encoder(path, image, encoding, settings=settings))


def storable(path: str | Path, picture: Picture, alpha: Alpha | None) -> np.ndarray:
    """Return a picture as a file can hold it: with its alpha, or over white in JPEG."""
    if format_of(path) in OPAQUE:
        return over(picture, alpha)
    return with_alpha(picture, alpha)


def encoder(
    path: str | Path,
    image: Picture,
    encoding: Encoding | None = None,
    *,
    settings: str | None = None,
) -> Callable[[BinaryIO], object]:
    """Return what writes a picture to an open file; see `write_image`."""
    kind = format_of(path)
    array = as_array(image, "a picture")
    if array.dtype not in (np.float32, np.float64):
        array = pixels_of(image, "a picture")
    if array.ndim != 3 or array.shape[2] != 4 or not array.size:
        check_shape(array, "a picture")
    check_size(path, array.shape)
    if not np.isfinite(array).all():
        raise ValueError("expected finite pixels, got NaN or infinity")
    if array.dtype != np.uint8 and not -1 <= array.min() <= array.max() <= 2:
        logger.warning(
            f"{path}: values from {array.min():.3g} to {array.max():.3g} are clipped to [0, 1]; "
            "pass 0 to 255 as uint8"
        )
    if settings is not None:
        instance("settings", settings, str)
    return encoder_of(kind, str(path), array, encoding or Encoding(), settings)


def read_settings(path: str | Path) -> str | None:
    """Return the settings that `write_image` stored in a picture, or None.

    Raises:
        ValueError: The file is not a picture.
        OSError: It is missing, or may not be read.
    """
    check_file(path)
    if settings := _settings_of_png(Path(path)):
        return settings
    stored = with_image(Path(path), str(path), lambda i: i.getexif().get(IMAGE_DESCRIPTION))
    return stored if isinstance(stored, str) else None


def _settings_of_png(path: Path) -> str | None:
    """Read them without decoding the picture, and without Pillow's limit on all of its text."""
    data = path.read_bytes()
    if not data.startswith(essentials.PNG):
        return None
    for chunk in essentials.png_chunks(data):
        # Keyword, no compression, and neither language nor translation: as `add_itxt` writes it.
        if chunk.kind == b"iTXt" and chunk.data.startswith(f"{SETTINGS_KEY}\0\0\0\0\0".encode()):
            return chunk.data[len(SETTINGS_KEY) + 5 :].decode(errors="replace")
    return None


def check_output(
    path: str | Path, shape: Sequence[int] | None = None, encoding: Encoding | None = None
) -> None:
    """Raise before a long run what `write_image` would raise after it.

    Args:
        path: Where a picture is to be written.
        shape: Its height and width, if they are known; and its channels, if it may have alpha.
        encoding: How it is to be written.

    Raises:
        ValueError: An unknown extension, a folder, or a side, a depth or an alpha that the format
            cannot hold.
        OSError: There is no folder to write it into, or that may not be written.
    """
    path = Path(path)
    channels = 4 if shape is not None and tuple(shape[2:]) == (4,) else 3
    check_encoding(format_of(path), str(path), encoding or Encoding(), channels)
    if shape is not None:
        check_size(path, shape)
    if path.is_dir():
        raise ValueError(f"expected a picture file to write, {path} is a folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} into")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"the folder {path.parent} cannot be written")


def check_size(path: str | Path, shape: Sequence[int]) -> None:
    """Raise unless the format of a file can hold a picture of some height and width.

    Raises:
        ValueError: A side is too long; the message names the formats that can.
    """
    longest = max(shape[:2])
    most = MOST_PIXELS_A_SIDE.get(format_of(path), longest)
    if longest > most:
        formats = {".png": "PNG", ".jpg": "JPEG", ".tif": "TIFF"}
        able = [
            end for end, kind in formats.items() if longest <= MOST_PIXELS_A_SIDE.get(kind, longest)
        ]
        name = {"WEBP": "WebP"}.get(format_of(path), format_of(path))
        raise ValueError(
            f"a {name} file holds at most {most} pixels a side, {path} would have "
            f"{shape[1]} × {shape[0]}: choose {', '.join(able[:-1])} or {able[-1]}"
        )


def format_of(path: str | Path) -> str:
    """Return the format that a file's name stands for, as Pillow names it.

    Raises:
        ValueError: An unknown extension.
    """
    extension = Path(path).suffix.lower()
    if extension not in FORMATS:
        raise ValueError(f"expected a file name ending in {', '.join(FORMATS)}, got {str(path)!r}")
    return FORMATS[extension]
