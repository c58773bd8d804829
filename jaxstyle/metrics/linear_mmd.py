"""Maximum mean discrepancies at a cost linear in the positions: of means, and of random pairs."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxstyle.metrics.metric import Grid, Metric, Positions, Scalar, Vector
from jaxstyle.metrics.moments import pool
from jaxstyle.metrics.pairwise import Key

Pairs = Float[Array, "2 k c"]
"""The features of k pairs of positions: the first of each, then the second."""


def mmd_linear(x: Positions, target: Vector) -> Scalar:
    """Compute the mean over channels of the squared difference of the means.

    That is MMD² with the kernel xᵀy, divided by the channels.

    References:
        Li et al., "Demystifying Neural Style Transfer" (IJCAI 2017), the linear kernel. Deviation:
        means over positions and channels, where the authors' code (`mmd_loss.py`) has sums.
    """
    return jnp.mean((pool(x) - target) ** 2)


def draw_pairs(
    grid: Grid, key: Key, count: int, at: Int[Array, " n"] | None = None
) -> Float[Array, "1 k c"]:
    """Return the features at positions drawn at random, in random order, as one row of a grid.

    The order makes the pairs (`pairs`): where there are no more positions than `count`, all of
    them are drawn, and paired anew.
    """
    features = _listed(grid, at)
    return features[jax.random.permutation(key, len(features))[:count]][None]


def _listed(grid: Grid, at: Int[Array, " n"] | None) -> Positions:
    features = grid.reshape(-1, grid.shape[-1])
    return features if at is None else features[at]


def pairs(grid: Grid, at: Int[Array, " n"] | None = None) -> Pairs:
    """Pair the first half of the positions, row by row, with the second, in their order.

    Of an odd number the last is left out; a single position is paired with itself.
    """
    features = _listed(grid, at)
    half = len(features) // 2
    return jnp.stack([features[:half], features[half : 2 * half]] if half else [features] * 2)


def mmd_pairs(
    grid: Grid, target: Pairs, at: Int[Array, " n"] | None = None, *, width: Any = 1.0
) -> Scalar:
    """Compute the linear-time estimate of MMD² from pairs, kernel exp(−‖x − y‖² / (width · D)).

    The mean over pairs (x, x′) and (y, y′) of k(x, x′) + k(y, y′) − k(x, y′) − k(x′, y), where D is
    the mean squared distance of all four. Of random pairs, others at each step, the gradient is
    unbiased; an estimate below zero counts as zero, with its gradient. Where no positions are drawn
    the pairs are always the same, each of the upper half with one of the lower.

    Args:
        grid: Features of the picture being made.
        target: Pairs of the reference's. Of the picture that has more as many are taken as of the
            other, evenly spaced.
        at: Which positions to count; all if None.
        width: A factor on D.

    References:
        Gretton et al., "A Kernel Two-Sample Test" (JMLR 13, 2012), the linear-time statistic; for
        style the code of Li et al., "Demystifying Neural Style Transfer" (IJCAI 2017),
        `mmd_loss.py`: D is a constant for the gradient. Deviation: a mean over pairs instead of a
        sum.
    """
    x, y = pairs(grid, at), target
    count = min(x.shape[1], y.shape[1])
    x, y = (both[:, np.arange(count) * both.shape[1] // count] for both in (x, y))
    differences = jnp.stack([x[0] - x[1], y[0] - y[1], x[0] - y[1], x[1] - y[0]])
    squares = jnp.sum(differences**2, axis=2)
    size = jax.lax.stop_gradient(jnp.mean(squares))
    kernels = jnp.exp(-squares / (jnp.where(size > 1e-12, size, 1.0) * width))
    estimate = jnp.mean(kernels[0] + kernels[1] - kernels[2] - kernels[3])
    return estimate + jax.lax.stop_gradient(jnp.maximum(estimate, 0) - estimate)


METRICS = (
    Metric(
        name="mmd_linear",
        summarize=pool,
        distance=mmd_linear,
        meaning="mean of each feature",
        cost="n C",
        paper="Li et al., IJCAI 2017",
        symmetric=True,
        averageable=True,
    ),
    Metric(
        name="mmd_pairs",
        gathers=True,
        summarize=pairs,
        distance=mmd_pairs,
        expects="grid",
        meaning="all moments at once, through a Gaussian kernel of random pairs",
        cost="n C",
        paper="Gretton et al., JMLR 2012; Li et al., IJCAI 2017",
        symmetric=True,
        draw=draw_pairs,
        select=np.flatnonzero,
    ),
)
