"""Every second patch of both pictures: a sixteenth of the pairs of all patches."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxstyle.metrics.matching import PATCH, patch, patch_target, patches_inside
from jaxstyle.metrics.metric import PAIRWISE_LAYERS, Inside, Metric, Scalar
from jaxstyle.specs import OPEN, Wrap

STRIDE = 2


def _starts(length: int, wraps: bool) -> Int[np.ndarray, " n"]:
    """Return every second place where a patch can start, and the last, for the border."""
    if wraps:
        return np.arange(0, length, STRIDE)
    last = max(0, length - PATCH)
    return np.array([*range(0, last, STRIDE), last])


def every_second(shape: Sequence[int], wrap: Wrap = OPEN) -> Int[np.ndarray, "n 9"]:
    """Return the nine positions, counted row by row, of every second patch of a grid.

    Where a side is shorter than 3 its last position stands in for those that are missing.
    Along axes that wrap patches continue over the edge.

    >>> every_second((3, 6)).tolist()[-1]
    [3, 4, 5, 9, 10, 11, 15, 16, 17]
    """
    along = []
    for side, wraps in zip(shape, wrap, strict=True):
        places = _starts(side, wraps)[:, None] + np.arange(PATCH)
        along.append(places % side if wraps else np.minimum(places, side - 1))
    rows, columns = along
    positions = rows[:, None, :, None] * shape[1] + columns[:, None, :]
    return positions.reshape(-1, PATCH**2)


def every_second_inside(inside: Inside) -> Int[np.ndarray, "n 9"]:
    """Return every second patch of the rectangle around a mask, if it lies inside as a whole.

    If there is none, the positions are those of all patches inside (`patches_inside`).
    """
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    of_crop = every_second((int(np.ptp(rows)) + 1, width := int(np.ptp(columns)) + 1))
    down, across = np.divmod(of_crop, width)
    positions = (rows[0] + down) * inside.shape[1] + columns[0] + across
    whole = inside.ravel()[positions].all(1)
    return positions[whole] if whole.any() else patches_inside(inside)


def _positions(
    grid: Float[Array, "h w c"], at: Int[Array, "n 9"] | None, wrap: Wrap = OPEN
) -> Int[Array, "k 9"]:
    return jnp.asarray(every_second(grid.shape[:2], wrap)) if at is None else at


def strided_target(
    grid: Float[Array, "h w c"], at: Int[Array, "m 9"] | None = None
) -> tuple[Float[Array, "m k"], Float[Array, " m"]]:
    """Return every second patch, or the patches at these positions, and their lengths."""
    return patch_target(grid, _positions(grid, at))


def strided_patch(
    grid: Float[Array, "h w c"],
    target: tuple[Float[Array, "m k"], Float[Array, " m"]],
    at: Int[Array, "n 9"] | None = None,
    wrap: Wrap = OPEN,
) -> Scalar:
    """Compute `patch` of every second patch in either direction, and of the last.

    A position in k patches counts 1/k in each, so that it is pulled to the mean of what its patches
    match.

    Args:
        grid: Features of the picture.
        target: Patches of the reference, and their lengths.
        at: Which patches to compare (`every_second_inside`); every second if None.
        wrap: Along which axes there are patches over the edge.

    References:
        Li & Wand, "Combining Markov Random Fields and Convolutional Neural Networks for Image
        Synthesis" (CVPR 2016), equations 2 and 3, as in the authors' code (CNNMRF, `mrf.lua`),
        which has no value, but the gradient of half of the sum. Deviation: a mean.
    """
    return patch(grid, target, _positions(grid, at, wrap))


METRICS = (
    Metric(
        name="patch_stride_2",
        summarize=strided_target,
        distance=strided_patch,
        expects="grid",
        select=every_second_inside,
        layers=PAIRWISE_LAYERS,
        meaning="every second 3 × 3 patch looks like some patch of the style (MRF)",
        cost="½ n m C",
        paper="Li & Wand, CVPR 2016",
        joins=True,
    ),
)
