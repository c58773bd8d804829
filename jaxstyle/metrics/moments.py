"""Statistics of each channel, of Gaussians fitted to all channels, and means as baselines."""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.gram import (
    Mixable,
    between,
    covariance_matrix,
    mixable_covariance,
    mixed_covariance,
)
from jaxstyle.metrics.metric import Metric, Positions, Scalar, Vector
from jaxstyle.metrics.pairwise import matmul_highest, not_negative, safe_sqrt


def mixable_variance(features: Positions) -> tuple[Vector, Vector, Vector]:
    """Compute the mean, the variance (divisor n) and the squared mean of every channel."""
    mean = jnp.mean(features, axis=0)
    return mean, jnp.var(features, axis=0), mean**2


def mean_and_deviation(averages: tuple[Vector, Vector, Vector]) -> tuple[Vector, Vector]:
    """Compute the mean and the standard deviation √(variance + 1e-5) of every channel.

    Of the features of all pictures whose statistics were averaged.

    References:
        Huang & Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance
        Normalization" (ICCV 2017); the 1e-5 is the released code's. Deviation: divisor n, theirs
        n − 1.
    """
    mean, variance, squares = averages
    return mean, jnp.sqrt(variance + jnp.maximum(between(squares, mean**2), 0) + 1e-5)


def moments_distance(x: Positions, target: tuple[Vector, Vector]) -> Scalar:
    """Compute the mean squared difference of the means, plus that of the standard deviations.

    References:
        Huang & Belongie 2017, equation 13. Deviation: means over channels instead of norms.
    """
    mean, deviation = jnp.mean(x, axis=0), jnp.sqrt(jnp.var(x, axis=0) + 1e-5)
    return jnp.mean((mean - target[0]) ** 2) + jnp.mean((deviation - target[1]) ** 2)


ORDERS = 5


def raw_moments(features: Positions) -> Float[Array, "k c"]:
    """Compute the moments 1 … 5 about ½ of each channel of σ(x), σ the logistic function.

    The logistic function bounds features, which are expected before their ReLU, to (0, 1).
    """
    features = jax.nn.sigmoid(features) - 0.5
    return jnp.stack([jnp.mean(features**k, axis=0) for k in range(1, ORDERS + 1)])


def central_moments(raw: Float[Array, "k c"]) -> Float[Array, "k c"]:
    """Compute the mean and central moments 2 … 5 from (averaged) moments about ½."""
    raw = jnp.pad(raw, ((1, 0), (0, 0)), constant_values=1)
    mean = raw[1]
    higher = [
        sum(math.comb(k, j) * raw[j] * (-mean) ** (k - j) for j in range(k + 1))
        for k in range(2, ORDERS + 1)
    ]
    return jnp.stack([mean + 0.5, *higher])


def central_moments_distance(x: Positions, target: Float[Array, "k c"]) -> Scalar:
    """Compute the central moment discrepancy: Σ over orders of the moments' Euclidean distance.

    References:
        Zellinger et al., "Central Moment Discrepancy" (ICLR 2017), equation 8 with the interval
        [0, 1]; for style Kalischek, Wegner & Schindler, "In the Light of Feature Distributions"
        (CVPR 2021), equation 8, with all weights 1.
    """
    x = jax.nn.sigmoid(x)
    mean = jnp.mean(x, axis=0)
    higher = [jnp.mean((x - mean) ** k, axis=0) for k in range(2, ORDERS + 1)]
    differences = jnp.stack([mean, *higher]) - target
    return jnp.sum(safe_sqrt(jnp.sum(differences**2, axis=1)))


def mean_and_root(averages: Mixable) -> tuple[Vector, Float[Array, "c c"]]:
    """Compute the mean, and the symmetric square root of the covariance (divisor n)."""
    values, vectors = jnp.linalg.eigh(mixed_covariance(averages))
    return averages[0], matmul_highest(vectors * safe_sqrt(values), vectors.T)


def gaussian_wasserstein_distance(
    x: Positions, target: tuple[Vector, Float[Array, "c c"]]
) -> Scalar:
    """Compute the squared 2-Wasserstein distance of the fitted Gaussians, divided by the channels.

    ‖μ_x − μ_y‖² + tr(A + B − 2 (B½ A B½)½). The trace of the root is the sum of the roots of the
    eigenvalues, whose gradient, unlike that of the root matrix, does not divide by their
    differences.

    References:
        Dowson & Landau, Journal of Multivariate Analysis 12 (1982), equation 16; as a style loss by
        Vincent Marron and Katherine Crowson. Deviation: a mean over channels. Eigenvalues under
        1e-7 of the largest count as zero: in float32 they are rounding.
    """
    mean, root = target
    covariance = covariance_matrix(x)
    values = jnp.linalg.eigvalsh(matmul_highest(matmul_highest(root, covariance), root))
    values = jnp.where(values > 1e-7 * jnp.max(jnp.abs(values)), values, 0.0)
    spread = jnp.trace(covariance) + jnp.sum(root**2) - 2 * jnp.sum(safe_sqrt(values))
    return (jnp.sum((jnp.mean(x, axis=0) - mean) ** 2) + not_negative(spread)) / x.shape[1]


Whitening = tuple[Vector, Float[Array, "c c"], Vector]


def whitening(averages: Mixable) -> Whitening:
    """Compute the mean, what whitens features, and the ridge in whitened coordinates."""
    values, vectors = jnp.linalg.eigh(mixed_covariance(averages))
    values = jnp.maximum(values, 0)
    ridge = 0.01 * jnp.mean(values) + 1e-6
    return averages[0], vectors / jnp.sqrt(values + ridge), ridge / (values + ridge)


def gaussian_kl_distance(x: Positions, target: Whitening) -> Scalar:
    """Compute the Kullback–Leibler divergence of the fitted Gaussians, per dimension.

    KL(N_x ‖ N_y) in all directions, those too in which the style hardly varies.

    References:
        Yeh & Forsyth, arXiv 1910.09447, section 3: their effectiveness statistic. Deviations: all
        channels, where they keep 32 to 256 principal components of reference pictures' mean
        covariance, which is not at hand here; both covariances get a ridge of 1% of the target's
        mean variance + 1e-6, so that fewer positions than dimensions, and flat pictures, stay
        finite.
    """
    mean, basis, ridge = target
    center = jnp.mean(x, axis=0)
    # Whitened by the target, so that the matrix to factor is near the identity.
    covariance = covariance_matrix(matmul_highest(x - center, basis)) + jnp.diag(ridge)
    shift = jnp.sum(matmul_highest(center - mean, basis) ** 2)
    logarithm = 2 * jnp.sum(jnp.log(jnp.diagonal(jnp.linalg.cholesky(covariance))))
    return (jnp.trace(covariance) + shift - logarithm) / (2 * x.shape[1]) - 0.5


def pool(features: Positions) -> Vector:
    """Compute the mean over positions."""
    return jnp.mean(features, axis=0)


def euclidean(x: Positions, target: Vector) -> Scalar:
    """Compute √Σ (Δ mean)²."""
    return safe_sqrt(jnp.sum((pool(x) - target) ** 2))


def manhattan(x: Positions, target: Vector) -> Scalar:
    """Compute Σ |Δ mean|."""
    return jnp.sum(jnp.abs(pool(x) - target))


def _angle(a: Vector, b: Vector) -> Scalar:
    # (|a||b| − aᵀb) / |a||b| without the cancellation: half the squared distance of unit vectors.
    # A vector of zeros has no direction: it stays near zero instead of being divided by zero.
    a, b = (v / jnp.sqrt(jnp.sum(v**2) + 1e-12) for v in (a, b))
    return jnp.sum((a - b) ** 2) / 2


def cosine(x: Positions, target: Vector) -> Scalar:
    """Compute 1 − the cosine of the angle between the two means."""
    return _angle(pool(x), target)


def pearson(x: Positions, target: Vector) -> Scalar:
    """Compute 1 − Pearson's correlation over channels of the two means."""
    mean = pool(x)
    return _angle(mean - jnp.mean(mean), target - jnp.mean(target))


_statistic = partial(Metric, symmetric=True, averageable=True)
METRICS = (
    _statistic(
        name="moments",
        summarize=mixable_variance,
        finish=mean_and_deviation,
        distance=moments_distance,
        meaning="mean and standard deviation of each feature (AdaIN statistics)",
        cost="n C",
        paper="Huang & Belongie, ICCV 2017",
    ),
    _statistic(
        name="central_moments",
        summarize=raw_moments,
        finish=central_moments,
        distance=central_moments_distance,
        layers=("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"),
        meaning="five moments of each feature (CMD)",
        cost="n C",
        paper="Kalischek, Wegner & Schindler, CVPR 2021",
    ),
    _statistic(
        name="gaussian_wasserstein",
        summarize=mixable_covariance,
        finish=mean_and_root,
        distance=gaussian_wasserstein_distance,
        meaning="work to move one fitted Gaussian onto the other",
        cost="n C² + C³",
        paper="Dowson & Landau 1982; Marron; Crowson, style-transfer-pytorch",
    ),
    _statistic(
        name="gaussian_kl",
        summarize=mixable_covariance,
        finish=whitening,
        distance=gaussian_kl_distance,
        symmetric=False,
        meaning="information lost between fitted Gaussians",
        cost="n C² + C³",
        paper="Yeh & Forsyth, arXiv 1910.09447",
    ),
    *(
        _statistic(
            name=name,
            summarize=pool,
            distance=distance,
            meaning=f"{meaning} between mean features (a baseline)",
            cost="n C",
            paper="textbook",
        )
        for name, distance, meaning in (
            ("euclidean", euclidean, "straight-line distance"),
            ("manhattan", manhattan, "sum of absolute differences"),
            ("cosine", cosine, "angle"),
            ("pearson", pearson, "correlation"),
        )
    ),
)
