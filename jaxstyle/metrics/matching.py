"""Matching metrics: each position, or patch, is compared with its nearest in the other picture."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxstyle.metrics.metric import (
    CONTENT_LAYERS,
    PAIRWISE_LAYERS,
    Inside,
    Metric,
    Positions,
    Scalar,
    Vector,
)
from jaxstyle.metrics.pairwise import PAIRS_AT_ONCE, by_rows, matmul_highest, rows, unit
from jaxstyle.metrics.wrapping import surrounded
from jaxstyle.specs import OPEN, Wrap


def closest(x: Positions, y: Float[Array, "m c"], lengths: Any = 1.0) -> Int[Array, " n"]:
    """Return for each row of x the index of the row of y with the largest cosine, no gradient.

    Args:
        x: Rows of any length, which does not matter here.
        y: Rows of length 1, or of these `lengths`.
        lengths: Of the rows of y.
    """
    x, y = jax.lax.stop_gradient((x, y))
    return by_rows(lambda row: jnp.argmax(matmul_highest(y, row) / lengths), x, y.shape[0])


def closest_both(x: Positions, y: Float[Array, "m c"]) -> tuple[Int[Array, " n"], Int[Array, " m"]]:
    """Return `closest` of unit rows both ways, from one product where all pairs fit into memory."""
    if x.shape[0] * y.shape[0] > PAIRS_AT_ONCE:
        return closest(x, y), closest(y, x)
    cosines = matmul_highest(*jax.lax.stop_gradient((x, y.T)))
    return jnp.argmax(cosines, axis=1), jnp.argmax(cosines, axis=0)


def nearest_neighbor(x: Positions, target: Float[Array, "m c"]) -> Scalar:
    """Compute the mean over positions of x of the cosine distance to the nearest of the target's.

    The target holds all of the reference's positions as unit rows. Drawn positions of x are
    unbiased: the mean of all is what a draw gives on average.

    References:
        Zhang et al., "ARF: Artistic Radiance Fields" (ECCV 2022), equation 2 (nearest neighbor
        feature matching). The assignment is a constant for the gradient.
    """
    matched = target[closest(x, target)]
    return jnp.mean(jnp.sum((unit(x) - matched) ** 2, axis=1)) / 2


PATCH = 3


def patches(grid: Float[Array, "h w c"]) -> Float[Array, "n k"]:
    """Return all overlapping 3 × 3 patches, one row each; a side shorter than 3 is used whole."""
    height, width, channels = grid.shape
    tall, wide = min(PATCH, height), min(PATCH, width)
    down, across = height - tall + 1, width - wide + 1
    views = [grid[i : i + down, j : j + across] for i in range(tall) for j in range(wide)]
    if len(views) < PATCH**2:
        # The patches of both pictures must have the same length.
        views += [jnp.zeros_like(views[0])] * (PATCH**2 - len(views))
    return jnp.concatenate(views, axis=2).reshape(down * across, PATCH**2 * channels)


def patches_inside(inside: Inside) -> Int[np.ndarray, "k 9"]:
    """Return the nine positions of each 3 × 3 patch that lies inside a mask as a whole.

    If there is none, there is one patch around each position inside: where its neighbors are
    outside, the position itself stands in.
    """
    steps = np.indices((PATCH, PATCH)).reshape(2, -1, 1) - PATCH // 2
    rows, columns = np.stack(np.nonzero(inside))[:, None] + steps
    usable = np.pad(inside, 1)[rows + 1, columns + 1]
    positions = np.where(usable, rows * inside.shape[1] + columns, np.flatnonzero(inside)).T
    whole = usable.all(0)
    return positions[whole] if whole.any() else positions


def _chosen(grid: Float[Array, "h w c"], at: Any, wrap: Wrap = OPEN) -> Float[Array, "n k"]:
    """Return the patches at these positions, all if None: those over the edges that wrap, too."""
    if at is None:
        return patches(surrounded(grid, 0, PATCH - 1, wrap))
    flat = grid.reshape(-1, grid.shape[-1])
    # In none of the nine comes a position more than twice: its gradients, which GPUs add in any
    # order, have one sum.
    return jnp.concatenate([flat[positions] for positions in at.T], axis=1)


def patch_target(
    grid: Float[Array, "h w c"], at: Int[Array, "m 9"] | None = None
) -> tuple[Float[Array, "m k"], Float[Array, " m"]]:
    """Return the patches, or those at these positions (`patches_inside`), and their lengths."""
    y = _chosen(grid, at)
    return y, jnp.sqrt(jnp.sum(y**2, axis=1) + 1e-12)


def patch(
    grid: Float[Array, "h w c"],
    target: tuple[Float[Array, "m k"], Float[Array, " m"]],
    at: Int[Array, "n 9"] | None = None,
    wrap: Wrap = OPEN,
) -> Scalar:
    """Compute the mean squared difference of each 3 × 3 patch to the target's nearest by cosine.

    A position in k patches, one in a corner and nine away from the border, counts 1/k in each: the
    mean is over the picture's positions, each pulled to the mean of what its patches match. Under a
    mask that is so for the patches inside, and the positions that are in one.

    Args:
        grid: Features of the picture.
        target: Patches of the reference, and their lengths.
        at: Which patches to compare (`patches_inside`); all if None.
        wrap: Along which axes there are patches over the edge.

    References:
        Li & Wand, "Combining Markov Random Fields and Convolutional Neural Networks for Image
        Synthesis" (CVPR 2016), equations 2 and 3, and the authors' code, which divides by the
        number of patches too (the paper does not). Deviations: a mean instead of the sum; patches
        of one size, unrotated; every patch of the style, theirs every other.
    """
    x, (y, lengths) = _chosen(grid, at, wrap), target
    squares = (x - y[closest(x, y, lengths)]) ** 2
    covering = _covering(grid.shape[:2], at, wrap).astype(grid.dtype)
    shares = _chosen(1 / jnp.maximum(covering, 1)[..., None], at, wrap)
    sums = jnp.sum(squares.reshape(*shares.shape, grid.shape[-1]), axis=2)
    return jnp.vdot(sums, shares) / (jnp.sum(covering > 0) * grid.shape[-1])


def _covering(
    shape: tuple[int, ...], at: Int[Array, "n 9"] | None, wrap: Wrap
) -> Int[Array, "h w"]:
    """Count the patches that each position is in."""
    if at is not None:
        return jnp.bincount(at.ravel(), length=shape[0] * shape[1]).reshape(shape)
    along = (
        np.full(side, PATCH)
        if wraps
        else np.convolve(np.ones(side - min(PATCH, side) + 1), np.ones(min(PATCH, side)))
        for side, wraps in zip(shape, wrap, strict=True)
    )
    return jnp.asarray(np.outer(*along), int)


def contextual_target(y: Positions) -> tuple[Positions, Vector]:
    """Return the centered target as unit rows, and its mean."""
    mean = jnp.mean(y, axis=0)
    return unit(y - mean), mean


def contextual(x: Positions, target: tuple[Positions, Vector], *, bandwidth: Any = 0.5) -> Scalar:
    """Compute −log CX, the contextual similarity of the target's positions to their best matches.

    With d = (1 − cosine) / 2 of features minus the target's mean and d̃ = d / (min_j d + 1e-5),
    CX = mean_j max_i softmax_j((1 − d̃_ij) / bandwidth). Not zero for two equal pictures, since the
    softmax still spreads each position's similarity over all positions; never negative. The value
    depends on the number of positions, those that are drawn too: fewer share the softmax, and the
    best of fewer is worse.

    References:
        Mechrez, Talmi & Zelnik-Manor, "The Contextual Loss" (ECCV 2018), equations 2 to 5, with
        the released code's cosine (1 − cos) / 2 and h = 0.5. Computed in the logarithmic domain.
    """
    y, mean = target
    centered = unit(x - mean)

    def scores(row: Vector) -> Float[Array, " m"]:
        distance = jnp.maximum(1 - matmul_highest(y, row), 0) / 2
        smallest = -_largest(-distance)
        return jax.nn.log_softmax((1 - distance / (smallest + 1e-5)) / bandwidth)

    return -_log_mean_best(scores, centered, y.shape[0])


def _largest(values: Array) -> Array:
    """Compute the maximum over the first axis; its gradient goes to the one place of it.

    That of `jnp.max` goes wherever a value equals the maximum. Where the backward pass computes
    values anew and rounds them otherwise that is nowhere, and the gradient 0/0.
    """
    place = jnp.argmax(jax.lax.stop_gradient(values), axis=0)
    places = jax.lax.broadcasted_iota(place.dtype, values.shape, 0)
    return jnp.sum(jnp.where(places == place, values, 0.0), axis=0)  # cheaper than to gather


def _log_mean_best(scores: Any, x: Positions, count: int) -> Scalar:
    """Compute log mean_j max_i exp scores_i(j), in chunks of rows."""
    chunk = max(1, PAIRS_AT_ONCE // count)
    if x.shape[0] <= chunk:
        highest = _largest(jax.vmap(scores)(x))
    else:
        missing = -x.shape[0] % chunk
        # The last chunk is padded with copies of the first row, which do not change a maximum.
        padded = jnp.concatenate([x, jnp.broadcast_to(x[:1], (missing, x.shape[1]))])
        maxima = jax.lax.map(
            jax.checkpoint(lambda part: _largest(jax.vmap(scores)(part))),
            padded.reshape(-1, chunk, x.shape[1]),
        )
        highest = _largest(maxima)
    return jax.nn.logsumexp(highest) - jnp.log(float(count))


_CONTEXTUAL: dict[str, Any] = {
    "name": "contextual",
    "gathers": True,
    "summarize": contextual_target,
    "distance": contextual,
    "cost": "n m C",
    "paper": "Mechrez, Talmi & Zelnik-Manor, ECCV 2018",
    "zero": False,
    "draw": rows,
}

METRICS = (
    Metric(
        name="nearest_neighbor",
        gathers=True,
        summarize=unit,
        distance=nearest_neighbor,
        layers=PAIRWISE_LAYERS,
        meaning="each position looks like some position of the style",
        cost="n m C",
        paper="Zhang et al. (ARF), ECCV 2022",
        draw=rows,
        draws_target=False,
    ),
    Metric(
        name="patch",
        gathers=True,
        summarize=patch_target,
        distance=patch,
        expects="grid",
        select=patches_inside,
        layers=PAIRWISE_LAYERS,
        meaning="each 3 × 3 patch looks like some patch of the style (MRF)",
        cost="9 n m C",
        paper="Li & Wand, CVPR 2016",
    ),
    Metric(
        layers=PAIRWISE_LAYERS,
        meaning="every position of the style is the best match of some position",
        **_CONTEXTUAL,
    ),
    Metric(
        kind="content",
        layers=CONTENT_LAYERS,
        meaning="everything in the content appears again, wherever it is",
        **_CONTEXTUAL,
    ),
)
