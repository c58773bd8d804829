"""Optimal transport: the work to move one set of features onto the other."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle.metrics.hypercolumns import At, draw_hypercolumns, hypercolumns
from jaxstyle.metrics.matching import closest_both
from jaxstyle.metrics.metric import (
    ALL_LAYERS,
    PAIRWISE_LAYERS,
    Grid,
    Metric,
    Positions,
    Scalar,
    Vector,
)
from jaxstyle.metrics.pairwise import by_rows, rows, squared_distances, unit
from jaxstyle.specs import OPEN, Wrap


def _quantiles(ordered: Float[Array, "m p"], count: int) -> Float[Array, "n p"]:
    """Interpolate `count` values with the distribution of each sorted column."""
    size = ordered.shape[0]
    positions = np.clip((np.arange(count) + 0.5) * size / count - 0.5, 0, size - 1)
    low = np.minimum(positions.astype(int), max(size - 2, 0))
    fraction = jnp.asarray((positions - low)[:, None], ordered.dtype)
    return ordered[low] * (1 - fraction) + ordered[np.minimum(low + 1, size - 1)] * fraction


BINS = 2**18
"""Values that fall into the same bin, from 0 to the largest of all, count as equal."""


def _means_over_ties(values: Float[Array, "n p"], ranked: Float[Array, "n p"]) -> Any:
    """Average values over the ranks that are tied in each column of `ranked`, which is sorted.

    Tied are values in one bin, 4e-6 of the largest of all columns wide: what is flat in the picture
    is so in the features up to rounding. Now and then an edge between two bins divides it in two.
    0 and the largest value lie in the middle of a bin.
    """
    largest = jnp.max(jnp.abs(ranked[np.array([0, -1])]))
    bins = jnp.round(ranked / jnp.where(largest > 0, largest, 1.0) * BINS)
    differ, size = bins[1:] != bins[:-1], len(ranked)
    ranks = jnp.arange(size)[:, None]
    begins, ends = (
        jnp.pad(differ, (side, (0, 0)), constant_values=True) for side in ((1, 0), (0, 1))
    )
    first = jax.lax.cummax(jnp.where(begins, ranks, 0))
    end = jax.lax.cummin(jnp.where(ends, ranks, size), reverse=True) + 1
    # Centered, so that the differences of sums lose less to rounding; untied values lose nothing.
    mean = jnp.mean(values, axis=0)
    sums = jnp.pad(jnp.cumsum(values - mean, axis=0), ((1, 0), (0, 0)))
    sums = jnp.take_along_axis(sums, end, axis=0) - jnp.take_along_axis(sums, first, axis=0)
    return jnp.where(end - first > 1, mean + sums / (end - first), values)


def _match(x: Positions, ordered: Float[Array, "m c"]) -> tuple[Positions, Scalar]:
    """Match each value of x to the value of the same rank in `ordered`, without a gradient.

    Returns:
        The matched values, of tied values their mean; and the mean square of what that leaves out.
    """
    x = jax.lax.stop_gradient(x)
    order = jnp.argsort(x, axis=0)
    quantiles = _quantiles(ordered, x.shape[0]).astype(x.dtype)
    means = _means_over_ties(quantiles, jnp.take_along_axis(x, order, axis=0))
    columns = jnp.arange(x.shape[1])[None]
    matched = jnp.zeros_like(x).at[order, columns].set(means, unique_indices=True)
    return matched, jnp.mean((quantiles - means) ** 2)


def histogram(x: Positions, target: Float[Array, "m c"]) -> Scalar:
    """Compute the mean squared distance of each channel's values to the target's of the same rank.

    That is the squared 2-Wasserstein distance of each channel's distribution, averaged over
    channels. The target holds the reference's features, every channel sorted. Tied values are all
    pulled to the mean of the values of their ranks, so that flat areas get no ramp in the order of
    their positions.

    References:
        Risser, Wilmot & Barnes, "Stable and Controllable Neural Texture Synthesis and Style
        Transfer Using Histogram Losses" (arXiv 1701.08893), equation 7; Zhang et al., "Exact
        Feature Distribution Matching" (CVPR 2022). Deviations: exact ranks instead of Risser's 256
        bins; a mean instead of a sum; sets of different sizes are compared at interpolated
        quantiles; ties share their targets, as in Risser's map of values (Zhang's sort orders them
        by position). As in both, the matched values are constants for the gradient (exact almost
        everywhere).
    """
    matched, within_ties = _match(x, target)
    return jnp.mean((x - matched) ** 2) + within_ties


LEAST_DIRECTIONS = 8


def sliced_target(y: Positions, key: Array) -> tuple[Float[Array, "c p"], Float[Array, "m p"]]:
    """Draw random orthonormal bases of directions, and sort the target's projections onto them.

    The directions stay fixed as long as the target does (one scale of a run), since L-BFGS needs
    the same loss from step to step.
    """
    channels = y.shape[1]
    bases = -(-LEAST_DIRECTIONS // channels)
    directions, _ = jnp.linalg.qr(jax.random.normal(key, (bases, channels, channels), y.dtype))
    directions = jnp.concatenate(list(directions), axis=1)
    return directions, jnp.sort(y @ directions, axis=0)


def sliced_wasserstein(
    x: Positions, target: tuple[Float[Array, "c p"], Float[Array, "m p"]]
) -> Scalar:
    """Compute the mean over directions of the squared 2-Wasserstein distance of the projections.

    The directions are as many as channels, but at least 8, and orthonormal: no difference of means
    or covariances lies outside what they span.

    References:
        Heitz et al., "A Sliced Wasserstein Loss for Neural Texture Synthesis" (CVPR 2021),
        equations 3 and 6. Deviations: orthonormal directions, theirs are independent; fixed as long
        as the target is, theirs are drawn at each step; interpolated quantiles where the numbers
        of positions differ (theirs repeats positions); ties as in `histogram`.
    """
    directions, ordered = target
    return histogram(x @ directions, ordered)


def independent_target(y: Positions, key: Array) -> tuple[Float[Array, "c c"], Float[Array, "m c"]]:
    """Draw as many independent directions as channels, and sort the target's projections onto them.

    References:
        Heitz et al. (CVPR 2021), section 4, and the authors' code, where they are drawn at each
        evaluation of the loss.
    """
    directions = jax.random.normal(key, (y.shape[1], y.shape[1]), y.dtype)
    directions = directions / jnp.sqrt(jnp.sum(directions**2, axis=0))
    return directions, jnp.sort(y @ directions, axis=0)


def relaxed_earth_mover(x: Positions, y: Positions) -> Scalar:
    """Compute max(mean_i min_j d, mean_j min_i d) with the cosine distance d.

    The nearest positions are constants for the gradient, which is exact almost everywhere and needs
    no matrix of pairs. Of drawn positions the nearest are a little farther than of all, so the
    value is biased upward.

    References:
        Kolkin, Salavon & Shakhnarovich, "Style Transfer by Relaxed Optimal Transport and
        Self-Similarity" (CVPR 2019), equations 4 to 7.
    """
    a, b = unit(x), unit(y)
    # Half the squared distance of unit vectors is 1 − cosine, without the cancellation near zero.
    of_x, of_y = closest_both(a, b)
    x_to_y = jnp.mean(jnp.sum((a - b[of_x]) ** 2, axis=1)) / 2
    y_to_x = jnp.mean(jnp.sum((b - a[of_y]) ** 2, axis=1)) / 2
    return jnp.maximum(x_to_y, y_to_x)


def relaxed_emd(
    layers: tuple[Grid, ...], target: Positions, at: At = (), wrap: Wrap = OPEN
) -> Scalar:
    """Compute `relaxed_earth_mover` of hypercolumns."""
    return relaxed_earth_mover(hypercolumns(layers, at, wrap), target)


ITERATIONS = 30


def _soft_minimum(
    x: Positions, y: Positions, potential: Float[Array, " m"], epsilon: Scalar
) -> Float[Array, " n"]:
    """Compute −ε log mean_j exp((potential_j − ½‖x_i − y_j‖²) / ε) for each i."""

    def of_row(row: Vector) -> Scalar:
        scores = (potential - squared_distances(row, y) / 2) / epsilon
        return -epsilon * (jax.nn.logsumexp(scores) - jnp.log(float(y.shape[0])))

    return by_rows(of_row, x, y.shape[0])


def _self_potential(x: Positions, epsilon: Scalar) -> Float[Array, " n"]:
    def improve(_: Any, f: Float[Array, " n"]) -> Float[Array, " n"]:
        return (f + _soft_minimum(x, x, f, epsilon)) / 2

    return jax.lax.fori_loop(0, ITERATIONS, improve, jnp.zeros(x.shape[0], x.dtype))


def sinkhorn_target(y: Positions) -> tuple[Positions, Scalar, Scalar]:
    """Return the target, ε = a tenth of the mean cost of its pairs, and its cost to itself."""
    epsilon = 0.1 * jnp.sum(jnp.var(y, axis=0))
    epsilon = jnp.where(epsilon > 1e-12, epsilon, 1.0)
    costs = _soft_minimum(y, y, _self_potential(y, epsilon), epsilon)
    return y, epsilon, jnp.mean(costs)


def sinkhorn(x: Positions, target: tuple[Positions, Scalar, Scalar]) -> Scalar:
    """Compute the debiased entropic transport cost, ½‖x − y‖² per pair, divided by the channels.

    OT_ε(x, y) − ½ OT_ε(x, x) − ½ OT_ε(y, y). The potentials are computed in the logarithmic domain
    without a gradient; one last step carries it, which is exact where they have converged (the
    envelope theorem). Of drawn positions the value is biased upward: two draws of one distribution
    differ. Taking off the costs within each leaves little of that.

    References:
        Feydy et al., "Interpolating between Optimal Transport and MMD using Sinkhorn Divergences"
        (AISTATS 2019), equations 3, 10 and 25 to 27. ε is a tenth of the mean cost between
        positions of the target; 30 iterations, each potential from the other's latest.
    """
    y, epsilon, within_y = target
    fixed = jax.lax.stop_gradient(x)

    def improve(_: Any, g: Float[Array, " m"]) -> Float[Array, " m"]:
        return _soft_minimum(y, fixed, _soft_minimum(fixed, y, g, epsilon), epsilon)

    g = jax.lax.fori_loop(0, ITERATIONS, improve, jnp.zeros(y.shape[0], y.dtype))
    g = jax.lax.stop_gradient(g)
    f = jax.lax.stop_gradient(_self_potential(fixed, epsilon))
    # The value is the mean of both potentials. The gradient flows through the first alone, whose
    # soft minimum holds all of the transport plan.
    across = jnp.mean(_soft_minimum(x, y, g, epsilon)) + jnp.mean(g)
    within_x = jnp.mean(_soft_minimum(x, fixed, f, epsilon))
    return (across - within_x - within_y) / x.shape[1]


METRICS = (
    Metric(
        name="sliced_wasserstein",
        gathers=True,
        summarize=sliced_target,
        distance=sliced_wasserstein,
        meaning="the whole distribution, projected onto random directions",
        cost="n C² + C n log n",
        paper="Heitz et al., CVPR 2021",
        random=True,
    ),
    Metric(
        name="redrawn_sliced_wasserstein",
        gathers=True,
        layers=ALL_LAYERS[:12],
        summarize=independent_target,
        distance=sliced_wasserstein,
        meaning="the whole distribution, projected onto other random directions at each step",
        cost="n C² + C (n + m) log n",
        paper="Heitz et al., CVPR 2021",
        random=True,
        redraws=True,
    ),
    Metric(
        name="histogram",
        gathers=True,
        summarize=lambda y: jnp.sort(y, axis=0),
        distance=histogram,
        meaning="the distribution of every feature, rank by rank",
        cost="C n log n",
        paper="Risser, Wilmot & Barnes, arXiv 1701.08893; Zhang et al., CVPR 2022",
    ),
    Metric(
        name="relaxed_emd",
        summarize=hypercolumns,
        distance=relaxed_emd,
        expects="layers",
        meaning="every position has a counterpart in the other picture, both ways",
        cost="n m C",
        paper="Kolkin, Salavon & Shakhnarovich, CVPR 2019",
        symmetric=True,
        draw=draw_hypercolumns,
        select=np.flatnonzero,
    ),
    Metric(
        name="sinkhorn",
        gathers=True,
        summarize=sinkhorn_target,
        distance=sinkhorn,
        layers=PAIRWISE_LAYERS[1:],
        meaning="work to move one set of positions onto the other, slightly blurred",
        cost="30 n (n + 2 m) C",
        paper="Feydy et al., AISTATS 2019",
        draw=rows,
    ),
)
