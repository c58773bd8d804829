"""Patchworks: pictures put together from pixels of samples, from which a texture can start.

A patchwork has the samples' forms, which noise has not; where its pieces meet there are seams: what
the network's features are there to mend.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int
from scipy import ndimage

from jaxstyle.image.geometry import Picture
from jaxstyle.image.nearest_patches import PATCH, nearest_rows
from jaxstyle.image.patch_levels import (
    Level,
    Sample,
    Unknown,
    agreed,
    drawn,
    finer,
    level_of,
    places_of,
    reduced_by,
    unknown_at,
    weights_of,
)
from jaxstyle.image.seams import without_seams
from jaxstyle.specs import OPEN, Wrap

LEAST = 2 * PATCH
"""No side of a sample is reduced below this."""
LEAST_AROUND = 24
"""The same, where a part of a picture is made: smaller, too little of what is around it is left."""
LARGEST = 64
"""Up to this longest side of the samples each patch is compared with all of theirs."""
LARGEST_AROUND = 160
"""The same, where a part of a picture is made: fewer patches are compared there."""
ROUNDS = 3
"""At the finest size; twice as many at the next coarser one, and so on."""
EVENNESS = 0.3
"""How much dearer, in mean squared differences, a patch is for each time that it was used beyond
its share: flat ones, which are near to everything, would spread otherwise."""


def patchwork(
    samples: Sequence[Sample],
    shape: tuple[int, int],
    random: np.random.Generator,
    *,
    unknown: Unknown | None = None,
    wrap: Wrap = OPEN,
) -> Picture | None:
    """Make a picture of pixels of samples, from coarse to fine.

    Every patch is replaced by the nearest one of the samples, some times in turn; of what the
    patches over a pixel say, it takes the color that is nearest to their mean, which brings forms
    into line, and later what most of them say, which keeps the contrast: the better a patch agrees
    with what is there, the more it counts. At the next finer size pixels come from the same places;
    where samples are large, patches are only moved a little then. It begins with patches drawn at
    random, or grows from what is known.

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
    shrinks, compared = _shrinks(samples, shape, unknown)
    sources = coarser = level = made = None
    for shrink in shrinks:
        reduced = round(shape[0] / shrink), round(shape[1] / shrink)
        part = None if unknown is None else unknown_at(unknown, reduced)
        coarser, level = level, level_of([reduced_by(sample, shrink) for sample in samples])
        if min(reduced) < PATCH or not len(level.patches):
            level = None
            continue
        if sources is None or coarser is None:
            sources = drawn(reduced, level, random)
            sources = sources if part is None else _grown(sources, level, part, wrap)
        else:
            sources = finer(sources, coarser, reduced, level)
        if part is None and shrink >= compared:
            rounds = ROUNDS * round(shrink / compared)
            sources, made = _compared(sources, level, wrap, rounds)
        else:
            sources, made = _moved(sources, level, part, wrap)
    if made is None or sources is None or level is None:
        return None
    free = np.ones(made.shape[:2], np.float32) if unknown is None else unknown.free
    return without_seams(made, sources, level, free, wrap)


def _shrinks(
    samples: Sequence[Sample], shape: tuple[int, int], unknown: Unknown | None
) -> tuple[list[float], float]:
    """Return by how much to reduce at each size, coarse to full, and at the last for all patches.

    Up to that one each patch is compared with all of the samples'.
    """
    longest = max(max(sample.picture.shape[:2]) for sample in samples)
    least = min(min(sample.picture.shape[:2]) for sample in samples)
    if unknown is not None:
        # A hole is about two patches wide at first. If it is narrower, what is around it says too
        # little of what may be inside, and forms that have no business there come in.
        depth = float(ndimage.distance_transform_edt(unknown.free).max())
        first = max(depth / PATCH, longest / LARGEST_AROUND)
        compared = max(1.0, min(first, min(least, *shape) / LEAST_AROUND))
        coarser: list[float] = []
    else:
        compared = max(1.0, longest / LARGEST)
        halvings = math.floor(math.log2(max(1.0, min(least, *shape) / compared / LEAST)))
        coarser = [compared * 2**k for k in range(halvings, 0, -1)]
    finer_count = math.ceil(math.log2(compared))
    larger = [max(1.0, compared / 2**k) for k in range(1, 1 + finer_count)]
    return [*coarser, compared, *larger], compared


def _grown(
    sources: Int[np.ndarray, "h w"], level: Level, unknown: Unknown, wrap: Wrap
) -> Int[np.ndarray, "h w"]:
    """Fill what is unknown from its edge on, by patches that agree with what is known so far.

    References:
        Criminisi, Pérez & Toyama, "Region Filling and Object Removal by Exemplar-Based Image
        Inpainting" (IEEE TIP 13, 2004), without their priorities: from all sides in turn.
    """
    known, picture = unknown.free.ravel() == 0, unknown.picture.reshape(-1, 3).copy()
    rows = level.pixels[level.patches].reshape(len(level.patches), -1)
    squares = (rows**2).T
    while not known.all():
        places = _free_places(sources.shape, ~known, wrap)
        parts = known[places].mean(1)
        if not parts.size or not parts.max():
            break
        places = places[parts >= min(_KNOWN_PART, parts.max())]
        weights = known[places].repeat(3, 1).astype(np.float32)
        queries = weights * picture[places].reshape(len(places), -1)
        nearest, errors = np.zeros(len(places), int), np.zeros(len(places), np.float32)
        for part in (slice(k, k + _AT_ONCE) for k in range(0, len(places), _AT_ONCE)):
            differences = weights[part] @ squares - 2 * queries[part] @ rows.T
            nearest[part] = np.argmin(differences, axis=1)
            errors[part] = np.min(differences, axis=1) + np.sum(queries[part] ** 2, 1)
        # Of the patches over a pixel the one that agrees best has the last word.
        order = np.argsort(-errors / weights.sum(1), kind="stable")
        sources = sources.copy()
        into, by = places[order], level.patches[nearest[order]]
        new = into[~known[into]]
        sources.ravel()[new] = by[~known[into]]
        picture[new], known[new] = level.pixels[sources.ravel()[new]], True
    return sources


_AT_ONCE = 512
_KNOWN_PART = 0.6
"""A patch is filled if so much of it is known, or as much as of any other."""


def _compared(
    sources: Int[np.ndarray, "h w"], level: Level, wrap: Wrap, rounds: int
) -> tuple[Int[np.ndarray, "h w"], Picture]:
    """Replace pixels by those of the nearest patches, and return the sources and the picture."""
    places = places_of(sources.shape, wrap)
    rows = level.pixels[level.patches].reshape(len(level.patches), -1)
    penalties = np.zeros(len(rows), np.float32)
    for turn in range(rounds):
        queries = level.pixels[sources.ravel()[places]].reshape(len(places), -1)
        nearest = nearest_rows(queries, rows, penalties)
        errors = np.mean((queries - rows[nearest]) ** 2, axis=1)
        by_count = turn >= rounds - rounds // 2
        sources = agreed(
            places,
            level.patches[nearest],
            level.pixels,
            sources,
            # In a weighted mean a piece that agrees with itself would not come into line.
            weights=weights_of(errors) if by_count else None,
            by_count=by_count,
        )
        counts = np.bincount(nearest, minlength=len(rows))
        cost = EVENNESS * float(np.mean(errors))
        share = max(1.0, len(nearest) / len(rows))
        penalties = (cost * np.maximum(counts / share - 1, 0)).astype(np.float32)
    return sources, level.pixels[sources]


def _moved(
    sources: Int[np.ndarray, "h w"], level: Level, unknown: Unknown | None, wrap: Wrap
) -> tuple[Int[np.ndarray, "h w"], Picture]:
    """The same, by those patches alone that a patch's pixels come from, and those beside.

    Where a part of a picture is made, twice: it has to be in line with what is around it, too.

    References:
        Ashikhmin, "Synthesizing Natural Textures" (I3D 2001), section 3: the candidates.
    """
    free = None if unknown is None else unknown.free.ravel() > 0
    places = _free_places(sources.shape, free, wrap)
    number_of = np.full(len(level.pixels), -1)  # of the patch that begins at a pixel
    number_of[level.patches[:, 0]] = np.arange(len(level.patches))
    widths = np.repeat(level.shapes[:, 1], level.shapes.prod(1))
    for by_count in (True,) if unknown is None else (False, True):
        queries = _shown(sources, level, unknown).reshape(-1, 3)[places]
        nearest, least = np.zeros(len(places), int), np.full(len(places), np.inf)
        for place, down, right in _CANDIDATES:
            at = sources.ravel()[places[:, place]]
            corners = at - down * widths[at] - right
            # One over an edge is near the other end of a row or of a sample, where no patch begins.
            numbers = number_of[np.clip(corners, 0, len(number_of) - 1)]
            errors = np.sum((level.pixels[level.patches[numbers]] - queries) ** 2, axis=(1, 2))
            nearer = (numbers >= 0) & (errors < least)
            nearest[nearer], least[nearer] = numbers[nearer], errors[nearer]
        sources = agreed(
            places,
            level.patches[nearest],
            level.pixels,
            sources,
            weights=weights_of(least / (3 * PATCH**2)),
            by_count=by_count,
        )
    return sources, _shown(sources, level, unknown)


_CANDIDATES = tuple(
    (row * PATCH + column, row, column) for row in range(PATCH) for column in range(PATCH)
) + tuple(
    (PATCH**2 // 2, PATCH // 2 + down, PATCH // 2 + right)
    for down in (-1, 0, 1)
    for right in (-1, 0, 1)
    if down or right
)
"""A pixel of a patch, and how far above and left of where it comes from a candidate begins."""


def _free_places(
    shape: tuple[int, ...], free: Bool[np.ndarray, " n"] | None, wrap: Wrap
) -> Int[np.ndarray, "n p"]:
    """Return the positions of the patches in which something is made."""
    places = places_of(shape, wrap)
    return places if free is None else places[free[places].any(1)]


def _shown(sources: Int[np.ndarray, "h w"], level: Level, unknown: Unknown | None) -> Picture:
    """Return the picture that pixels from these places make."""
    picture = level.pixels[sources]
    if unknown is None:
        return picture
    return np.where(unknown.free[..., None] > 0, picture, unknown.picture)
