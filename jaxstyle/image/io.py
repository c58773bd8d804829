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
from PIL import Image, PngImagePlugin

from jaxstyle._util.arguments import instance, number
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
from jaxstyle.image.geometry import Picture
from jaxstyle.image.modes import WHITE, Background, Color

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
_MOST_SETTINGS = {"JPEG": 65_000}
_MOST_SETTINGS_ELSEWHERE = 8_000_000
"""Bytes of settings: a segment of JPEG has 64 KiB; libpng reads text of up to 8 MB."""
_IMAGE_DESCRIPTION = 0x010E
_SETTINGS_KEY = "jaxstyle"


def read_image(
    path: str | os.PathLike[str],
    *,
    size: int | None = None,
    background: Color = WHITE,
    least: int = 0,
) -> Picture:
    """Read a picture file of any format that Pillow opens, and convert it to sRGB.

    See `jaxstyle.image.decode` for orientation, color profiles, transparency and bit depths, and
    `jaxstyle.image.load.load_image` for the arguments and for pictures in other forms.

    Raises:
        FileNotFoundError: There is no such file; the message names the nearest.
        TypeError: An argument is of another type.
        ValueError: The file is not a picture, is truncated, is too large, or is transparent
            everywhere; an argument is out of its range.
        OSError: The file may not be read.
    """
    size, least = longest_side(size), least_side(least)
    background = color_of(background)
    check_file(path)
    return decode(Path(path), os.fspath(path), size, Background(background), least)


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
    path: str | Path, image: Picture, *, settings: str | None = None, quality: int = 95
) -> None:
    """Write a picture, whole or not at all; the extension decides the format.

    >>> write_image("a.webp", np.zeros((1, 20_000, 3)))
    Traceback (most recent call last):
    ValueError: a WebP file holds at most 16383 pixels a side, a.webp would have 20000 × 1: \
choose .png, .jpg or .tif

    Args:
        path: A name that ends in .png, .jpg, .jpeg, .webp, .tif or .tiff.
        image: Floats in [0, 1]; those outside are clipped. Rounded to 8 bits. Or uint8 in
            [0, 255], or uint16 in [0, 65535].
        settings: A JSON text to store in the file: a PNG text chunk named "jaxstyle", EXIF's
            ImageDescription in the other formats. One that is too long for the format (65,000
            bytes in JPEG, 8 million in the others) is left out, with a warning.
        quality: Of JPEG and WebP, 1 to 100. JPEG keeps full color resolution (4:4:4).

    Raises:
        TypeError: An argument is of another type.
        ValueError: An unknown extension, a wrong shape, pixels that are not finite, a side that the
            format cannot hold, or a quality out of its range.
        OSError: The file cannot be written.
    """
    write_whole(path, encoder(path, image, settings=settings, quality=quality))


def encoder(
    path: str | Path, image: Picture, *, settings: str | None = None, quality: int = 95
) -> Callable[[BinaryIO], object]:
    """Return what writes a picture to an open file; see `write_image`."""
    kind = _format(path)
    quality = number("quality", quality, int, low=1, high=100)
    array = as_array(image, "a picture")
    if array.dtype not in (np.float32, np.float64):
        array = pixels_of(image, "a picture")
    check_shape(array, "a picture")
    check_size(path, array.shape)
    if not np.isfinite(array).all():
        raise ValueError("expected finite pixels, got NaN or infinity")
    if array.dtype != np.uint8 and not -1 <= array.min() <= array.max() <= 2:
        logger.warning(
            f"{path}: values from {array.min():.3g} to {array.max():.3g} are clipped to [0, 1]; "
            "pass 0 to 255 as uint8"
        )
    picture = as_pillow(array)
    defaults: dict[str, dict[str, object]] = {
        "JPEG": {"quality": quality, "subsampling": 0},
        "WEBP": {"quality": quality},
        "TIFF": {"compression": "tiff_deflate"},
    }
    options = defaults.get(kind, {})
    if settings is not None:
        instance("settings", settings, str)
        options |= _settings_options(path, kind, settings)
    return lambda file: picture.save(file, kind, **options)


def _settings_options(path: str | Path, kind: str, settings: str) -> dict[str, object]:
    """Return Pillow's options that store settings in a file, if its format can hold them."""
    # EXIF text is ASCII; JSON can escape everything else.
    encoding = "utf-8" if kind == "PNG" else "ascii"
    stored = settings.encode(encoding, "backslashreplace")
    most = _MOST_SETTINGS.get(kind, _MOST_SETTINGS_ELSEWHERE)
    if len(stored) > most:
        logger.warning(
            f"{path} is written without its settings, {len(stored)} bytes, of which {kind} holds "
            f"{most}; the manifest beside the picture of a run has them"
        )
        return {}
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt(_SETTINGS_KEY, stored.decode())
        return {"pnginfo": info}
    exif = Image.Exif()
    exif[_IMAGE_DESCRIPTION] = stored.decode()
    return {"exif": exif}


def as_pillow(image: Picture) -> Image.Image:
    """Return a picture as Pillow has it: values in [0, 1], clipped and rounded to 8 bits.

    uint8 stays as it is.
    """
    if image.dtype == np.uint8:
        return Image.fromarray(image)
    return Image.fromarray(np.round(np.clip(image, 0, 1) * 255).astype(np.uint8))


def read_settings(path: str | Path) -> str | None:
    """Return the settings that `write_image` stored in a picture, or None.

    Raises:
        ValueError: The file is not a picture.
        OSError: It is missing, or may not be read.
    """
    check_file(path)
    if settings := _settings_of_png(Path(path)):
        return settings
    stored = with_image(Path(path), str(path), lambda i: i.getexif().get(_IMAGE_DESCRIPTION))
    return stored if isinstance(stored, str) else None


def _settings_of_png(path: Path) -> str | None:
    """Read them without decoding the picture, and without Pillow's limit on all of its text."""
    data = path.read_bytes()
    if not data.startswith(essentials.PNG):
        return None
    for chunk in essentials.png_chunks(data):
        # Keyword, no compression, and neither language nor translation: as `add_itxt` writes it.
        if chunk.kind == b"iTXt" and chunk.data.startswith(f"{_SETTINGS_KEY}\0\0\0\0\0".encode()):
            return chunk.data[len(_SETTINGS_KEY) + 5 :].decode(errors="replace")
    return None


def check_output(path: str | Path, shape: Sequence[int] | None = None) -> None:
    """Raise before a long run what `write_image` would raise after it.

    Args:
        path: Where a picture is to be written.
        shape: Its height and width, if they are known.

    Raises:
        ValueError: An unknown extension, a folder, or a side that the format cannot hold.
        OSError: There is no folder to write it into, or that may not be written.
    """
    path = Path(path)
    _format(path)
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
    most = MOST_PIXELS_A_SIDE.get(_format(path), longest)
    if longest > most:
        formats = {".png": "PNG", ".jpg": "JPEG", ".tif": "TIFF"}
        able = [
            end for end, kind in formats.items() if longest <= MOST_PIXELS_A_SIDE.get(kind, longest)
        ]
        name = {"WEBP": "WebP"}.get(_format(path), _format(path))
        raise ValueError(
            f"a {name} file holds at most {most} pixels a side, {path} would have "
            f"{shape[1]} × {shape[0]}: choose {', '.join(able[:-1])} or {able[-1]}"
        )


def _format(path: str | Path) -> str:
    extension = Path(path).suffix.lower()
    if extension not in FORMATS:
        raise ValueError(f"expected a file name ending in {', '.join(FORMATS)}, got {str(path)!r}")
    return FORMATS[extension]
