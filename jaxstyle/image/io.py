"""Picture files and arrays: read, resize, write. NumPy and Pillow only.

In memory a picture is float32, shape (height, width, 3), sRGB, values in [0, 1].
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError

from jaxstyle._util.files import write_whole
from jaxstyle._util.names import nearest
from jaxstyle.image.geometry import Picture, fit_within

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
_IMAGE_DESCRIPTION = 0x010E
_LANCZOS = Image.Resampling.LANCZOS


def read_image(
    path: str | Path,
    *,
    size: int | None = None,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Picture:
    """Read any picture that Pillow opens, and put it right.

    EXIF orientation is applied; an embedded ICC profile is converted to sRGB (a profile that makes
    no sense is ignored); transparency is composited over `background`; of an animation the first
    frame is taken. 16-bit grey keeps its precision. 32-bit integers are divided by 65535 if they
    fit in 16 bits, else by their greatest; floats are taken as [0, 1], or divided by their greatest
    if that is more than 1. Up to 178 million pixels are decoded, which takes up to 3 GiB.

    Args:
        path: A picture file.
        size: Longest side of the result in pixels; a smaller picture is not enlarged.
        background: sRGB color behind transparent places, values in [0, 1].

    Raises:
        FileNotFoundError: There is no such file; the message names the nearest.
        ValueError: The file is not a picture, is truncated, or is absurdly large.
        OSError: The file may not be read.
    """
    path = Path(path)
    check_input(path)
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as opened:
            if min(opened.size) < 1:
                raise _RefusedError("it has no pixels")
            if opened.format == "EPS":
                # Pillow would let Ghostscript run it, where that is installed.
                raise _RefusedError("it is a PostScript program; convert it to a picture first")
            if size:
                # Lets JPEG decode at a half, a quarter or an eighth, never below twice the size.
                opened.draft(None, (2 * size, 2 * size))
            opened.load()
            picture = _shrunk(_standard(_upright(opened), background), size)
    except _RefusedError as error:
        raise ValueError(f"cannot read {path}: {error}") from None
    except Image.DecompressionBombError as error:
        # Pillow refuses twice its `Image.MAX_IMAGE_PIXELS`, about 13,000 × 13,000, undecoded.
        raise ValueError(f"cannot read {path}: it has too many pixels ({error})") from None
    except UnidentifiedImageError:
        raise ValueError(f"{path} is not a picture that can be read") from None
    except PermissionError:
        raise PermissionError(f"cannot read {path}: permission denied") from None
    except Exception as error:  # decoders raise anything at all on garbage
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"cannot read {path}: damaged or not supported ({reason})") from None
    return np.ascontiguousarray(picture)


class _RefusedError(Exception):
    pass


def check_input(path: str | Path) -> None:
    """Raise at once, before anything heavy is loaded, if there is no such file to read."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"expected a picture file, {path} is a folder")
    if not path.exists():
        names: list[str] = []
        with contextlib.suppress(OSError):
            names = os.listdir(path.parent)
        if re.match(r"\w+:/", str(path)):
            raise FileNotFoundError(
                f"there is no file {path}; download what is on the network first"
            )
        raise FileNotFoundError(f"there is no file {path}{nearest(path.name, names)}")
    if path.is_file() and path.stat().st_size == 0:
        raise ValueError(f"{path} is an empty file")


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # broken EXIF says nothing about the pixels
        return image


def _standard(image: Image.Image, background: tuple[float, float, float]) -> Image.Image:
    """8-bit RGB, or mode F in [0, 1] for grey of more bits."""
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_grey(image)
    alpha = None
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("RGB")
    elif image.mode in ("P", "1", "HSV"):
        image = image.convert("RGB" if image.mode != "1" else "L")
    image = _to_srgb(image)
    if alpha is not None:
        color = tuple(round(255 * value) for value in background)
        behind = Image.new("RGB", image.size, color)
        behind.paste(image, mask=alpha)
        image = behind
    return image


def _to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if image.mode == "LAB" and not profile:
        source: Any = ImageCms.createProfile("LAB")
    elif profile:
        source = io.BytesIO(profile)
    else:
        return image.convert("RGB")
    try:
        if isinstance(source, io.BytesIO):
            source = ImageCms.ImageCmsProfile(source)
        converted = ImageCms.profileToProfile(
            image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image.convert("RGB")  # nonsense, or a profile for another kind of pixels
    assert converted is not None
    return converted


def _deep_grey(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.float32)
    if not np.isfinite(values).all():
        raise _RefusedError("some of its values are not finite")
    greatest = float(values.max())
    if image.mode.startswith("I"):
        values = values / (65535 if greatest <= 65535 else greatest)
    elif greatest > 1:
        values = values / greatest
    return Image.fromarray(np.clip(values, 0, 1).astype(np.float32))


def _shrunk(image: Image.Image, size: int | None) -> Picture:
    if size and max(image.size) > size:
        height, width = fit_within(image.height, image.width, size)
        image = image.resize((width, height), _LANCZOS, reducing_gap=3.0)
    array = np.asarray(image, np.float32)
    if image.mode == "F":
        return np.repeat(np.clip(array, 0, 1)[..., None], 3, axis=2)
    return array / np.float32(255)


def write_image(
    path: str | Path, image: Picture, *, settings: str | None = None, quality: int = 95
) -> None:
    """Write a picture, whole or not at all; the format follows the extension.

    Args:
        path: Ends in .png, .jpg, .jpeg, .webp, .tif or .tiff.
        image: Values in [0, 1]; those outside are clipped. Rounded to 8 bits.
        settings: A JSON text carried inside the file: a PNG text chunk named "jaxstyle", EXIF's
            ImageDescription in the other formats.
        quality: Of JPEG and WebP, 1 to 100. JPEG keeps full color resolution (4:4:4).

    Raises:
        ValueError: An unknown extension, another shape, or pixels that are not finite.
        OSError: The file cannot be written.
    """
    kind = _format(path)
    array = np.asarray(image)
    check_shape(array, "a picture")
    if not np.isfinite(array).all():
        raise ValueError("expected finite pixels, got NaN or infinity")
    picture = Image.fromarray(np.round(np.clip(array, 0, 1) * 255).astype(np.uint8))
    options: dict[str, Any] = {}
    if kind == "PNG":
        if settings is not None:
            info = PngImagePlugin.PngInfo()
            info.add_itxt("jaxstyle", settings)
            options["pnginfo"] = info
    else:
        options["quality"] = quality
        if settings is not None:
            exif = Image.Exif()
            # EXIF text is ASCII; JSON says everything in ASCII through its escapes.
            exif[_IMAGE_DESCRIPTION] = settings.encode("ascii", "backslashreplace").decode()
            options["exif"] = exif
        if kind == "JPEG":
            options["subsampling"] = 0
        if kind == "TIFF":
            options |= {"compression": "tiff_deflate"}
            del options["quality"]

    def save(file: BinaryIO) -> None:
        picture.save(file, kind, **options)

    write_whole(path, save)


def check_shape(picture: Any, who: str) -> None:
    """Raise a `ValueError` about `who` unless an array, of whichever library, is a picture's."""
    shape = np.shape(picture)
    if len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise ValueError(f"expected {who} of shape (height, width, 3), got {shape}")


def check_values(picture: np.ndarray, who: str) -> None:
    """Raise a `ValueError` about `who` unless all values are in [0, 1]."""
    low, high = picture.min(), picture.max()
    if not (low >= 0 and high <= 1):  # so that NaN fails too
        raise ValueError(f"expected {who}'s values in [0, 1], got {low} to {high}")


def read_settings(path: str | Path) -> str | None:
    """The settings that `write_image` put into a picture, or None."""
    with Image.open(path) as image:
        if isinstance(image, PngImagePlugin.PngImageFile):
            image.load()
            return image.text.get("jaxstyle")
        return image.getexif().get(_IMAGE_DESCRIPTION)


def check_output(path: str | Path) -> None:
    """Raise now what `write_image` would raise after a long run.

    Raises:
        ValueError: An unknown extension, or a folder of that name.
        OSError: The folder does not exist or cannot be written.
    """
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
