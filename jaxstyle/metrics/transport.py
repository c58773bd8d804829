"""Optimal transport: the work to move one set of features onto the other."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import PAIRWISE_LAYERS, Grid, Metric, Positions, Scalar, Vector
from jaxstyle.metrics.pairwise import by_rows, nearest, squared_distances, unit


def _quantiles(ordered: Float[Array, "m p"], count: int) -> Float[Array, "n p"]:
    """Interpolate `count` values with the distribution of each sorted column."""
    size = ordered.shape[0]
    positions = np.clip((np.arange(count) + 0.5) * size / count - 0.5, 0, size - 1)
    low = np.minimum(positions.astype(int), max(size - 2, 0))
    fraction = jnp.asarray((positions - low)[:, None], ordered.dtype)
    return ordered[low] * (1 - fraction) + ordered[np.minimum(low + 1, size - 1)] * fraction


def _match(x: Positions, ordered: Float[Array, "m c"]) -> Positions:
    """Return for each value of x the value of the same rank in `ordered`, without a gradient."""
    order = jnp.argsort(jax.lax.stop_gradient(x), axis=0)
    columns = jnp.arange(x.shape[1])[None]
    return jnp.zeros_like(x).at[order, columns].set(_quantiles(ordered, x.shape[0]))


def histogram(x: Positions, target: Float[Array, "m c"]) -> Scalar:
    """Compute the mean squared distance of each channel's values to the target's of the same rank.

    That is the squared 2-Wasserstein distance of each channel's distribution, averaged over
    channels. The target holds the reference's features, every channel sorted.

    References:
        Risser, Wilmot & Barnes, "Stable and Controllable Neural Texture Synthesis and Style
        Transfer Using Histogram Losses" (arXiv 1701.08893), equation 7; Zhang et al., "Exact
        Feature Distribution Matching" (CVPR 2022). Deviations: exact ranks instead of Risser's 256
        bins; a mean instead of a sum; sets of different sizes are compared at interpolated
        quantiles. As in both, the matched values are constants for the gradient (exact almost
        everywhere).
    """
    return jnp.mean((x - _match(x, target)) ** 2)


DIRECTIONS = 128


def sliced_target(y: Positions, key: Array) -> tuple[Float[Array, "c p"], Float[Array, "m p"]]:
    """Draw random unit directions, and sort the target's projections onto them.

    The directions stay fixed as long as the target does (one scale of a run), since L-BFGS needs
    the same loss from step to step.
    """
    channels = y.shape[1]
    directions = jax.random.normal(key, (channels, min(DIRECTIONS, max(channels, 8))))
    directions = directions / jnp.linalg.norm(directions, axis=0)
    return directions, jnp.sort(y @ directions, axis=0)


def sliced_wasserstein(
    x: Positions, target: tuple[Float[Array, "c p"], Float[Array, "m p"]]
) -> Scalar:
    """Compute the mean over directions of the squared 2-Wasserstein distance of the projections.

    References:
        Heitz et al., "A Sliced Wasserstein Loss for Neural Texture Synthesis" (CVPR 2021),
        equations 3 and 6. Deviations: as many directions as channels, but at least 8 and at most
        128; fixed as long as the target is; interpolated quantiles where the numbers of positions
        differ (theirs repeats positions).
    """
    directions, ordered = target
    return histogram(x @ directions, ordered)


def hypercolumns(layers: tuple[Grid, ...]) -> Positions:
    """Concatenate the features of all layers at each position of the middle layer's grid.

    References:
        Hariharan et al., "Hypercolumns" (CVPR 2015); Kolkin et al. 2019, section 2.1. Deviation:
        every position of the middle layer's grid, where STROTSS samples 1,024 of the picture's.
    """
    height, width = layers[len(layers) // 2].shape[:2]
    resized = [
        jax.image.resize(layer, (height, width, layer.shape[2]), "linear") for layer in layers
    ]
    return jnp.concatenate(resized, axis=2).reshape(height * width, -1)


def relaxed_earth_mover(x: Positions, y: Positions) -> Scalar:
    """Compute max(mean_i min_j d, mean_j min_i d) with the cosine distance d.

    The nearest positions are constants for the gradient, which is exact almost everywhere and needs
    no matrix of pairs.

    References:
        Kolkin, Salavon & Shakhnarovich, "Style Transfer by Relaxed Optimal Transport and
        Self-Similarity" (CVPR 2019), equations 4 to 7.
    """
    a, b = unit(x), unit(y)
    # Half the squared distance of unit vectors is 1 − cosine, without the cancellation near zero.
    x_to_y = jnp.mean(jnp.sum((a - b[nearest(x, y)]) ** 2, axis=1)) / 2
    y_to_x = jnp.mean(jnp.sum((b - a[nearest(y, x)]) ** 2, axis=1)) / 2
    return jnp.maximum(x_to_y, y_to_x)


def relaxed_emd(layers: tuple[Grid, ...], target: Positions) -> Scalar:
    """Compute `relaxed_earth_mover` of hypercolumns."""
    return relaxed_earth_mover(hypercolumns(layers), target)


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
    def improve(_: int, f: Float[Array, " n"]) -> Float[Array, " n"]:
        return (f + _soft_minimum(x, x, f, epsilon)) / 2

    return jax.lax.fori_loop(0, ITERATIONS, improve, jnp.zeros(x.shape[0]))


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
    envelope theorem).

    References:
        Feydy et al., "Interpolating between Optimal Transport and MMD using Sinkhorn Divergences"
        (AISTATS 2019), equations 3, 10 and 25 to 27. ε is a tenth of the mean cost between
        positions of the target; 30 iterations, each potential from the other's latest.
    """
    y, epsilon, within_y = target
    fixed = jax.lax.stop_gradient(x)

    def improve(_: int, g: Float[Array, " m"]) -> Float[Array, " m"]:
        return _soft_minimum(y, fixed, _soft_minimum(fixed, y, g, epsilon), epsilon)

    g = jax.lax.stop_gradient(jax.lax.fori_loop(0, ITERATIONS, improve, jnp.zeros(y.shape[0])))
    f = jax.lax.stop_gradient(_self_potential(fixed, epsilon))
    # The value is the mean of both potentials. The gradient flows through the first alone, whose
    # soft minimum holds all of the transport plan.
    across = jnp.mean(_soft_minimum(x, y, g, epsilon)) + jnp.mean(g)
    within_x = jnp.mean(_soft_minimum(x, fixed, f, epsilon))
    return (across - within_x - within_y) / x.shape[1]


METRICS = (
    Metric(
        name="sliced_wasserstein",
        summarize=sliced_target,
        distance=sliced_wasserstein,
        meaning="the whole distribution, projected onto random directions",
        cost="n C min(C, 128) + n log n min(C, 128)",
        paper="Heitz et al., CVPR 2021",
        random=True,
    ),
    Metric(
        name="histogram",
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
    ),
    Metric(
        name="sinkhorn",
        summarize=sinkhorn_target,
        distance=sinkhorn,
        layers=PAIRWISE_LAYERS[1:],
        meaning="work to move one set of positions onto the other, slightly blurred",
        cost="30 n (n + 2 m) C",
        paper="Feydy et al., AISTATS 2019",
    ),
)
