"""Which patch of a sample each patch of a picture is like, from coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from jaxstyle.image.geometry import Picture, resize
from jaxstyle.specs import OPEN, Wrap

PATCH = 7
"""Side of a patch, in pixels."""
LARGEST = 64
"""Longest side of the sample at which all patches are compared with all."""
ROUNDS = 3
"""At each finer size."""
_AT_ONCE = 1024
_AROUND = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)]

Field = Int[np.ndarray, "rows columns 2"]
"""For each patch of a picture the row and column where its patch of the sample begins."""


def nearest_patches(picture: Picture, sample: Picture, wrap: Wrap = OPEN) -> Field:
    """Return for each patch of a picture, by where it begins, where the nearest of a sample begins.

    Small pictures are compared patch by patch. At each finer size a patch tries what its coarser
    one matched, the places around that, and what its neighbors matched.

    Args:
        picture: At least 7 × 7.
        sample: At least 7 × 7.
        wrap: Along which axes patches of the picture continue over the edge.

    References:
        Barnes, Shechtman, Finkelstein & Goldman, "PatchMatch" (SIGGRAPH 2009), section 3.2: the
        propagation. Deviations: it begins with the coarser size's matches in place of random ones,
        and all patches try at once.

    >>> sample = np.random.default_rng(0).random((12, 14, 3)).astype(np.float32)
    >>> nearest_patches(sample[2:, 3:], sample)[1, 2]
    array([3, 5])
    """
    shrinks = [1.0]
    shapes = picture.shape[:2], sample.shape[:2]
    while max(shapes[1]) / shrinks[-1] > LARGEST and min(map(min, shapes)) / shrinks[-1] >= (
        2 * PATCH
    ):
        shrinks.append(2 * shrinks[-1])
    field = None
    for shrink in reversed(shrinks):
        mine = _patches(resize(picture, _shape(picture, shrink), wrap), wrap)
        theirs = _patches(resize(sample, _shape(sample, shrink)), OPEN)
        if field is None:
            field = _all_with_all(mine, theirs)
        else:
            field = _refined(_enlarged(field, mine.shape, theirs.shape), mine, theirs, wrap)
    assert field is not None
    return field


def _shape(picture: Picture, shrink: float) -> tuple[int, int]:
    return round(picture.shape[0] / shrink), round(picture.shape[1] / shrink)


def _patches(picture: Picture, wrap: Wrap) -> Float[np.ndarray, "rows columns k"]:
    """Return the patch that begins at each place."""
    more = [(0, PATCH - 1 if wraps else 0) for wraps in wrap]
    around = np.pad(picture, (*more, (0, 0)), mode="wrap")
    windows = np.lib.stride_tricks.sliding_window_view(around, (PATCH, PATCH), (0, 1))
    return windows.reshape(*windows.shape[:2], -1)


def nearest_rows(
    queries: Float[np.ndarray, "m k"],
    rows: Float[np.ndarray, "n k"],
    penalties: Float[np.ndarray, " n"] | None = None,
) -> Int[np.ndarray, " m"]:
    """Return the number of the row that is nearest to each query.

    Args:
        queries, rows: Of k numbers.
        penalties: What is added to the mean squared difference to each row.
    """
    lengths = np.sum(rows**2, 1)
    if penalties is not None:
        lengths = lengths + rows.shape[1] * penalties
    chosen = [
        np.argmin(lengths - 2 * queries[k : k + _AT_ONCE] @ rows.T, axis=1)
        for k in range(0, len(queries), _AT_ONCE)
    ]
    return np.concatenate(chosen)


def _all_with_all(mine: Float[np.ndarray, "r c k"], theirs: Float[np.ndarray, "p q k"]) -> Field:
    chosen = nearest_rows(*(x.reshape(-1, x.shape[-1]) for x in (mine, theirs)))
    places = np.divmod(chosen, theirs.shape[1])
    return np.stack(places, -1).reshape(*mine.shape[:2], 2)


def _enlarged(field: Field, shape: Sequence[int], limits: Sequence[int]) -> Field:
    """Return a field of twice as many places, with steps of one where the coarser one has them."""
    rows, columns = np.indices(shape[:2])
    coarse = np.minimum(rows // 2, field.shape[0] - 1), np.minimum(columns // 2, field.shape[1] - 1)
    finer = 2 * field[coarse] + np.stack([rows - 2 * coarse[0], columns - 2 * coarse[1]], -1)
    return np.clip(finer, 0, np.array(limits[:2]) - 1)


def _refined(
    field: Field,
    mine: Float[np.ndarray, "r c k"],
    theirs: Float[np.ndarray, "p q k"],
    wrap: Wrap,
) -> Field:
    last = np.array(theirs.shape[:2]) - 1

    def better(field: Field, costs: np.ndarray, other: Field) -> tuple[Field, np.ndarray]:
        other = np.clip(other, 0, last)
        new = np.mean((mine - theirs[other[..., 0], other[..., 1]]) ** 2, -1)
        wins = new < costs
        return np.where(wins[..., None], other, field), np.where(wins, new, costs)

    costs = np.full(mine.shape[:2], np.inf, np.float32)
    field, costs = better(field, costs, field)
    for _ in range(ROUNDS):
        for offset in _AROUND:
            if offset != (0, 0):
                # What the neighbor at this offset matched, continued to here.
                beside = _shifted(field, offset, wrap) - np.array(offset)
                field, costs = better(field, costs, beside)
        centers = field
        for offset in _AROUND:
            field, costs = better(field, costs, centers + np.array(offset))
    return field


def _shifted(field: Field, offset: tuple[int, int], wrap: Wrap) -> Field:
    """Return at each place what its neighbor at an offset has; at an edge, the last place."""
    indices = []
    for side, by, wraps in zip(field.shape[:2], offset, wrap, strict=True):
        places = np.arange(side) + by
        indices.append(places % side if wraps else np.clip(places, 0, side - 1))
    return field[np.ix_(*indices)]
