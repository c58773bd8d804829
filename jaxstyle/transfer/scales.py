"""Coarse to fine: which sizes a run works through."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

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
