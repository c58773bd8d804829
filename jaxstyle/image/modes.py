"""Every mode of Pillow becomes 8-bit sRGB, or gray in floats where it has more bits, and alpha."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms

_PHOTOMETRIC_INTERPRETATION = 262
_WHITE_IS_ZERO = 0


class RefusedError(Exception):
    """A picture cannot be used, for the reason given."""


class Planes(NamedTuple):
    """A picture in one of two modes, and its alpha."""

    colors: Image.Image  # mode RGB, or mode F in [0, 1], for gray of more bits
    alpha: Image.Image | None  # mode L


class Quirks(NamedTuple):
    """What Pillow leaves to its user; known before a file is decoded."""

    transparency: Any = None  # the transparent level, color or palette entries
    white_is_zero: bool = False


def quirks_of(image: Image.Image) -> Quirks:
    """Return the quirks of an image that is open, but not decoded."""
    transparency = image.info.get("transparency")
    tiles = getattr(image, "tile", None)
    layout = tiles[0][3] if tiles else None
    layout = layout[0] if isinstance(layout, tuple) and layout else layout
    if image.format == "PNG" and transparency is not None:
        # A PNG states it in the file's own depth; Pillow scales the pixels to 8 bits.
        if layout in ("L;2", "L;4"):
            transparency *= 85 if layout == "L;2" else 17
        elif layout == "RGB;16B":
            transparency = tuple(value >> 8 for value in transparency)
        elif image.mode == "1" and isinstance(transparency, int):
            transparency = 255 if transparency else 0  # Pillow before 11 leaves the file's 1
    tags = getattr(image, "tag_v2", None) or {}
    inverted = tags.get(_PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO
    return Quirks(transparency, inverted and image.mode.startswith("I;16"))


def standard(image: Image.Image, quirks: Quirks) -> Planes:
    """Convert an image of any mode.

    Raises:
        RefusedError: Some values are not finite.
    """
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_gray(image, quirks)
    alpha = None
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or quirks.transparency is not None:
        if quirks.transparency != image.info.get("transparency"):
            image = image.copy()
            image.info["transparency"] = quirks.transparency
        image = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
        image, alpha = image.convert("RGB"), image.getchannel("A")
    elif image.mode in ("P", "1", "HSV"):
        image = image.convert("RGB" if image.mode != "1" else "L")
    return Planes(_to_srgb(image), alpha)


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


def _deep_gray(image: Image.Image, quirks: Quirks) -> Planes:
    levels = np.asarray(image)
    values = levels.astype(np.float32)
    if not np.isfinite(values).all():
        raise RefusedError("some of its values are not finite")
    greatest = float(values.max())
    if image.mode.startswith("I"):
        values = values / (65535 if greatest <= 65535 else greatest)
    elif greatest > 1:
        values = values / greatest
    if quirks.white_is_zero:
        values = 1 - values
    values = _through_profile(np.clip(values, 0, 1), image.info.get("icc_profile"))
    alpha = None
    if isinstance(quirks.transparency, int):
        opaque = levels != quirks.transparency
        alpha = Image.fromarray(opaque.astype(np.uint8) * np.uint8(255))
    return Planes(Image.fromarray(values.astype(np.float32)), alpha)


def _through_profile(values: np.ndarray, profile: bytes | None) -> np.ndarray:
    """Convert gray in [0, 1] to sRGB as 8-bit gray is, interpolating between its 256 levels."""
    if not profile:
        return values
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    ramp.info["icc_profile"] = profile
    curve = np.asarray(_to_srgb(ramp))[0, :, 1]
    if (curve == np.arange(256)).all():
        return values
    return np.interp(values, np.arange(256) / 255, curve / 255)
