"""Gram matrices and related statistics: which features occur together, wherever they occur."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxstyle.metrics.metric import Grid, Metric, Positions, Scalar, Vector
from jaxstyle.metrics.pairwise import matmul_highest
from jaxstyle.metrics.wrapping import surrounded
from jaxstyle.specs import OPEN, Wrap


def gram_matrix(features: Positions, shift: float = 0.0) -> Float[Array, "c c"]:
    """Compute the mean product of all pairs of channels, (x + shift)ᵀ(x + shift) / n.

    >>> import jax.numpy as jnp
    >>> gram_matrix(jnp.ones((5, 2))).tolist()
    [[1.0, 1.0], [1.0, 1.0]]

    Args:
        features: One row per position.
        shift: Added to every feature first; −1 gives the shifted Gram matrix.

    References:
        Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional Neural Networks" (CVPR
        2016), equation 3. Deviation: divided by the number of positions n, as in the authors'
        code, so that pictures of different sizes can be compared; the paper's sum is not.
        The shift: Novak & Nikulin, "Improving the Neural Algorithm of Artistic Style" (arXiv
        1605.04603), section 3.3.
    """
    return _second_moments(features + shift)


@jax.custom_jvp
def _second_moments(x: Positions) -> Float[Array, "c c"]:
    return mean_products_of(x, x)


@_second_moments.defjvp
def _second_moments_jvp(
    primals: tuple[Positions], tangents: tuple[Positions]
) -> tuple[Float[Array, "c c"], Float[Array, "c c"]]:
    """Compute (ẋᵀx + xᵀẋ) / n from one product, not two; so does the backward pass."""
    half = mean_products_of(*tangents, *primals)
    return _second_moments(*primals), half + half.T


def mean_products_of(x: Positions, y: Float[Array, "n d"]) -> Float[Array, "c d"]:
    """Compute the mean product of all pairs of channels, accumulated in float32 or wider."""
    wide = jnp.promote_types(x.dtype, jnp.float32)
    return jnp.matmul(x.T, y, preferred_element_type=wide) / x.shape[0]


def gram_distance(x: Positions, target: Float[Array, "c c"], shift: float = 0.0) -> Scalar:
    """Compute the mean squared difference of two Gram matrices over their C² entries.

    References:
        Gatys et al. 2016, equation 4. Deviation: a mean over the entries of matrices that are
        divided by n, without the paper's factor ¼; the paper's E = n² / (4 m²) ‖…‖² / C² differs
        from it by a constant for each layer.
    """
    return jnp.mean((gram_matrix(x, shift) - target) ** 2)


def covariance_matrix(features: Positions) -> Float[Array, "c c"]:
    """Compute the covariance of features, with divisor n."""
    features = features - jnp.mean(features, axis=0)
    # Its small eigenvalues would be lost to rounded factors.
    return matmul_highest(features.T, features) / features.shape[0]


Mixable = tuple[Vector, Float[Array, "c c"], Float[Array, "c c"]]
"""Mean, covariance, and mean meanᵀ: what the average over pictures is taken of."""


def mixable_covariance(features: Positions) -> Mixable:
    """Compute the mean, the covariance and mean meanᵀ."""
    mean = jnp.mean(features, axis=0)
    return mean, covariance_matrix(features), jnp.outer(mean, mean)


def between(mean_products: Array, products: Array) -> Array:
    """Compute how much the means of averaged pictures vary; what rounding leaves of one is zero."""
    difference = mean_products - products
    return jnp.where(jnp.abs(difference) > 1e-6 * jnp.abs(products), difference, 0.0)


def mixed_covariance(averages: Mixable) -> Float[Array, "c c"]:
    """Compute the covariance of all features of the pictures whose statistics were averaged.

    That is E xxᵀ − E x E xᵀ of averaged raw moments, without losing small variances beside large
    means: the covariance within pictures plus that of their means.
    """
    mean, covariance, products = averages
    return covariance + between(products, jnp.outer(mean, mean))


def covariance_distance(x: Positions, target: Float[Array, "c c"]) -> Scalar:
    """Compute the mean squared difference of the covariances; the means are free.

    References:
        Sun & Saenko, "Deep CORAL" (ECCV 2016 workshops), equation 1, and as a style loss Yeh &
        Forsyth, arXiv 1910.09447. Deviation: a mean over entries without their ¼, divisor n.
    """
    return jnp.mean((covariance_matrix(x) - target) ** 2)


def _resized(grid: Grid, shape: tuple[int, int], method: str, wrap: Wrap) -> Grid:
    """Resize a grid, over the edges that wrap by one position on each side."""
    around = surrounded(grid, 1, 1, wrap)
    counts, cut = [], []
    for side, more, new in zip(grid.shape[:2], around.shape[:2], shape, strict=True):
        margin = new // side if more > side else 0  # which is whole where the sizes are exact
        counts.append(new + 2 * margin)
        cut.append(slice(margin, margin + new))
    return jax.image.resize(around, (*counts, grid.shape[2]), method)[tuple(cut)]


def cross_layer_gram_matrices(
    layers: tuple[Grid, ...],
    at: Sequence[Int[Array, " _n"] | None] = (),
    *,
    method: str = "nearest",
    shift: float = 0.0,
    wrap: Wrap = OPEN,
) -> tuple[Float[Array, "_c _d"], ...]:
    """Compute xᵀz / n for each pair of consecutive layers, the deeper z resized to x's grid.

    Args:
        layers: From fine to coarse.
        at: Of each layer the positions to count, None for all. Those of x decide; the deepest
            layer's say nothing.
        method: Of `jax.image.resize`.
        shift: Added to every feature first.
        wrap: Along which axes the opposite edge is interpolated with.

    References:
        Yeh, Tang, Ravi, Forsyth, "Quantitative Evaluation of Style Transfer" (arXiv 1804.00118),
        section 3: Gram matrices across layers, the deeper one upsampled (here: nearest).

    Raises:
        ValueError: There are fewer than two layers.
    """
    if len(layers) < 2:
        raise ValueError(f"expected at least two layers to multiply across, got {len(layers)}")
    matrices = []
    chosen = at or (None,) * len(layers)
    for (shallow, deep), inside in zip(itertools.pairwise(layers), chosen, strict=False):
        height, width, channels = shallow.shape
        deep = _resized(deep, (height, width), method, wrap)
        x, z = shallow.reshape(-1, channels) + shift, deep.reshape(height * width, -1) + shift
        matrices.append(mean_products_of(*((x, z) if inside is None else (x[inside], z[inside]))))
    return tuple(matrices)


def cross_layer_gram_distance(
    layers: tuple[Grid, ...],
    targets: tuple[Float[Array, "_c _d"], ...],
    at: Sequence[Int[Array, " _n"] | None] = (),
) -> Scalar:
    """Compute the mean squared difference over pairs of layers, relative to the target's.

    Each pair's difference is divided by the mean square of its target. Deviation from the paper:
    relative, because the layers' scales differ by orders of magnitude and one term cannot be
    calibrated for each of its pairs.
    """
    differences = []
    for matrix, target in zip(cross_layer_gram_matrices(layers, at), targets, strict=True):
        size = jnp.mean(target**2)
        differences.append(jnp.mean((matrix - target) ** 2) / jnp.where(size > 1e-12, size, 1.0))
    return jnp.mean(jnp.stack(differences))


_statistic = partial(Metric, cost="n C²", averageable=True)
METRICS = (
    _statistic(
        name="gram",
        summarize=gram_matrix,
        distance=gram_distance,
        meaning="which features occur together (second moments)",
        paper="Gatys, Ecker & Bethge, CVPR 2016",
        symmetric=True,
        bfloat16_safe=True,
    ),
    _statistic(
        name="shifted_gram",
        summarize=partial(gram_matrix, shift=-1.0),
        distance=partial(gram_distance, shift=-1.0),
        meaning="which features occur together, or are absent together",
        paper="Novak & Nikulin, arXiv 1605.04603",
        symmetric=True,
    ),
    _statistic(
        name="covariance",
        summarize=mixable_covariance,
        finish=mixed_covariance,
        distance=covariance_distance,
        meaning="which features vary together; their means are free",
        paper="Sun & Saenko, ECCV 2016; Yeh & Forsyth, arXiv 1910.09447",
        symmetric=True,
    ),
    _statistic(
        name="cross_layer_gram",
        gathers=True,
        summarize=cross_layer_gram_matrices,
        distance=cross_layer_gram_distance,
        expects="layers",
        select=np.flatnonzero,
        meaning="which fine features occur with which coarse ones",
        paper="Yeh et al., arXiv 1804.00118",
        bfloat16_safe=True,
    ),
)
