"""Decoding: everything that Pillow opens becomes a float32 sRGB picture.

EXIF orientation is applied; an embedded ICC profile is converted to sRGB (an invalid profile is
ignored); transparency is kept as alpha, or composited over a background, and an alpha that is zero
everywhere is ignored; of an animation the first frame is taken. Metadata that is damaged or too
large is ignored: the pixels are read all the same. 16-bit gray keeps its precision; of 16-bit
colors the upper 8 bits are read. 32-bit integers are divided by 65535 if they fit in 16 bits, else
by their maximum; floats are taken as [0, 1], or divided by their maximum if that is more than 1. Up
to 178 million pixels are decoded, which takes up to 3 GiB.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from jaxstyle._util.log import logger
from jaxstyle.image import modes, signatures
from jaxstyle.image.essentials import Essentials, essentials
from jaxstyle.image.geometry import Alpha, Picture, fit_within
from jaxstyle.image.modes import Planes, RefusedError
from jaxstyle.image.transparency import (
    Background,
    channels_of,
    composited,
    filled_within,
    is_used,
)

T = TypeVar("T")
_ORIENTATION = 274
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MOVING = {"GIF": "frames", "PNG": "frames", "WEBP": "frames", "AVIF": "frames", "TIFF": "pages"}
"""What a file of several pictures has; in other formats the others are previews or layers."""
_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 330, 50706


def decode(
    source: Path | BinaryIO | Image.Image,
    name: str,
    size: int | None,
    background: Background,
    least: int = 0,
) -> tuple[Picture, Alpha | None]:
    """Decode a picture file, or convert a Pillow image, as `load_with_alpha` says.

    Raises:
        ValueError: It is not a picture, is truncated, or is too large.
        OSError: The file may not be read.
    """

    def picture_of(image: Image.Image) -> tuple[Picture, Alpha | None]:
        if size and image is not source:
            # Lets JPEG decode at a half, a quarter or an eighth, never below twice the size.
            asked = max(2 * size, -(-2 * least * max(image.size) // min(image.size)))
            image.draft(None, (asked, asked))
        quirks = modes.quirks_of(image)
        image.load()
        planes = modes.standard(upright(image), quirks)
        result = _pixels(planes, name, size, background, least)
        if image is not source:
            _say_how_many(image, name)
        return result

    return with_image(source, name, picture_of)


def identify(source: Path | BinaryIO, name: str) -> None:
    """Raise what `decode` raises on a file that is not a picture, without decoding it."""
    with_image(source, name, lambda image: None)


def with_image(
    source: Path | BinaryIO | Image.Image, name: str, use: Callable[[Image.Image], T]
) -> T:
    """Open a picture and use it; where that fails, once more without most of its metadata."""
    with _errors_about(name, source):
        if isinstance(source, Image.Image):
            _check(source)
            return use(source)
        try:
            with Image.open(source) as image:
                _check(image)
                return use(image)
        except (RefusedError, Image.DecompressionBombError, MemoryError, PermissionError):
            raise
        except Exception as error:
            rest = _essentials_of(source)
            if rest is None:
                raise
            try:
                with Image.open(io.BytesIO(rest.data)) as image:
                    _check(image)
                    result = use(image)
            except (RefusedError, Image.DecompressionBombError, MemoryError):
                raise
            except Exception:
                raise error from None
            dropped = ", ".join(rest.dropped)
            logger.info(f"{name}: metadata that is damaged or too large is ignored ({dropped})")
            return result


def _essentials_of(source: Path | BinaryIO) -> Essentials | None:
    """Return what the pixels need, unless the source can be read only once."""
    with contextlib.suppress(OSError, ValueError):
        if not isinstance(source, Path):
            source.seek(0)
            return essentials(source.read())
        if source.is_file():
            return essentials(source.read_bytes())
    return None


def _check(image: Image.Image) -> None:
    """Refuse what Pillow opens, but does not show as a viewer would."""
    if min(image.size) < 1:
        raise RefusedError("it has no pixels")
    if image.format == "EPS":
        # Pillow would let Ghostscript run it, where that is installed.
        raise RefusedError(f"it is {signatures.POSTSCRIPT}")
    tags = getattr(image, "tag_v2", None) or {}
    is_preview = tags.get(_SUBFILE_TYPE, 0) & 1 and (_SUB_IFDS in tags or _DNG_VERSION in tags)
    if is_preview:  # the first picture of most raw files is a thumbnail
        raise RefusedError(f"it is {signatures.RAW}")


@contextlib.contextmanager
def _errors_about(name: str, source: Path | BinaryIO | Image.Image) -> Iterator[None]:
    """Turn whatever a decoder raises into one line about `name`."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except RefusedError as error:
        raise ValueError(f"cannot read {name}: {error}") from None
    except Image.DecompressionBombError as error:
        # Pillow refuses twice its `Image.MAX_IMAGE_PIXELS`, about 13,000 × 13,000, undecoded.
        raise ValueError(f"cannot read {name}: it has too many pixels ({error})") from None
    except UnidentifiedImageError:
        what = signatures.kind_of(_head(source)) or "not a picture that can be read"
        raise ValueError(f"{name} is {what}") from None
    except PermissionError:
        raise PermissionError(f"cannot read {name}: permission denied") from None
    except MemoryError:
        raise ValueError(f"cannot read {name}: it does not fit in memory; reduce it") from None
    except Exception as error:  # decoders raise anything at all on garbage
        if kind := signatures.foreign_kind_of(_head(source)):
            raise ValueError(f"{name} is {kind}") from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"cannot read {name}: damaged or not supported ({reason})") from None


def _head(source: Path | BinaryIO | Image.Image) -> bytes:
    """Return the beginning of a file that can be read twice."""
    with contextlib.suppress(OSError, ValueError):
        if isinstance(source, Path) and source.is_file():
            with source.open("rb") as file:
                return file.read(signatures.HEAD)
        elif not isinstance(source, (Path, Image.Image)):
            source.seek(0)
            return source.read(signatures.HEAD)
    return b""


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """Return how EXIF turns an image."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken EXIF says nothing about the pixels
        return None


def upright(image: Image.Image) -> Image.Image:
    """Turn an image as its EXIF orientation says."""
    turn = turn_of(image)
    return image if turn is None else image.transpose(turn)


def _say_how_many(image: Image.Image, name: str) -> None:
    """Log that a file has more than the first picture, which was taken."""
    if image.format not in _MOVING:
        return
    with contextlib.suppress(Exception):  # of the others, nothing is needed
        count = getattr(image, "n_frames", 1)
        if count > 1:
            logger.info(f"{name}: the first of its {count} {_MOVING[image.format]} is taken")


def _pixels(
    planes: Planes, name: str, size: int | None, background: Background, least: int
) -> tuple[Picture, Alpha | None]:
    """Return a picture of at most some size, and its alpha unless it is opaque or composited."""
    colors, alpha = planes
    height, width = colors.height, colors.width
    if size and max(height, width) > size:
        height, width = fit_within(height, width, size, least)
    images: tuple[Image.Image, ...] = (colors,)
    if alpha is not None and is_used(np.asarray(alpha), 255, background, name):
        if background.color is None:
            opacity = np.asarray(alpha, np.float32) / np.float32(255)
            return filled_within(channels_of(colors), opacity, (height, width))
        images = composited(planes, background.color)
    if (width, height) != colors.size:
        images = tuple(
            image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
            for image in images
        )
    if colors.mode != "F":
        return np.ascontiguousarray(np.asarray(images[0], np.float32) / np.float32(255)), None
    values = [np.clip(np.asarray(image, np.float32), 0, 1) for image in images]
    return np.ascontiguousarray(np.stack(values * (3 // len(values)), axis=2)), None
