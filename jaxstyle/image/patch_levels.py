"""What a patchwork is made of: its samples at one size, and where each of its pixels comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxstyle.image.geometry import Picture, resize, resize_alpha
from jaxstyle.image.masks import Mask
from jaxstyle.image.nearest_patches import PATCH
from jaxstyle.specs import Wrap


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


class Level(NamedTuple):
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

    @property
    def is_known(self) -> Bool[np.ndarray, " pixels"]:
        """Whether each pixel is in a patch that is known as a whole."""
        known = np.zeros(len(self.pixels), bool)
        known[self.patches] = True
        return known

    def located(
        self, numbers: Int[np.ndarray, "*n"]
    ) -> tuple[Int[np.ndarray, "*n"], Int[np.ndarray, "*n"], Int[np.ndarray, "*n"]]:
        """Return the samples, the rows and the columns of pixels."""
        which = np.searchsorted(self.first, numbers, side="right") - 1
        return which, *np.divmod(numbers - self.first[which], self.shapes[which, 1])


def reduced_by(sample: Sample, shrink: float) -> Sample:
    """Return a sample at a smaller size."""
    height, width = (max(1, round(side / shrink)) for side in sample.picture.shape[:2])
    known = None if sample.known is None else resize_alpha(sample.known, (height, width))
    return Sample(resize(sample.picture, (height, width)), known)


def unknown_at(unknown: Unknown, shape: tuple[int, int]) -> Unknown:
    """Return a picture of which a part is made at another size."""
    # Where a pixel is free in part it is made.
    free = (resize_alpha(unknown.free, shape) > 1e-3).astype(np.float32)
    return Unknown(resize(unknown.picture, shape), free)


def level_of(samples: Sequence[Sample]) -> Level:
    """Put samples side by side."""
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
    return Level(pixels.astype(np.float32), shapes, first, np.concatenate(patches))


def drawn(
    shape: tuple[int, int], level: Level, random: np.random.Generator
) -> Int[np.ndarray, "h w"]:
    """Draw patches at random, side by side, and return where each pixel comes from."""
    down, across = (-(-side // PATCH) for side in shape)
    patches = level.patches[random.integers(0, len(level.patches), down * across)]
    tiles = patches.reshape(down, across, PATCH, PATCH).swapaxes(1, 2)
    return tiles.reshape(down * PATCH, across * PATCH)[: shape[0], : shape[1]]


def finer(
    sources: Int[np.ndarray, "h w"],
    coarser: Level,
    shape: tuple[int, int],
    level: Level,
) -> Int[np.ndarray, "k l"]:
    """Return where each pixel comes from at a finer size: the same places.

    Args:
        sources: At the coarser size.
        coarser: What they are numbers of.
        shape: Of the picture at the finer size.
        level: At that size.
    """
    places = np.indices(shape)
    ratio = np.divide(shape, sources.shape)[:, None, None]
    last = np.array(sources.shape)[:, None, None] - 1
    coarse = np.minimum((places / ratio + 1e-9).astype(int), last)
    numbers = sources[coarse[0], coarse[1]]
    which, *of_sample = coarser.located(numbers)
    growth = level.shapes / coarser.shapes
    rows, columns = (
        np.minimum(
            np.round(growth[which, axis] * coordinate + places[axis] - ratio[axis] * coarse[axis]),
            level.shapes[which, axis] - 1,
        ).astype(int)
        for axis, coordinate in enumerate(of_sample)
    )
    numbers = level.first[which] + rows * level.shapes[which, 1] + columns
    # What is unknown at this size: the nearest pixel, in reading order, that is not.
    usable = np.flatnonzero(level.is_known)
    after = np.minimum(np.searchsorted(usable, numbers), len(usable) - 1)
    result: Int[np.ndarray, "k l"] = usable[after]
    return result


def agreed(
    places: Int[np.ndarray, "n p"],
    patches: Int[np.ndarray, "n p"],
    pixels: Float[np.ndarray, "pixels 3"],
    sources: Int[np.ndarray, "h w"],
    *,
    weights: Float[np.ndarray, " n"] | None = None,
    by_count: bool = False,
) -> Int[np.ndarray, "h w"]:
    """Return for each pixel one of those that the patches over it have there.

    Args:
        places: The positions of each patch, counted row by row.
        patches: The numbers of the pixels that it has there.
        pixels: Their colors.
        sources: Of pixels without a patch.
        weights: How much each patch counts; all the same if not given.
        by_count: Take the one that most patches have, which keeps the contrast, and the seams; of
            several of them, or in any case without it, the one nearest to the mean of all colors.
    """
    if weights is None:
        weights = np.ones(len(places), np.float32)
    votes = np.repeat(weights, places.shape[1])
    counts = np.bincount(places.ravel(), votes, minlength=sources.size)
    sums = [
        np.bincount(places.ravel(), votes * plane[patches].ravel(), minlength=sources.size)
        for plane in pixels.T
    ]
    means = np.stack(sums, axis=1) / np.where(counts > 0, counts, 1)[:, None]
    pairs, pair_of = np.unique(places.astype(np.int64) * len(pixels) + patches, return_inverse=True)
    totals = np.bincount(pair_of.ravel(), votes)
    at, number = np.divmod(pairs, len(pixels))
    errors = np.sum((pixels[number] - means[at]) ** 2, axis=1)
    order = np.lexsort((errors, -totals, at) if by_count else (errors, at))
    best = order[np.unique(at[order], return_index=True)[1]]
    result = sources.ravel().copy()
    result[at[best]] = number[best]
    return result.reshape(sources.shape)


def weights_of(errors: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return how much patches count, given how far they are from what they replace.

    Args:
        errors: Mean squared differences of colors.

    References:
        Kwatra, Essa, Bobick & Kwatra, "Texture Optimization for Example-based Synthesis" (SIGGRAPH
        2005), section 3.1: the distance to the power of -1.2. Deviations: `_SAME` is
        added, and it is votes that are weighted, and means only in holes.
    """
    weights: Float[np.ndarray, " n"] = (errors + _SAME) ** -0.6
    return weights


_SAME = 1e-4
"""A mean squared difference below which patches count alike: 1% of the range, squared."""


def places_of(shape: tuple[int, ...], wrap: Wrap) -> Int[np.ndarray, "n p"]:
    """Return the positions of all patches of a picture, counted row by row."""
    counts = [side if wraps else side - PATCH + 1 for side, wraps in zip(shape, wrap, strict=True)]
    starts = np.indices(counts).reshape(2, -1, 1)
    rows, columns = starts + np.indices((PATCH, PATCH)).reshape(2, 1, -1)
    return rows % shape[0] * shape[1] + columns % shape[1]
