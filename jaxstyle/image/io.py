"""Picture files: read, check, write. NumPy and Pillow only.

In memory a picture is float32, shape (height, width, 3), sRGB, values in [0, 1].
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, PngImagePlugin

from jaxstyle._util.files import write_whole
from jaxstyle._util.names import nearest
from jaxstyle.image.decode import WHITE, Color, decode
from jaxstyle.image.geometry import Picture

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
_IMAGE_DESCRIPTION = 0x010E


def read_image(path: str | Path, *, size: int | None = None, background: Color = WHITE) -> Picture:
    """Read a picture file of any format that Pillow opens, and convert it to sRGB.

    See `jaxstyle.image.decode` for orientation, color profiles, transparency and bit depths, and
    `jaxstyle.image.load.load_image` for `size`, `background` and pictures in other forms.

    Raises:
        FileNotFoundError: There is no such file; the message names the nearest.
        ValueError: The file is not a picture, is truncated, or is too large.
        OSError: The file may not be read.
    """
    check_input(path)
    return decode(Path(path), str(path), size, background)


def check_input(path: str | Path) -> None:
    """Raise at once, before anything heavy is loaded, what `read_image` would raise later."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"expected a picture file, {path} is a folder")
    if not path.exists():
        hint = "; download what is on the network first"
        if not re.match(r"\w+:/", str(path)):
            names = os.listdir(path.parent) if os.access(path.parent, os.R_OK) else []
            hint = nearest(path.name, names)
        raise FileNotFoundError(f"there is no file {path}{hint}")
    if path.is_file() and path.stat().st_size == 0:
        raise ValueError(f"{path} is an empty file")


def write_image(
    path: str | Path, image: Picture, *, settings: str | None = None, quality: int = 95
) -> None:
    """Write a picture, whole or not at all; the extension decides the format.

    Args:
        path: A name that ends in .png, .jpg, .jpeg, .webp, .tif or .tiff.
        image: Values in [0, 1]; those outside are clipped. Rounded to 8 bits.
        settings: A JSON text to store in the file: a PNG text chunk named "jaxstyle", EXIF's
            ImageDescription in the other formats.
        quality: Of JPEG and WebP, 1 to 100. JPEG keeps full color resolution (4:4:4).

    Raises:
        ValueError: An unknown extension, a wrong shape, or pixels that are not finite.
        OSError: The file cannot be written.
    """
    kind = _format(path)
    array = np.asarray(image)
    check_shape(array, "a picture")
    if not np.isfinite(array).all():
        raise ValueError("expected finite pixels, got NaN or infinity")
    picture = as_pillow(array)
    defaults: dict[str, dict[str, object]] = {
        "JPEG": {"quality": quality, "subsampling": 0},
        "WEBP": {"quality": quality},
        "TIFF": {"compression": "tiff_deflate"},
    }
    options = defaults.get(kind, {})
    if settings is not None and kind == "PNG":
        info = options["pnginfo"] = PngImagePlugin.PngInfo()
        info.add_itxt("jaxstyle", settings)
    elif settings is not None:
        exif = options["exif"] = Image.Exif()
        # EXIF text is ASCII; JSON can escape everything else.
        exif[_IMAGE_DESCRIPTION] = settings.encode("ascii", "backslashreplace").decode()
    write_whole(path, lambda file: picture.save(file, kind, **options))


def as_pillow(image: Picture) -> Image.Image:
    """Return a picture as Pillow has it: values in [0, 1], clipped and rounded to 8 bits."""
    return Image.fromarray(np.round(np.clip(image, 0, 1) * 255).astype(np.uint8))


def check_shape(picture: ArrayLike, name: str) -> None:
    """Raise a `ValueError` about `name` unless an array of any library has a picture's shape."""
    shape = np.shape(picture)
    if len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise ValueError(f"expected {name} of shape (height, width, 3), got {shape}")


def check_values(picture: np.ndarray, name: str) -> None:
    """Raise a `ValueError` about `name` unless all values are in [0, 1]."""
    low, high = picture.min(), picture.max()
    if not (low >= 0 and high <= 1):  # written so that NaN fails too
        hint = "; pass 0 to 255 as uint8" if low >= 0 and 1 < high <= 255 else ""
        raise ValueError(f"expected {name}'s values in [0, 1], got {low} to {high}{hint}")


def read_settings(path: str | Path) -> str | None:
    """Return the settings that `write_image` stored in a picture, or None."""
    with Image.open(path) as image:
        if isinstance(image, PngImagePlugin.PngImageFile):
            image.load()
            return image.text.get("jaxstyle")
        return image.getexif().get(_IMAGE_DESCRIPTION)


def check_output(path: str | Path) -> None:
    """Raise before a long run what `write_image` would raise after it."""
    path = Path(path)
    _format(path)
    if path.is_dir():
        raise ValueError(f"expected a picture file to write, {path} is a folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} into")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"the folder {path.parent} cannot be written")


def _format(path: str | Path) -> str:
    extension = Path(path).suffix.lower()
    if extension not in FORMATS:
        raise ValueError(f"expected a file name ending in {', '.join(FORMATS)}, got {str(path)!r}")
    return FORMATS[extension]
