"""Decoding: everything that Pillow opens becomes a float32 sRGB picture.

EXIF orientation is applied; an embedded ICC profile is converted to sRGB (an invalid profile is
ignored); transparency is composited over a background; of an animation the first frame is taken.
16-bit gray keeps its precision. 32-bit integers are divided by 65535 if they fit in 16 bits, else
by their maximum; floats are taken as [0, 1], or divided by their maximum if that is more than 1. Up
to 178 million pixels are decoded, which takes up to 3 GiB.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from jaxstyle.image.geometry import Picture, fit_within

Color = tuple[float, float, float]
WHITE: Color = (1.0, 1.0, 1.0)
BLACK: Color = (0.0, 0.0, 0.0)


def decode(
    source: Path | BinaryIO | Image.Image, name: str, size: int | None, background: Color
) -> Picture:
    """Decode a picture file, or convert a Pillow image, as `jaxstyle.image.load.load_image` says.

    Raises:
        ValueError: It is not a picture, is truncated, or is too large.
        OSError: The file may not be read.
    """
    with _errors_about(name), contextlib.ExitStack() as stack:
        image: Image.Image
        if isinstance(source, Image.Image):
            image = source
        else:
            image = stack.enter_context(Image.open(source))
        if min(image.size) < 1:
            raise _RefusedError("it has no pixels")
        if image.format == "EPS":
            # Pillow would let Ghostscript run it, where that is installed.
            raise _RefusedError("it is a PostScript program; convert it to a picture first")
        if size and image is not source:
            # Lets JPEG decode at a half, a quarter or an eighth, never below twice the size.
            image.draft(None, (2 * size, 2 * size))
        image.load()
        return np.ascontiguousarray(_reduced(_standard(_upright(image), background), size))


class _RefusedError(Exception):
    pass


@contextlib.contextmanager
def _errors_about(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into one line about `name`."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except _RefusedError as error:
        raise ValueError(f"cannot read {name}: {error}") from None
    except Image.DecompressionBombError as error:
        # Pillow refuses twice its `Image.MAX_IMAGE_PIXELS`, about 13,000 × 13,000, undecoded.
        raise ValueError(f"cannot read {name}: it has too many pixels ({error})") from None
    except UnidentifiedImageError:
        raise ValueError(f"{name} is not a picture that can be read") from None
    except PermissionError:
        raise PermissionError(f"cannot read {name}: permission denied") from None
    except Exception as error:  # decoders raise anything at all on garbage
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"cannot read {name}: damaged or not supported ({reason})") from None


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # broken EXIF says nothing about the pixels
        return image


def _standard(image: Image.Image, background: Color) -> Image.Image:
    """Convert to 8-bit RGB, or to mode F in [0, 1] for gray of more bits."""
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_gray(image)
    alpha = None
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        image, alpha = image.convert("RGB"), image.getchannel("A")
    elif image.mode in ("P", "1", "HSV"):
        image = image.convert("RGB" if image.mode != "1" else "L")
    image = _to_srgb(image)
    if alpha is None:
        return image
    composite = Image.new("RGB", image.size, tuple(round(255 * value) for value in background))
    composite.paste(image, mask=alpha)
    return composite


def _to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile and image.mode != "LAB":
        return image.convert("RGB")
    try:
        source = io.BytesIO(profile) if profile else ImageCms.createProfile("LAB")
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image.convert("RGB")  # an invalid profile, or one for another kind of pixels
    assert converted is not None
    return converted


def _deep_gray(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.float32)
    if not np.isfinite(values).all():
        raise _RefusedError("some of its values are not finite")
    greatest = float(values.max())
    if image.mode.startswith("I"):
        values = values / (65535 if greatest <= 65535 else greatest)
    elif greatest > 1:
        values = values / greatest
    return Image.fromarray(np.clip(values, 0, 1).astype(np.float32))


def _reduced(image: Image.Image, size: int | None) -> Picture:
    if size and max(image.size) > size:
        height, width = fit_within(image.height, image.width, size)
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    array = np.asarray(image, np.float32)
    if image.mode == "F":
        return np.repeat(np.clip(array, 0, 1)[..., None], 3, axis=2)
    return array / np.float32(255)
