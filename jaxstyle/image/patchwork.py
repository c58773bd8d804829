"""Patchworks: pictures put together from pixels of samples, from which a texture can start.

A patchwork has the samples' forms, which noise has not; where its pieces meet there are seams: what
the network's features are there to mend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxstyle.image.geometry import Picture, resize, resize_alpha
from jaxstyle.image.masks import Mask
from jaxstyle.image.nearest_patches import PATCH, nearest_rows
from jaxstyle.specs import OPEN, Wrap

LEAST = 2 * PATCH
"""No side of a sample is reduced below this."""
LARGEST = 64
"""Samples are reduced to this longest side: every patch is compared with all of theirs."""
ROUNDS = 3
"""At the finest size; twice as many at the next coarser one, and so on."""
EVENNESS = 0.3
"""How much dearer, in mean squared differences, a patch is for each time that it was used beyond
its share: flat ones, which are near to everything, would spread otherwise."""


class Sample(NamedTuple):
    """A picture, and which of its pixels are known; None for all."""

    picture: Picture
    known: Mask | None = None


class Unknown(NamedTuple):
    """A picture of which a part is made.

    Attributes:
        picture: Of which only what is known counts.
        free: 1 where it is made, 0 where it is known.
    """

    picture: Picture
    free: Mask


class _Level(NamedTuple):
    """Samples at one size, side by side.

    Attributes:
        pixels: Of all samples.
        shapes: Height and width of each.
        first: The number of each one's first pixel.
        patches: For each patch that is known as a whole its pixels' numbers, row by row.
    """

    pixels: Float[np.ndarray, "pixels 3"]
    shapes: Int[np.ndarray, "samples 2"]
    first: Int[np.ndarray, " samples"]
    patches: Int[np.ndarray, "patches p"]


def patchwork(
    samples: Sequence[Sample],
    shape: tuple[int, int],
    random: np.random.Generator,
    *,
    unknown: Unknown | None = None,
    wrap: Wrap = OPEN,
) -> Picture | None:
    """Make a picture of pixels of samples, from coarse to fine.

    Every patch is replaced by the nearest one of the samples; of what the patches over a pixel say,
    it takes the color that is nearest to their mean, some times in turn. At the next finer size
    pixels come from the same places. It begins with patches drawn at random.

    Args:
        samples: At the picture's scale.
        shape: Height and width of the picture.
        random: What draws the first patches.
        unknown: Of the picture's shape: make only a part of it; None for all.
        wrap: Along which axes patches continue over the edge.

    Returns:
        The picture; None if no patch of the samples is known as a whole.

    References:
        Han, Zhou, Wei, Gong, Bao, Zhang & Guo, "Fast Example-based Surface Texture Synthesis via
        Discrete Optimization" (The Visual Computer 22, 2006): colors of the sample in place of the
        means of Kwatra, Essa, Bobick & Kwatra (SIGGRAPH 2005), which blur. Lefebvre & Hoppe,
        "Parallel Controllable Texture Synthesis" (SIGGRAPH 2005), section 3: places from size to
        size. Kaspar, Neubert, Lischinski, Pauly & Kopf, "Self Tuning Texture Optimization"
        (Eurographics 2015): patches that are used often cost more. Deviation: each patch is
        compared with all of the samples', by colors alone.

    >>> sample = Sample(np.indices((20, 20))[0, ..., None].repeat(3, 2).astype(np.float32) % 4 / 4)
    >>> patchwork([sample], (24, 32), np.random.default_rng(0)).shape
    (24, 32, 3)
    """
    longest = max(max(sample.picture.shape[:2]) for sample in samples)
    least = min(min(sample.picture.shape[:2]) for sample in samples)
    shrinks = [max(1.0, longest / LARGEST)]
    while least / (2 * shrinks[-1]) >= LEAST and min(shape) / (2 * shrinks[-1]) >= LEAST:
        shrinks.append(2 * shrinks[-1])
    sources = coarser = level = None
    for shrink in reversed(shrinks):
        reduced = round(shape[0] / shrink), round(shape[1] / shrink)
        coarser, level = level, _level([_reduced(sample, shrink) for sample in samples])
        if min(reduced) < PATCH or not len(level.patches):
            level = None
            continue
        if sources is None or coarser is None:
            sources = _drawn(reduced, level, random)
        else:
            sources = _finer(sources, coarser, reduced, level)
        part = None if unknown is None else _unknown_at(unknown, reduced)
        rounds = ROUNDS * round(shrink / shrinks[0])
        sources, made = _corrected(sources, level, part, wrap, rounds)
    return None if level is None else resize(made, shape, wrap)


def _reduced(sample: Sample, shrink: float) -> Sample:
    height, width = (max(1, round(side / shrink)) for side in sample.picture.shape[:2])
    known = None if sample.known is None else resize_alpha(sample.known, (height, width))
    return Sample(resize(sample.picture, (height, width)), known)


def _unknown_at(unknown: Unknown, shape: tuple[int, int]) -> Unknown:
    # Where a pixel is free in part it is made.
    free = (resize_alpha(unknown.free, shape) > 1e-3).astype(np.float32)
    return Unknown(resize(unknown.picture, shape), free)


def _level(samples: Sequence[Sample]) -> _Level:
    shapes = np.array([sample.picture.shape[:2] for sample in samples])
    first = np.concatenate([[0], np.cumsum(shapes.prod(1))[:-1]])
    patches = [np.empty((0, PATCH**2), int)]
    for (picture, known), begin in zip(samples, first, strict=True):
        height, width = picture.shape[:2]
        if min(height, width) < PATCH:
            continue
        starts = np.indices((height - PATCH + 1, width - PATCH + 1)).reshape(2, -1)
        inside = np.indices((PATCH, PATCH)).reshape(2, -1)
        rows, columns = starts[:, :, None] + inside[:, None]
        places = rows * width + columns
        if known is not None:
            places = places[(known.ravel()[places] > 0.999).all(1)]
        patches.append(begin + places)
    pixels = np.concatenate([sample.picture.reshape(-1, 3) for sample in samples])
    return _Level(pixels.astype(np.float32), shapes, first, np.concatenate(patches))


def _drawn(
    shape: tuple[int, int], level: _Level, random: np.random.Generator
) -> Int[np.ndarray, "h w"]:
    """Draw patches at random, side by side, and return where each pixel comes from."""
    down, across = (-(-side // PATCH) for side in shape)
    drawn = level.patches[random.integers(0, len(level.patches), down * across)]
    tiles = drawn.reshape(down, across, PATCH, PATCH).swapaxes(1, 2)
    return tiles.reshape(down * PATCH, across * PATCH)[: shape[0], : shape[1]]


def _finer(
    sources: Int[np.ndarray, "h w"], coarser: _Level, shape: tuple[int, int], level: _Level
) -> Int[np.ndarray, "k l"]:
    """Return where each pixel comes from at twice the size: the same places."""
    places = np.indices(shape)
    last = np.array(sources.shape)[:, None, None] - 1
    coarse = np.minimum(places // 2, last)
    numbers = sources[coarse[0], coarse[1]]
    which = np.searchsorted(coarser.first, numbers, side="right") - 1
    of_sample = np.divmod(numbers - coarser.first[which], coarser.shapes[which, 1])
    rows, columns = (
        np.minimum(2 * coordinate + places[axis] - 2 * coarse[axis], level.shapes[which, axis] - 1)
        for axis, coordinate in enumerate(of_sample)
    )
    numbers = level.first[which] + rows * level.shapes[which, 1] + columns
    # What is unknown at this size: the nearest pixel, in reading order, that is not.
    usable = np.unique(level.patches)
    after = np.minimum(np.searchsorted(usable, numbers), len(usable) - 1)
    result: Int[np.ndarray, "k l"] = usable[after]
    return result


def _corrected(
    sources: Int[np.ndarray, "h w"],
    level: _Level,
    unknown: Unknown | None,
    wrap: Wrap,
    rounds: int,
) -> tuple[Int[np.ndarray, "h w"], Picture]:
    """Replace pixels by those of the nearest patches, and return the sources and the picture."""
    shape = sources.shape
    free: Bool[np.ndarray, "h w"] = np.ones(shape, bool) if unknown is None else unknown.free > 0
    places = _places(shape, wrap)
    places = places[free.ravel()[places].any(1)]
    rows = level.pixels[level.patches].reshape(len(level.patches), -1)
    penalties = np.zeros(len(rows), np.float32)
    picture = _shown(sources, level, unknown)
    for _ in range(rounds if len(places) else 0):
        queries = picture.reshape(-1, 3)[places].reshape(len(places), -1)
        nearest = nearest_rows(queries, rows, penalties)
        sources = _agreed(places, level.patches[nearest], level.pixels, sources)
        picture = _shown(sources, level, unknown)
        counts = np.bincount(nearest, minlength=len(rows))
        cost = EVENNESS * float(np.mean((queries - rows[nearest]) ** 2))
        share = max(1.0, len(nearest) / len(rows))
        penalties = (cost * np.maximum(counts / share - 1, 0)).astype(np.float32)
    return sources, picture


def _shown(sources: Int[np.ndarray, "h w"], level: _Level, unknown: Unknown | None) -> Picture:
    picture = level.pixels[sources]
    if unknown is None:
        return picture
    return np.where(unknown.free[..., None] > 0, picture, unknown.picture)


def _agreed(
    places: Int[np.ndarray, "n p"],
    patches: Int[np.ndarray, "n p"],
    pixels: Float[np.ndarray, "pixels 3"],
    sources: Int[np.ndarray, "h w"],
) -> Int[np.ndarray, "h w"]:
    """Return for each pixel, of those that the patches over it have there, the one nearest to all.

    Args:
        places: The positions of each patch, counted row by row.
        patches: The numbers of the pixels that it has there.
        pixels: Their colors.
        sources: Of pixels without a patch.
    """
    counts = np.maximum(np.bincount(places.ravel(), minlength=sources.size), 1)
    sums = [np.bincount(places.ravel(), plane[patches].ravel(), sources.size) for plane in pixels.T]
    means = np.stack(sums, axis=1) / counts[:, None]
    result, least = sources.ravel().copy(), np.full(sources.size, np.inf)
    for place, number in zip(places.T, patches.T, strict=True):
        errors = np.sum((pixels[number] - means[place]) ** 2, axis=1)
        nearer = errors < least[place]
        least[place[nearer]] = errors[nearer]
        result[place[nearer]] = number[nearer]
    return result.reshape(sources.shape)


def _places(shape: tuple[int, ...], wrap: Wrap) -> Int[np.ndarray, "n p"]:
    """Return the positions of all patches of a picture, counted row by row."""
    counts = [side if wraps else side - PATCH + 1 for side, wraps in zip(shape, wrap, strict=True)]
    starts = np.indices(counts).reshape(2, -1, 1)
    rows, columns = starts + np.indices((PATCH, PATCH)).reshape(2, 1, -1)
    return rows % shape[0] * shape[1] + columns % shape[1]
