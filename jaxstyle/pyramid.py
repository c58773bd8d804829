"""Coarse to fine: which sizes a run works through, and how many steps it spends at each."""

from __future__ import annotations

import math
from typing import NamedTuple

SMALLEST = 64
"""Below this longest side a scale teaches nothing: the deep layers see only a few positions."""


class Scale(NamedTuple):
    """One stop on the way: the longest side in pixels, and the steps taken there."""

    size: int
    steps: int


def plan(size: int, scales: int, steps: int) -> tuple[Scale, ...]:
    """The scales of a run, coarse to fine, each √2 × the one before.

    Large structure is decided at coarse scales, where a step costs little, so each coarser scale
    takes √2 × as many steps as the next: every scale then costs 1/√2 of the next finer one.

    >>> plan(256, 3, 50)
    (Scale(size=128, steps=100), Scale(size=181, steps=71), Scale(size=256, steps=50))
    >>> plan(70, 3, 50)
    (Scale(size=70, steps=50),)

    Args:
        size: Longest side of the result, in pixels.
        scales: How many sizes at the most; those smaller than `SMALLEST` are left out.
        steps: Steps at full size.
    """
    found = []
    for level in reversed(range(scales)):
        shrink = math.sqrt(2) ** level
        if level == 0 or size / shrink >= SMALLEST:
            found.append(Scale(round(size / shrink), round(steps * shrink)))
    return tuple(found)
