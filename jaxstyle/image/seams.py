"""Seams of a patchwork: where what was put together differs in color alone, it is made to fit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse
from scipy.sparse.linalg import cg

from jaxstyle.image.geometry import Picture
from jaxstyle.image.masks import Mask
from jaxstyle.image.patch_levels import Level
from jaxstyle.specs import OPEN, Wrap

LARGEST = 0.1
"""A larger jump, of colors in [0, 1], is an edge, which stays: its colors would run otherwise."""
_MOST_ITERATIONS = 500
_RIGHT, _DOWN = (0, 1), (1, 0)


def without_seams(
    picture: Picture,
    sources: Int[np.ndarray, "h w"],
    level: Level,
    free: Mask,
    wrap: Wrap = OPEN,
) -> Picture:
    """Return a patchwork whose pieces fit to each other, and to what is around them, in color.

    Between neighbors that come from neighbors nothing changes; between others the difference
    becomes what it is in the sample beside where either comes from, unless it is an edge.

    Args:
        picture: Whose free part is put together.
        sources: Where each free pixel comes from.
        level: What they are numbers of.
        free: 1 where pixels may change.
        wrap: Along which axes the picture continues over the edge.

    References:
        Pérez, Gangnet & Blake, "Poisson Image Editing" (SIGGRAPH 2003), equation 2. Deviation:
        edges stay.
    """
    number = np.full(free.shape, -1)
    number[free > 0] = np.arange(np.count_nonzero(free))
    pairs = [_pairs(picture, sources, level, number, offset, wrap) for offset in (_RIGHT, _DOWN)]
    first, second = (np.concatenate(ends) for ends in zip(*(p[:2] for p in pairs), strict=True))
    jumps = np.concatenate([p.jumps for p in pairs])
    count = number.max() + 1
    # Each pixel's correction differs from its neighbor's by the jump between them.
    ends, other = np.concatenate([first, second]), np.concatenate([second, first])
    signed = np.concatenate([jumps, -jumps])
    is_free, inner = ends >= 0, (ends >= 0) & (other >= 0)
    degrees = np.bincount(ends[is_free], minlength=count).astype(np.float64)
    links = (np.ones(np.count_nonzero(inner)), (ends[inner], other[inner]))
    laplacian = sparse.diags(degrees) - sparse.csr_matrix(links, shape=(count, count))
    corrections = []
    for plane in signed[is_free].T:
        divergence = np.bincount(ends[is_free], plane, count)
        solution, _ = cg(laplacian, divergence, maxiter=_MOST_ITERATIONS)
        corrections.append(solution)
    result = picture.copy()
    result[free > 0] = np.clip(picture[free > 0] + np.stack(corrections, 1), 0, 1)
    return result


class _Pairs(NamedTuple):
    """Neighbors of which one is free at least: their numbers, -1 of what is known, and the jump."""

    first: Int[np.ndarray, " n"]
    second: Int[np.ndarray, " n"]
    jumps: Float[np.ndarray, "n 3"]


def _pairs(
    picture: Picture,
    sources: Int[np.ndarray, "h w"],
    level: Level,
    number: Int[np.ndarray, "h w"],
    offset: tuple[int, int],
    wrap: Wrap,
) -> _Pairs:
    """Return all neighbors at an offset, and how much less they should differ."""
    shape, axis = number.shape, offset.index(1)
    places = np.indices(shape)
    rows, columns = places[0], places[1]
    height, width = shape
    beside = (rows + offset[0]) % height, (columns + offset[1]) % width
    used = (number >= 0) | (number[beside] >= 0)
    if not wrap[axis]:
        used &= places[axis] < shape[axis] - 1
    here, there = (rows[used], columns[used]), (beside[0][used], beside[1][used])
    differences = picture[there] - picture[here]
    expected, counts = np.zeros_like(differences), np.zeros((len(differences), 1))
    for pixel, sign in ((here, 1), (there, -1)):
        source = sources[pixel]
        neighbor, is_known = _neighbors(source, level, sign * offset[0], sign * offset[1])
        is_known &= number[pixel] >= 0
        of_sample = sign * (level.pixels[neighbor] - level.pixels[source])
        expected += np.where(is_known[:, None], of_sample, 0)
        counts += is_known[:, None]
    jumps = differences - np.where(counts > 0, expected / np.maximum(counts, 1), differences)
    is_seam = np.abs(jumps).max(1) <= LARGEST
    return _Pairs(number[here], number[there], np.where(is_seam[:, None], jumps, 0))


def _neighbors(
    source: Int[np.ndarray, " n"], level: Level, down: int, right: int
) -> tuple[Int[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Return the pixel of a sample beside each one, and whether it is there and known."""
    which, row, column = level.located(source)
    heights, widths = level.shapes[which].T
    row, column = row + down, column + right
    inside = (row >= 0) & (row < heights) & (column >= 0) & (column < widths)
    neighbor = np.where(inside, level.first[which] + row * widths + column, source)
    return neighbor, inside & level.is_known[neighbor]
