"""Kernel distances between sets of positions: maximum mean discrepancy and energy distance."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.gram import gram_matrix
from jaxstyle.metrics.metric import PAIRWISE_LAYERS, Metric, Positions, Scalar, Vector
from jaxstyle.metrics.pairwise import by_rows, safe_sqrt, squared_distances


def _mean_over_pairs(kernel: Any, x: Positions, y: Positions) -> Scalar:
    """Compute the mean of `kernel`, a function of the squared distance, over all pairs."""
    return jnp.mean(by_rows(lambda row: jnp.mean(kernel(squared_distances(row, y))), x, y.shape[0]))


def gaussian_target(y: Positions) -> tuple[Positions, Scalar, Scalar]:
    """Return the target, its bandwidth (the mean squared distance of its pairs), and E k(y, y′)."""
    bandwidth = 2 * jnp.sum(jnp.var(y, axis=0))
    bandwidth = jnp.where(bandwidth > 1e-12, bandwidth, 1.0)
    return y, bandwidth, _mean_over_pairs(lambda d: jnp.exp(-d / bandwidth), y, y)


def mmd_gaussian(
    x: Positions, target: tuple[Positions, Scalar, Scalar], *, width: Any = 1.0
) -> Scalar:
    """Compute the squared maximum mean discrepancy, kernel exp(−‖x − y‖² / (width · bandwidth)).

    Args:
        x: Features of the picture being made.
        target: `gaussian_target` of the reference's features, with E k(y, y′) for a width of 1.
        width: A factor on the bandwidth. Where it is given, E k(y, y′) is computed at every call.

    References:
        Gretton et al., "A Kernel Two-Sample Test" (JMLR 13, 2012), equation 3 (the biased
        estimate); for style Li et al., "Demystifying Neural Style Transfer" (IJCAI 2017).
        Deviation: all pairs are used, where theirs samples them; the bandwidth is the target's
        alone, so that no gradient flows through it.
    """
    y, bandwidth, mean_yy = target

    def kernel(squared: Any) -> Any:
        return jnp.exp(-squared / (width * bandwidth))

    if not (isinstance(width, float) and width == 1):
        mean_yy = _mean_over_pairs(kernel, y, y)
    return _mean_over_pairs(kernel, x, x) - 2 * _mean_over_pairs(kernel, x, y) + mean_yy


def mmd_linear(x: Positions, target: Vector) -> Scalar:
    """Compute MMD² with the kernel xᵀy: the mean squared difference of the channels' means."""
    return jnp.mean((jnp.mean(x, axis=0) - target) ** 2)


def mmd_polynomial_target(y: Positions) -> tuple[Float[Array, "c c"], Vector]:
    """Return the second and the first moments."""
    return gram_matrix(y), jnp.mean(y, axis=0)


def mmd_polynomial(
    x: Positions, target: tuple[Float[Array, "c c"], Vector], *, constant: Any = 1.0
) -> Scalar:
    """Compute MMD² with the kernel (xᵀy + constant)², divided by C².

    Exact without pairs: ‖Gram_x − Gram_y‖² + 2 · constant · ‖mean_x − mean_y‖². With constant 0
    it is the Gram distance, as Li et al. showed.

    References:
        Li et al., "Demystifying Neural Style Transfer" (IJCAI 2017), equations 9 and 14.
    """
    gram, mean = mmd_polynomial_target(x)
    second = jnp.mean((gram - target[0]) ** 2)
    return second + 2 * constant * jnp.mean((mean - target[1]) ** 2) / x.shape[1]


def energy_target(y: Positions) -> tuple[Positions, Scalar]:
    """Return the target and the mean distance of its pairs."""
    return y, _mean_over_pairs(safe_sqrt, y, y)


def energy(x: Positions, target: tuple[Positions, Scalar]) -> Scalar:
    """Compute the energy distance 2 E‖x − y‖ − E‖x − x′‖ − E‖y − y′‖.

    References:
        Székely & Rizzo, "Energy statistics" (Journal of Statistical Planning and Inference 143,
        2013), equation 2.1, the V-statistic: pairs of a position with itself count.
    """
    y, mean_yy = target
    return 2 * _mean_over_pairs(safe_sqrt, x, y) - _mean_over_pairs(safe_sqrt, x, x) - mean_yy


_LI = "Li et al., IJCAI 2017"

METRICS = (
    Metric(
        name="mmd",
        summarize=gaussian_target,
        distance=mmd_gaussian,
        layers=PAIRWISE_LAYERS,
        meaning="all moments at once, through a Gaussian kernel",
        cost="n (n + m) C",
        paper=f"Gretton et al., JMLR 2012; {_LI}",
    ),
    Metric(
        name="mmd_linear",
        summarize=lambda y: jnp.mean(y, axis=0),
        distance=mmd_linear,
        meaning="means only, through a linear kernel",
        cost="n C",
        paper=_LI,
        symmetric=True,
        averageable=True,
    ),
    Metric(
        name="mmd_polynomial",
        summarize=mmd_polynomial_target,
        distance=mmd_polynomial,
        meaning="means and second moments, through a quadratic kernel",
        cost="n C²",
        paper=_LI,
        symmetric=True,
    ),
    Metric(
        name="energy",
        summarize=energy_target,
        distance=energy,
        layers=PAIRWISE_LAYERS,
        meaning="how much farther the two sets are from each other than from themselves",
        cost="n (n + m) C",
        paper="Székely & Rizzo 2013",
        symmetric=True,
    ),
)
