"""Which pictures of a batch are likely to share their programs, and how many run at a time."""

from __future__ import annotations

import math

from jaxstyle.image.framing import frame_of, whole_size
from jaxstyle.image.geometry import bucket_of, fit_within
from jaxstyle.settings import Settings
from jaxstyle.transfer.pictures import size_of


def buckets(
    content: tuple[int, int], style: tuple[int, int], settings: Settings
) -> tuple[object, ...]:
    """Return what is equal for pairs that are likely to share their programs."""
    asked = size_of(settings)
    longest = whole_size(content, asked, settings.fit)
    reduced = _resized(content, longest, settings.enlarge)
    frame = frame_of(reduced, asked, settings.fit)
    return bucket_of(*frame.part), bucket_of(*_resized(style, frame.size, settings.enlarge))


def _resized(shape: tuple[int, int], size: int, enlarge: bool) -> tuple[int, int]:
    height, width = shape
    if enlarge and max(shape) < size:
        scale = size / max(shape)
        return max(1, round(height * scale)), max(1, round(width * scale))
    return fit_within(height, width, size)


def even(count: int, most: int) -> int:
    """Return the width of batches of about equal length, as few as possible.

    >>> even(17, 16), even(3, 16), even(100, 16)
    (9, 3, 15)
    """
    return math.ceil(count / math.ceil(count / most))


def narrowed(width: int, count: int, least: int) -> int:
    """Return a narrower width for few pictures, by halves, so that there are few programs.

    >>> [narrowed(16, count, 1) for count in (1, 3, 8, 9)]
    [1, 4, 8, 16]
    """
    while width >= 2 * count and width >= 2 * least:
        width = math.ceil(width / 2)
    return width
