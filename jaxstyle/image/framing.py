"""Framing: how large a result is, and which part of the content it shows.

The content is resized to `whole_size`, and `frame_of` says which part of it the result shows;
`Frame.crop` gives the same part of everything that lies over the content: the content itself, its
transparency, masks, maps, initial pictures.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from jaxstyle.image.decode import with_image
from jaxstyle.image.geometry import have_same_proportions
from jaxstyle.image.io import check_file
from jaxstyle.image.load import ImageLike, load_image

ORIGINAL = "original"
_ORIENTATION, _ON_ITS_SIDE = 274, (5, 6, 7, 8)


class Frame(NamedTuple):
    """The size of a run, and the height and width of its content before and after it is cropped."""

    size: int  # longest side that the result is to have; less where the content is smaller
    whole: tuple[int, int]
    part: tuple[int, int]

    @property
    def is_cropped(self) -> bool:
        """Whether the result shows less than all of the content."""
        return self.whole != self.part

    def crop(self, picture: np.ndarray) -> np.ndarray:
        """Return the part of a picture that the result shows.

        Call it on whatever lies over the content, of any size and any number of channels: a mask of
        twice the content's pixels is cropped in its own pixels. What has other proportions than
        the content is returned as it is: it may have been made for the result.

        >>> mask = np.eye(4)
        >>> Frame(8, whole=(8, 8), part=(4, 8)).crop(mask).shape
        (2, 4)
        >>> Frame(8, whole=(8, 8), part=(8, 8)).crop(mask) is mask
        True

        Args:
            picture: Its first two axes are height and width.
        """
        if not self.is_cropped or not have_same_proportions(picture.shape, self.whole):
            return picture
        height, width = _inscribed(picture.shape[:2], self.part)
        top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
        return picture[top : top + height, left : left + width]


def whole_size(shape: Sequence[int], size: int | str, fit: str = "cover") -> int:
    """Return the longest side, in pixels, to which the content is resized before it is cropped.

    >>> [whole_size((3000, 4000), size) for size in (512, "original", "1920x1080", "1080x1920")]
    [512, 4000, 1920, 2560]
    >>> whole_size((3000, 4000), "1920x1080", "contain")
    1440

    Args:
        shape: Height and width of the content as it was read, all of its pixels.
        size: Longest side of the result, `"original"` for the content's own, or `"WIDTHxHEIGHT"`.
        fit: For a width and a height: `"cover"`, so that the result has these, and what does not
            fit is cropped, on both sides alike; or `"contain"`, the largest that fits within them.
    """
    height, width = shape[:2]
    longest = max(height, width)
    if size == ORIGINAL:
        return longest
    if not isinstance(size, str):
        return size
    rows, columns = sides_of(size)
    if fit == "contain":
        return max(1, round(longest * min(rows / height, columns / width)))
    # A pixel too many is cropped, one too few would be missing.
    return math.ceil(round(longest * max(rows / height, columns / width), 6))


def frame_of(shape: Sequence[int], size: int | str, fit: str = "cover") -> Frame:
    """Return the frame of a content that has been resized.

    >>> frame_of((1440, 1920), "1920x1080")
    Frame(size=1920, whole=(1440, 1920), part=(1080, 1920))
    >>> frame_of((300, 400), "1920x1080").part, frame_of((300, 400), 512).part
    ((225, 400), (300, 400))

    Args:
        shape: Its height and width; its longest side is `whole_size`, or less if it is smaller.
        size: As for `whole_size`.
        fit: Likewise.
    """
    whole = shape[0], shape[1]
    if isinstance(size, str) and size != ORIGINAL and fit == "cover":
        proportions = sides_of(size)
        part = _inscribed(whole, proportions)
        return Frame(max(proportions), whole, min(part, proportions))
    return Frame(whole_size(whole, size, fit), whole, whole)


def shape_of(source: ImageLike, name: str = "the picture") -> tuple[int, int]:
    """Return height and width of a picture as `load_image` would load it, without decoding a file.

    >>> shape_of(np.zeros((2, 3), np.uint8))
    (2, 3)

    Errors are those of `load_image`.
    """
    file: Any = source
    if isinstance(source, (bytes, bytearray, memoryview)) and len(source):
        file = io.BytesIO(source)
    elif isinstance(source, (str, os.PathLike)):
        check_file(source)
        file, name = Path(source), os.fspath(source)
    elif not (isinstance(source, Image.Image) or hasattr(source, "read")):
        height, width = load_image(source, name).shape[:2]
        return height, width
    columns, rows, is_turned = with_image(file, name, _size_of)
    return (columns, rows) if is_turned else (rows, columns)


def _size_of(image: Image.Image) -> tuple[int, int, bool]:
    """Return width, height, and whether the file asks for a quarter turn."""
    is_turned = False
    with contextlib.suppress(Exception):  # broken EXIF says nothing about the pixels
        is_turned = image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
    return *image.size, is_turned


def sides_of(size: str) -> tuple[int, int]:
    """Return the height and width of `"WIDTHxHEIGHT"`."""
    width, height = map(int, size.split("x"))
    return height, width


def _inscribed(shape: Sequence[int], proportions: Sequence[int]) -> tuple[int, int]:
    """Return the largest height and width of some proportions within a shape."""
    scale = min(side / part for side, part in zip(shape[:2], proportions, strict=True))
    height, width = (max(1, round(part * scale)) for part in proportions)
    return min(height, shape[0]), min(width, shape[1])
