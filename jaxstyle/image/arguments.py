"""Checks of what is passed to the functions for pictures: sizes, colors, arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jaxstyle._util.arguments import number, shown
from jaxstyle.image.transparency import Color


def longest_side(size: Any) -> int | None:
    """Return the longest side that a picture is reduced to, or None for all of its pixels.

    Raises:
        ValueError: It is no whole number, or below 1.
    """
    return None if size is None else int(number("size", size, int, low=1))


def least_side(least: Any) -> int:
    """Return the shortest side that stays.

    Raises:
        ValueError: It is no whole number, or below 0.
    """
    return int(number("least", least, int, low=0))


def color_of(color: Any) -> Color:
    """Return an sRGB color as three floats.

    Raises:
        TypeError: It is no sequence of numbers.
        ValueError: There are not three of them, or they are not in [0, 1].
    """
    wanted = f"expected background as red, green, blue, three values in [0, 1], got {shown(color)}"
    if isinstance(color, (str, bytes)) or not isinstance(color, Iterable):
        raise TypeError(wanted)
    try:
        values = tuple(float(value) for value in color)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(wanted) from None
    if len(values) != 3 or not all(0 <= value <= 1 for value in values):
        hint = "; divide by 255" if len(values) == 3 and 1 < max(values) <= 255 else ""
        raise ValueError(wanted + hint)
    red, green, blue = values
    return red, green, blue


def as_array(source: object, name: str) -> np.ndarray:
    """Return an array of NumPy, of whatever type.

    Raises:
        ValueError: It is a list of rows that do not make one.
    """
    try:
        return np.asarray(source)
    except ValueError:
        raise ValueError(f"expected {name} as an array, got rows of different lengths") from None


def pixels_of(source: object, name: str, forms: str = "an array of numbers") -> np.ndarray:
    """Return an array of uint8, or of float32 made from floats or uint16.

    Args:
        source: Whatever NumPy converts.
        name: Its name in messages.
        forms: What is accepted, in messages.

    Raises:
        TypeError: It is no array of numbers.
        ValueError: Its numbers are of another type.
    """
    array = as_array(source, name)
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return array.astype(np.float32) / np.float32(65535)
    if is_float(array):
        return array.astype(np.float32)
    if array.dtype.kind in "OUS":
        raise TypeError(f"expected {name} as {forms}, got {type(source).__name__}")
    raise ValueError(f"expected {name} as floats, uint8 or uint16, got {array.dtype}")


def is_float(array: object) -> bool:
    """Whether something is an array of floats, of any library."""
    dtype = getattr(array, "dtype", None)
    return dtype is not None and (
        getattr(dtype, "kind", "") == "f" or getattr(dtype, "name", "") == "bfloat16"
    )


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
