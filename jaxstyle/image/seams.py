"""Seams of a patchwork: where what was put together differs in color alone, it is made to fit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import fft, sparse
from scipy.sparse.linalg import cg

from jaxstyle.image.geometry import Picture
from jaxstyle.image.masks import Mask
from jaxstyle.image.patch_levels import Level
from jaxstyle.specs import OPEN, Wrap

LARGEST = 0.1
"""A larger jump, of colors in [0, 1], is an edge, which stays: its colors would run otherwise."""
_MOST_ITERATIONS = 500
_RIGHT, _DOWN = (0, 1), (1, 0)
_AXES = (0, 1)


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
    # Each pixel's correction differs from its neighbor's by the jump between them.
    ends, other = np.concatenate([first, second]), np.concatenate([second, first])
    signed = np.concatenate([jumps, -jumps])
    is_free, count = ends >= 0, number.max() + 1
    sums = [np.bincount(ends[is_free], plane, count) for plane in signed[is_free].T]
    divergence = np.stack(sums, 1)
    if (free > 0).all():
        corrections = _of_a_rectangle(divergence.reshape(*free.shape, 3), wrap).reshape(-1, 3)
    else:
        corrections = _of_a_part(divergence, ends[is_free], other[is_free])
    result = picture.copy()
    result[free > 0] = np.clip(picture[free > 0] + corrections, 0, 1)
    return result


def _of_a_part(
    divergence: Float[np.ndarray, "n 3"],
    ends: Int[np.ndarray, " m"],
    other: Int[np.ndarray, " m"],
) -> Float[np.ndarray, "n 3"]:
    """Solve Poisson's equation where the neighbors of some pixels are known."""
    count, inner = len(divergence), other >= 0
    degrees = np.bincount(ends, minlength=count).astype(np.float64)
    links = (np.ones(np.count_nonzero(inner)), (ends[inner], other[inner]))
    laplacian = sparse.diags(degrees) - sparse.csr_matrix(links, shape=(count, count))
    # `atol` is its default of today; SciPy before 1.14 warns where it is left out.
    planes = [cg(laplacian, b, maxiter=_MOST_ITERATIONS, atol=0.0)[0] for b in divergence.T]
    return np.stack(planes, 1)


def _of_a_rectangle(
    divergence: Float[np.ndarray, "h w 3"], wrap: Wrap
) -> Float[np.ndarray, "h w 3"]:
    """Solve it over a whole picture, whose mean stays: each wave has its own eigenvalue."""
    turned, eigenvalues = divergence, np.zeros(divergence.shape[:2])
    for axis, wraps in enumerate(wrap):
        count = divergence.shape[axis]
        angles = np.arange(count) * np.pi / count * (2 if wraps else 1)
        eigenvalues = eigenvalues + np.expand_dims(2 - 2 * np.cos(angles), 1 - axis)
    # Open axes first, and last of all: cosine transforms are of real values.
    for axis in sorted(_AXES, key=wrap.__getitem__):
        turned = (fft.fft if wrap[axis] else fft.dct)(turned, axis=axis)
    eigenvalues[0, 0] = np.inf
    turned = turned / eigenvalues[..., None]
    for axis in sorted(_AXES, key=wrap.__getitem__, reverse=True):
        turned = fft.ifft(turned, axis=axis) if wrap[axis] else fft.idct(turned.real, axis=axis)
    return turned.real


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
