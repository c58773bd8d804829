"""Matching metrics: each position, or patch, is compared with its nearest in the other picture."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import (
    CONTENT_LAYERS,
    PAIRWISE_LAYERS,
    Metric,
    Positions,
    Scalar,
    Vector,
)
from jaxstyle.metrics.pairwise import PAIRS_AT_ONCE, matmul_highest, nearest, unit


def nearest_neighbor(x: Positions, y: Positions) -> Scalar:
    """Compute the mean over positions of x of the cosine distance to the nearest position of y.

    References:
        Zhang et al., "ARF: Artistic Radiance Fields" (ECCV 2022), equation 2 (nearest neighbor
        feature matching). The assignment is a constant for the gradient.
    """
    matched = unit(y)[nearest(x, y)]
    return jnp.mean(jnp.sum((unit(x) - matched) ** 2, axis=1)) / 2


PATCH = 3


def patches(grid: Float[Array, "h w c"]) -> Float[Array, "n k"]:
    """Return all overlapping 3 × 3 patches, one row each; a side shorter than 3 is used whole."""
    height, width, channels = grid.shape
    tall, wide = min(PATCH, height), min(PATCH, width)
    rows, columns = height - tall + 1, width - wide + 1
    views = [grid[i : i + rows, j : j + columns] for i in range(tall) for j in range(wide)]
    if len(views) < PATCH**2:
        # The patches of both pictures must have the same length.
        views += [jnp.zeros_like(views[0])] * (PATCH**2 - len(views))
    return jnp.concatenate(views, axis=2).reshape(rows * columns, PATCH**2 * channels)


def patch(grid: Float[Array, "h w c"], target: Float[Array, "m k"]) -> Scalar:
    """Compute the mean squared difference of each 3 × 3 patch to the target's nearest by cosine.

    References:
        Li & Wand, "Combining Markov Random Fields and Convolutional Neural Networks for Image
        Synthesis" (CVPR 2016), equations 2 and 3. Deviations: a mean instead of the sum; patches
        of one size, unrotated. Patches overlap, as in the paper: inner positions count nine times.
    """
    x = patches(grid)
    return jnp.mean((x - target[nearest(x, target)]) ** 2)


def contextual_target(y: Positions) -> tuple[Positions, Vector]:
    """Return the centered target as unit rows, and its mean."""
    mean = jnp.mean(y, axis=0)
    return unit(y - mean), mean


def contextual(x: Positions, target: tuple[Positions, Vector], *, bandwidth: Any = 0.5) -> Scalar:
    """Compute −log CX, the contextual similarity of the target's positions to their best matches.

    With d = (1 − cosine) / 2 of features minus the target's mean and d̃ = d / (min_j d + 1e-5),
    CX = mean_j max_i softmax_j((1 − d̃_ij) / bandwidth). Not zero for two equal pictures, since the
    softmax still spreads each position's similarity over all positions; never negative.

    References:
        Mechrez, Talmi & Zelnik-Manor, "The Contextual Loss" (ECCV 2018), equations 2 to 5, with
        the released code's cosine (1 − cos) / 2 and h = 0.5. Computed in the logarithmic domain.
    """
    y, mean = target
    centered = unit(x - mean)

    def scores(row: Vector) -> Float[Array, " m"]:
        distance = jnp.maximum(1 - matmul_highest(y, row), 0) / 2
        return jax.nn.log_softmax((1 - distance / (jnp.min(distance) + 1e-5)) / bandwidth)

    return -_log_mean_best(scores, centered, y.shape[0])


def _log_mean_best(scores: Any, rows: Positions, count: int) -> Scalar:
    """Compute log mean_j max_i exp scores_i(j), in chunks of rows."""
    chunk = max(1, PAIRS_AT_ONCE // count)
    if rows.shape[0] <= chunk:
        highest = jnp.max(jax.vmap(scores)(rows), axis=0)
    else:
        missing = -rows.shape[0] % chunk
        # The last chunk is padded with copies of the first row, which do not change a maximum.
        padded = jnp.concatenate([rows, jnp.broadcast_to(rows[:1], (missing, rows.shape[1]))])
        maxima = jax.lax.map(
            jax.checkpoint(lambda part: jnp.max(jax.vmap(scores)(part), axis=0)),
            padded.reshape(-1, chunk, rows.shape[1]),
        )
        highest = jnp.max(maxima, axis=0)
    return jax.nn.logsumexp(highest) - jnp.log(float(count))


_CONTEXTUAL: dict[str, Any] = {
    "name": "contextual",
    "summarize": contextual_target,
    "distance": contextual,
    "cost": "n m C",
    "paper": "Mechrez, Talmi & Zelnik-Manor, ECCV 2018",
    "zero": False,
}

METRICS = (
    Metric(
        name="nearest_neighbor",
        summarize=lambda y: y,
        distance=nearest_neighbor,
        layers=PAIRWISE_LAYERS,
        meaning="each position looks like some position of the style",
        cost="n m C",
        paper="Zhang et al. (ARF), ECCV 2022",
    ),
    Metric(
        name="patch",
        summarize=patches,
        distance=patch,
        expects="grid",
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
