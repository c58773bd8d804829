"""Coarse to fine: which sizes a run works through, and the bucket that its pictures are laid in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SMALLEST = 64
"""Below this longest side a scale teaches nothing: the deep layers see only a few positions."""


class Scale(NamedTuple):
    """One stop on the way: the longest side in pixels, and the steps taken there."""

    size: int
    steps: int


def plan(
    size: int, scales: int, steps: int, factor: float = math.sqrt(2), each: Sequence[int] = ()
) -> tuple[Scale, ...]:
    """The scales of a run, coarse to fine.

    Large structure is decided at coarse scales, where a step costs little, so each coarser scale
    takes `factor` × as many steps as the next: every scale then costs 1/`factor` of the next finer.

    >>> plan(256, 3, 50)
    (Scale(size=128, steps=100), Scale(size=181, steps=71), Scale(size=256, steps=50))
    >>> plan(70, 3, 50)
    (Scale(size=70, steps=50),)
    >>> plan(256, 4, 50, factor=2, each=(30, 20))
    (Scale(size=128, steps=30), Scale(size=256, steps=20))

    Args:
        size: Longest side of the result, in pixels.
        scales: How many sizes at the most; those smaller than `SMALLEST` are left out.
        steps: Steps at full size.
        factor: From one size to the next.
        each: Steps at each size, in place of `scales` and `steps`.

    Raises:
        ValueError: Steps are given for more sizes than there are.
    """
    found = []
    for level in reversed(range(len(each) or scales)):
        shrink = factor**level
        if level == 0 or size / shrink >= SMALLEST:
            found.append(Scale(round(size / shrink), round(steps * shrink)))
    if not each:
        return tuple(found)
    if len(found) < len(each):
        raise ValueError(
            f"steps are given for {len(each)} scales, but {size} pixels have only {len(found)} of "
            f"at least {SMALLEST}"
        )
    return tuple(Scale(one.size, own) for one, own in zip(found, each, strict=True))


SIXTEENTH = 16
"""A bucket's sides are whole sixteenths of its longest side."""


def bucket(height: int, width: int) -> tuple[int, int]:
    """The shape that pictures of about these proportions share, so that they share programs.

    >>> bucket(171, 256), bucket(165, 256), bucket(192, 256)
    ((176, 256), (176, 256), (192, 256))
    """
    longest = max(height, width)
    unit = max(1, round(longest / SIXTEENTH))
    rows, columns = (min(longest, math.ceil(side / unit) * unit) for side in (height, width))
    return rows, columns


def laid(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A picture or mask in its bucket: what is missing below and right is its reflection."""
    missing = [(0, whole - side) for whole, side in zip(shape, picture.shape[:2], strict=True)]
    if not any(after for _, after in missing):
        return picture
    return np.pad(picture, missing + [(0, 0)] * (picture.ndim - 2), mode="symmetric")


def lifted(picture: np.ndarray, part: tuple[float, float]) -> np.ndarray:
    """A picture out of its bucket.

    Args:
        picture: Of the bucket's proportions.
        part: The share of its rows and of its columns that are the picture.
    """
    rows, columns = (
        max(1, round(side * share)) for side, share in zip(picture.shape[:2], part, strict=True)
    )
    return picture[:rows, :columns]
