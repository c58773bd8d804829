"""Flat colors of a picture that has few, and what noise and soft edges make of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from jaxstyle.image.modes import RefusedError

MOST = 64
"""Labels that a map may have."""
NOISE = 24
"""Levels of 255 by which compression may change a flat color."""
LEAST_SHARE = 0.001
"""Flat colors of less of a map are the noise of edges."""
LOSSY = ("JPEG", "MPO", "WEBP", "AVIF", "JPEG2000")
_FLAT = 0.3
"""A label map has no noise in so much of it, or little noise."""
_NO_NOISE = 2
_NEAR, _NEARLY_ALL = 6, 0.6
"""So much of it is so near to its flat colors: gradients are not."""
_PASSES = 8
"""Pixels of a soft edge that take the color beside it; of a broader one, that which is nearest."""

Indices = Int[np.ndarray, "_h _w"]


class FlatColors(NamedTuple):
    """A picture of few colors."""

    indices: Indices  # which color each pixel has
    colors: UInt8[np.ndarray, "colors channels"]


def flat_colors(colors: UInt8[np.ndarray, "h w c"], is_lossy: bool = False) -> FlatColors:
    """Find the flat colors of a picture, and which of them each pixel has.

    Of few colors each is one, but for those of single pixels; of more, or after compression with
    losses, those of areas without any noise, or else without much. All other pixels, those of soft
    edges, take the color of a neighbor.

    Raises:
        RefusedError: There are too many, or most of the picture is not flat.
    """
    table, inverse, counts = _histogram(colors)
    spread = _spread(colors)
    if len(table) <= MOST and not is_lossy:
        is_label = counts >= LEAST_SHARE * inverse.size
        is_label |= np.bincount(inverse[spread == 0], minlength=len(table)) > 0
        centers = np.flatnonzero(is_label if is_label.any() else counts)
        belongs = np.isin(np.arange(len(table)), centers)
        return _assigned(table, inverse, table[centers], belongs)
    refusal = RefusedError(f"it has {len(table)} colors: expected a label map of flat colors")
    for noise in (_NO_NOISE, NOISE):
        is_flat = spread <= noise
        if is_flat.mean() >= _FLAT:
            break
    else:
        raise refusal
    centers = _centers(table, np.bincount(inverse[is_flat], minlength=len(table)), refusal)
    distances = _distances(table, centers)
    if counts[distances.min(1) <= _NEAR].sum() < _NEARLY_ALL * inverse.size:
        raise refusal
    return _assigned(table, inverse, centers, distances.min(1) <= NOISE)


def _histogram(colors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all colors that there are, which of them each pixel has, and their counts."""
    codes = np.zeros(colors.shape[:2], np.int32)
    for channel in range(colors.shape[2]):
        codes |= colors[..., channel].astype(np.int32) << 8 * channel
    counts = np.bincount(codes.ravel())
    values = np.flatnonzero(counts)
    places = np.zeros(len(counts), np.int32)
    places[values] = np.arange(len(values))
    table = np.stack([values >> 8 * k & 255 for k in range(colors.shape[2])], 1).astype(np.uint8)
    return table, places[codes], counts[values]


def _distances(table: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Return the greatest difference in a channel between each color and each center."""
    return np.abs(table.astype(np.int16)[:, None] - centers.astype(np.int16)).max(2)


def _centers(table: np.ndarray, counts: np.ndarray, refusal: RefusedError) -> np.ndarray:
    """Return the most frequent colors that are farther than noise from each other."""
    centers: list[np.ndarray] = []
    least = LEAST_SHARE * counts.sum()
    order = np.argsort(-counts, kind="stable")
    remaining = table[order][counts[order] > 0]
    weights = counts[order][counts[order] > 0]
    while len(remaining):
        is_near = _distances(remaining, remaining[:1])[:, 0] <= NOISE
        if weights[is_near].sum() >= least:
            centers.append(remaining[0])
        if len(centers) > MOST:
            raise refusal
        remaining, weights = remaining[~is_near], weights[~is_near]
    return np.stack(centers)


def _spread(colors: np.ndarray) -> np.ndarray:
    """Return for each pixel the greatest range of a channel among its neighbors and itself."""
    spread = np.zeros(colors.shape[:2], np.uint8)
    for channel in range(colors.shape[2]):
        low = high = np.pad(colors[..., channel], 1, mode="edge")
        for axis in (0, 1):
            first, middle, last = (_shifted(low, axis, k) for k in range(3))
            low = np.minimum(np.minimum(first, middle), last)
            first, middle, last = (_shifted(high, axis, k) for k in range(3))
            high = np.maximum(np.maximum(first, middle), last)
        np.maximum(spread, high - low, out=spread)
    return spread


def _shifted(padded: np.ndarray, axis: int, start: int) -> np.ndarray:
    """Return a view of a padded array without its padding along an axis, from some start."""
    part = slice(start, start + padded.shape[axis] - 2)
    return padded[part] if axis == 0 else padded[:, part]


def _assigned(
    table: np.ndarray, inverse: np.ndarray, centers: np.ndarray, belongs: np.ndarray
) -> FlatColors:
    """Give each pixel the nearest center, if its color belongs to one, or else a neighbor's.

    Args:
        table: All colors.
        inverse: Which of them each pixel has.
        centers: The flat colors.
        belongs: Which of all colors are of a flat color.
    """
    nearest = _distances(table, centers).argmin(1).astype(np.int16)
    indices = np.where(belongs, nearest, np.int16(-1))[inverse]
    for _ in range(_PASSES):
        rows, columns = np.nonzero(indices < 0)
        if not len(rows):
            break
        padded = np.pad(indices, 1, constant_values=-1)
        neighbors = [(0, 1), (2, 1), (1, 0), (1, 2)]
        indices[rows, columns] = np.max(
            [padded[rows + row, columns + column] for row, column in neighbors], axis=0
        )
    missing = indices < 0
    indices[missing] = nearest[inverse[missing]]
    used = np.flatnonzero(np.bincount(indices.ravel(), minlength=len(centers)))
    places = np.zeros(len(centers), np.int32)
    places[used] = np.arange(len(used))
    return FlatColors(places[indices], centers[used])
