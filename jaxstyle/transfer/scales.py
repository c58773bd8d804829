"""Coarse to fine: the sizes that a run works through."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

SMALLEST = 64
"""Below this longest side a scale is useless: the deep layers have only a few positions."""


class Scale(NamedTuple):
    """One size: the longest side in pixels, and the steps taken there."""

    size: int
    steps: int


def plan(
    size: int,
    scales: int | None,
    steps: int,
    factor: float = math.sqrt(2),
    scale_steps: Sequence[int] = (),
    coarse_steps: int = 0,
    final_steps: int | None = None,
    first_steps: int | None = None,
    sample: int | None = None,
) -> tuple[Scale, ...]:
    """Plan the scales of a run, coarse to fine.

    Large structure is decided at coarse scales, where a step costs little, so each coarser scale
    takes `factor` × as many steps as the next: every scale then costs 1/`factor` of the next finer.

    >>> plan(256, 3, 50)
    (Scale(size=128, steps=100), Scale(size=181, steps=71), Scale(size=256, steps=50))
    >>> plan(300, None, 30, factor=2)
    (Scale(size=64, steps=141), Scale(size=139, steps=65), Scale(size=300, steps=30))
    >>> plan(300, None, 30, factor=2, coarse_steps=100)
    (Scale(size=64, steps=100), Scale(size=139, steps=65), Scale(size=300, steps=30))
    >>> plan(256, 4, 50, factor=2, scale_steps=(30, 20))
    (Scale(size=128, steps=30), Scale(size=256, steps=20))
    >>> plan(1024, None, 30, factor=2, sample=256)
    (Scale(size=256, steps=120), Scale(size=512, steps=60), Scale(size=1024, steps=30))

    Args:
        size: Longest side of the result, in pixels.
        scales: The most sizes; those that would be smaller than `SMALLEST` are left out. None for
            as many as lead from `SMALLEST` to full size with about `factor`, so that every picture,
            whatever its size, begins with the same forms.
        steps: Steps at full size.
        factor: From one size to the next.
        scale_steps: Steps at each size, in place of `scales` and `steps`.
        coarse_steps: The most steps at a size, if `steps` are no more; 0 for no bound.
        final_steps: Steps at full size, if others than `steps`.
        first_steps: Steps at the coarsest size, if others than that makes.
        sample: Longest side of what the picture is a texture of, which shrinks as the picture does:
            from `SMALLEST` of the smaller of both.

    Raises:
        ValueError: Steps are given for more sizes than there are.
    """
    least, levels = SMALLEST, len(scale_steps) or scales
    if levels is None:
        growth = math.log(max(1, min(size, sample or size) / SMALLEST))
        # Never more than there are sizes.
        levels, least = min(1 + round(growth / math.log(factor)), size), 0
        factor = math.exp(growth / max(1, levels - 1))
    else:
        # A level more may be left out by rounding; powers of those beyond overflow.
        deepest = math.log(max(1, size / SMALLEST)) / math.log(factor)
        levels = min(levels, size, math.floor(deepest) + 2)
    shrinks = [factor**level for level in reversed(range(levels))]
    usable = [shrink for shrink in shrinks if shrink == 1 or size / shrink >= least]
    if len(usable) < len(scale_steps):
        raise ValueError(
            f"steps are given for {len(scale_steps)} scales, but {size} pixels have only "
            f"{len(usable)} of at least {SMALLEST}"
        )
    most = max(steps, coarse_steps or round(steps * usable[0]))
    counts = list(scale_steps) or [min(round(steps * shrink), most) for shrink in usable]
    if first_steps is not None and not scale_steps:
        counts[0] = first_steps
    if final_steps is not None and not scale_steps:
        counts[-1] = final_steps
    sizes = [round(size / shrink) for shrink in usable]
    return tuple(map(Scale, sizes, counts))
