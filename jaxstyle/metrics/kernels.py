"""Kernel distances between sets of positions: maximum mean discrepancy and energy distance.

All are V-statistics: pairs of a position with itself count, so that they are never negative, and
zero for equal sets. Of k positions drawn from each set, such pairs are 1/k of all: the sets seem
less spread by that share, 0.1% of 1,024. U-statistics leave them out; they are unbiased, but fall
below zero.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import PAIRWISE_LAYERS, Metric, Positions, Scalar, Vector
from jaxstyle.metrics.pairwise import by_rows, matmul_highest, rows, safe_sqrt, squared_distances

Kernel = Callable[[Vector, Float[Array, "m c"]], Float[Array, " m"]]
"""From one position and many to its value with each of them."""


def _mean_over_pairs(kernel: Kernel, x: Positions, y: Float[Array, "m c"]) -> Scalar:
    return jnp.mean(by_rows(lambda row: jnp.mean(kernel(row, y)), x, y.shape[0]))


def _discrepancy(kernel: Kernel, x: Positions, y: Float[Array, "m c"]) -> Scalar:
    """Compute E k(x, x′) − 2 E k(x, y) + E k(y, y′)."""
    within = _mean_over_pairs(kernel, x, x) + _mean_over_pairs(kernel, y, y)
    return within - 2 * _mean_over_pairs(kernel, x, y)


def _common_scale(x: Positions, y: Float[Array, "m c"]) -> tuple[Vector, Scalar]:
    """Compute the mean of both sets, each counting half, and the root mean square of distances.

    Of ‖a − b‖² over pairs with a and b of either set: xx, xy, yx and yy alike.
    """
    x_mean, y_mean = jnp.mean(x, axis=0), jnp.mean(y, axis=0)
    squares = jnp.var(x, axis=0) + jnp.var(y, axis=0) + (x_mean - y_mean) ** 2 / 2
    bandwidth = jnp.sum(squares)
    return (x_mean + y_mean) / 2, safe_sqrt(jnp.where(bandwidth > 1e-12, bandwidth, 1.0))


def mmd_gaussian(x: Positions, y: Float[Array, "m c"], *, width: Any = 1.0) -> Scalar:
    """Compute the squared maximum mean discrepancy, kernel exp(−‖x − y‖² / (width · bandwidth)).

    The bandwidth is the mean squared distance of pairs from both sets, at each step anew: a style
    whose features are all close together pulls as hard as any other.

    Args:
        x: Features of the picture being made.
        y: The reference's.
        width: A factor on the bandwidth.

    References:
        Gretton et al., "A Kernel Two-Sample Test" (JMLR 13, 2012), equation 3; for style Li et al.,
        "Demystifying Neural Style Transfer" (IJCAI 2017). Deviations: the bandwidth is the mean
        over all pairs, theirs over sampled ones; no gradient flows through it.
    """
    mean, size = jax.lax.stop_gradient(_common_scale(x, y))

    def kernel(row: Vector, others: Float[Array, "m c"]) -> Float[Array, " m"]:
        return jnp.exp(-squared_distances(row, others) / width)

    return _discrepancy(kernel, (x - mean) / size, (y - mean) / size)


def mmd_polynomial(x: Positions, y: Float[Array, "m c"], *, constant: Any = 0.2) -> Scalar:
    """Compute MMD² with the kernel (xᵀy + constant)³ of standardized features.

    ‖Δ third moments‖² + 3 · constant · ‖Δ second‖² + 3 · constant² · ‖Δ means‖²: which three
    features are strong or weak together. Before, both sets are shifted by their common mean and
    scaled to a mean ‖·‖² of 1; mean and scale are constants for the gradient, which would enlarge
    all features otherwise.

    Args:
        x: Features of the picture being made.
        y: The reference's.
        constant: The share of second moments and, squared, of means.

    References:
        Li et al., "Demystifying Neural Style Transfer" (IJCAI 2017), equation 9, which has degree
        2. Deviations: degree 3, standardized. Degree 2 without the constant is `gram`, with one of
        the features' scale a mixture of `gram` and `euclidean`; degree 1 is `euclidean`.
    """
    mean, size = jax.lax.stop_gradient(_common_scale(x, y))

    def kernel(row: Vector, others: Float[Array, "m c"]) -> Float[Array, " m"]:
        # The mean ‖·‖² about the common mean is half the mean squared distance.
        return (2 * matmul_highest(others, row) + constant) ** 3

    return _discrepancy(kernel, (x - mean) / size, (y - mean) / size)


def _distance(row: Vector, others: Float[Array, "m c"]) -> Float[Array, " m"]:
    return safe_sqrt(squared_distances(row, others))


def energy_target(y: Positions) -> tuple[Positions, Scalar]:
    """Return the target and the mean distance of its pairs."""
    return y, _mean_over_pairs(_distance, y, y)


def energy(x: Positions, target: tuple[Positions, Scalar]) -> Scalar:
    """Compute the energy distance 2 E‖x − y‖ − E‖x − x′‖ − E‖y − y′‖.

    References:
        Székely & Rizzo, "Energy statistics" (Journal of Statistical Planning and Inference 143,
        2013), equation 2.1.
    """
    y, within_y = target
    return 2 * _mean_over_pairs(_distance, x, y) - _mean_over_pairs(_distance, x, x) - within_y


_of_pairs = partial(Metric, layers=PAIRWISE_LAYERS, symmetric=True, draw=rows)
METRICS = (
    _of_pairs(
        name="mmd",
        gathers=True,
        summarize=lambda y: y,
        distance=mmd_gaussian,
        meaning="all moments at once, through a Gaussian kernel",
        cost="(n² + n m + m²) C",
        paper="Gretton et al., JMLR 2012; Li et al., IJCAI 2017",
    ),
    _of_pairs(
        name="mmd_polynomial",
        gathers=True,
        summarize=lambda y: y,
        distance=mmd_polynomial,
        meaning="which three features occur together, through a cubic kernel",
        cost="(n² + n m + m²) C",
        paper="after Li et al., IJCAI 2017",
    ),
    _of_pairs(
        name="energy",
        gathers=True,
        summarize=energy_target,
        distance=energy,
        meaning="how much farther the two sets are from each other than from themselves",
        cost="n (n + m) C",
        paper="Székely & Rizzo 2013",
    ),
)
