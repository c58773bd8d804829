"""Encoding: a picture in memory becomes the bytes of a PNG, JPEG, WebP or TIFF file.

All of them state that their colors are sRGB, by an ICC profile whose bytes are always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

from jaxstyle._util.arguments import flag, number
from jaxstyle._util.log import logger
from jaxstyle.image import deep
from jaxstyle.image.geometry import Picture

SETTINGS_KEY = "jaxstyle"
"""The keyword of a PNG's text chunk that holds settings."""
IMAGE_DESCRIPTION = 0x010E
"""The EXIF tag that holds them in other formats."""
PROFILE = "sRGB"
"""The color profile of every file that is written."""
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT, _INCH = 282, 283, 296, 2
_MOST_SETTINGS = {"JPEG": 65_000}
_MOST_SETTINGS_ELSEWHERE = 8_000_000
"""Bytes of settings: a segment of JPEG has 64 KiB; libpng reads text of up to 8 MB."""
_DEEP = {"PNG": deep.write_png, "TIFF": deep.write_tiff}
OPAQUE = ("JPEG",)
_DATE = slice(24, 36)
_MILLENNIUM = bytes.fromhex("07d0 0001 0001 0000 0000 0000")


@dataclass(frozen=True)
class Encoding:
    """How the file of a picture is written.

    Attributes:
        bits: Of each value: 8, or 16 in PNG and TIFF.
        quality: Of JPEG and WebP, 1 to 100. JPEG keeps full color resolution (4:4:4).
        dpi: Pixels per inch, 1 to 65,535, for whoever prints it; None says nothing.
        metadata: Whether the settings of the run are stored inside.

    Raises:
        ValueError: A value out of its range.
    """

    bits: int = 8
    quality: int = 95
    dpi: float | None = None
    metadata: bool = True

    def __post_init__(self) -> None:
        """Check all values."""
        if number("bits", self.bits, int) not in (8, 16):
            raise ValueError(f"expected bits to be 8 or 16, got {self.bits}")
        number("quality", self.quality, int, low=1, high=100)
        if self.dpi is not None:
            number("dpi", self.dpi, low=1, high=65_535)
        flag("metadata", self.metadata)

    def plain(self) -> dict[str, Any]:
        """Return all values as a manifest has them, with the color profile."""
        return {**asdict(self), "profile": PROFILE}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Encoding:
        """Return what a manifest says; of what it lacks, the default.

        Raises:
            ValueError: A value out of its range.
        """
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})

    def for_format(self, kind: str) -> Encoding:
        """Return this in 8 bits, if a format has no more."""
        return self if kind in _DEEP else replace(self, bits=8)


def check_encoding(kind: str, name: str, encoding: Encoding, channels: int = 3) -> None:
    """Raise unless a format holds so many bits and channels.

    Args:
        kind: The format, as Pillow names it.
        name: Of the file, in messages.
        encoding: How it is to be written.
        channels: 3, or 4 with transparency.

    Raises:
        ValueError: It does not; the message names the formats that do.
    """
    if encoding.bits == 16 and kind not in _DEEP:
        raise ValueError(f"{_spelled(kind)} has 8 bits, {name} would need 16: choose .png or .tif")
    if channels == 4 and kind in OPAQUE:
        raise ValueError(
            f"{_spelled(kind)} has no transparency, which {name} needs: choose .png, .tif or .webp"
        )


def encoder_of(
    kind: str, name: str, picture: Picture, encoding: Encoding, settings: str | None = None
) -> Callable[[BinaryIO], object]:
    """Return what writes a picture to an open file.

    Args:
        kind: The format, as Pillow names it.
        name: Of the file, in messages.
        picture: Floats, clipped to [0, 1], or uint8; three channels, or four with alpha.
        encoding: How it is written.
        settings: A JSON text to store inside.

    Raises:
        ValueError: The format does not hold so many bits or channels.
    """
    check_encoding(kind, name, encoding, picture.shape[2])
    if settings is not None:
        settings = _storable(kind, name, settings)
    if encoding.bits == 16:
        write, levels = _DEEP[kind], as_levels(picture)
        return lambda file: write(
            file, levels, profile=srgb_profile(), settings=settings, dpi=encoding.dpi
        )
    options = _options(kind, encoding, settings)
    image = as_pillow(picture)
    return lambda file: image.save(file, kind, **options)


def _options(kind: str, encoding: Encoding, settings: str | None) -> dict[str, Any]:
    """Return Pillow's options."""
    options: dict[str, Any] = {"icc_profile": srgb_profile()}
    by_kind: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": encoding.quality, "subsampling": 0},
        "WEBP": {"quality": encoding.quality},
        "TIFF": {"compression": "tiff_deflate"},
    }
    options |= by_kind.get(kind, {})
    exif = Image.Exif()
    if encoding.dpi is not None:
        options["dpi"] = (encoding.dpi, encoding.dpi)
        if kind == "WEBP":  # which has no place of its own for it
            exif[_X_RESOLUTION] = exif[_Y_RESOLUTION] = encoding.dpi
            exif[_RESOLUTION_UNIT] = _INCH
    if settings is not None and kind == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt(SETTINGS_KEY, settings)
    elif settings is not None:
        exif[IMAGE_DESCRIPTION] = settings
    return options | ({"exif": exif} if exif else {})


def _storable(kind: str, name: str, settings: str) -> str | None:
    """Return settings as a format stores them, or None if they are too long for it."""
    # EXIF text is ASCII; JSON can escape everything else.
    stored = settings.encode("utf-8" if kind == "PNG" else "ascii", "backslashreplace")
    most = _MOST_SETTINGS.get(kind, _MOST_SETTINGS_ELSEWHERE)
    if len(stored) <= most:
        return stored.decode()
    logger.warning(
        f"{name} is written without its settings, {len(stored)} bytes, of which {kind} holds "
        f"{most}; the manifest beside the picture of a run has them"
    )
    return None


def as_pillow(image: Picture) -> Image.Image:
    """Return a picture as Pillow has it: values in [0, 1], clipped and rounded to 8 bits.

    uint8 stays as it is.
    """
    if image.dtype == np.uint8:
        return Image.fromarray(image)
    return Image.fromarray(np.round(np.clip(image, 0, 1) * 255).astype(np.uint8))


def as_levels(image: Picture) -> np.ndarray:
    """Return a picture as 16-bit levels: values in [0, 1] are clipped and rounded, uint8 fitted.

    >>> as_levels(np.array([[[0.0, 0.5, 2.0]]])), as_levels(np.array([[[0, 128, 255]]], np.uint8))
    (array([[[    0, 32768, 65535]]], dtype=uint16), array([[[    0, 32896, 65535]]], dtype=uint16))
    """
    if image.dtype == np.uint8:
        return image.astype(np.uint16) * np.uint16(257)
    return np.round(np.clip(image, 0, 1) * 65535).astype(np.uint16)


@cache
def srgb_profile() -> bytes:
    """Return an ICC profile of sRGB, without the date of its making: its bytes stay the same."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_DATE] = _MILLENNIUM
    return bytes(profile)


def _spelled(kind: str) -> str:
    return {"WEBP": "WebP"}.get(kind, kind)
