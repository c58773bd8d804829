"""Correlations of features at different layers, or at different places of one layer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxstyle.metrics.gram import cross_layer_gram_matrices, mean_products_of
from jaxstyle.metrics.metric import ALL_LAYERS, Grid, Metric, Scalar, Vector
from jaxstyle.metrics.wrapping import surrounded
from jaxstyle.specs import OPEN, Wrap

Matrices = tuple[Float[Array, "_c _d"], ...]
"""Of each pair of consecutive layers."""
At = Sequence[Int[Array, " _n"] | None]


def _differences(matrices: Matrices, targets: Matrices) -> Vector:
    """Compute the mean squared difference of each matrix."""
    pairs = zip(matrices, targets, strict=True)
    return jnp.stack([jnp.mean((matrix - target) ** 2) for matrix, target in pairs])


inter_layer_gram_matrices = partial(cross_layer_gram_matrices, method="linear")


def inter_layer_gram_distance(
    layers: tuple[Grid, ...], targets: Matrices, wrap: Wrap = OPEN
) -> Scalar:
    """Compute the mean squared difference of xᵀz / n, averaged over pairs of consecutive layers.

    Unlike `cross_layer_gram` the differences are not relative, and the deeper layer is interpolated
    bilinearly.

    References:
        Yeh & Tang, "Improved Style Transfer by Respecting Inter-layer Correlations" (arXiv
        1801.01933): Gram matrices across layers. Normalization and interpolation are those of the
        same group's code for Bhattad et al., "Unrestricted Adversarial Examples via Semantic
        Manipulation" (ICLR 2020), `tadv/iclr_tadv.py`, which weighs pairs by 1 / channels² of the
        shallower layer; here each pair has the same share.
    """
    return jnp.mean(_differences(inter_layer_gram_matrices(layers, wrap=wrap), targets))


correlation_chain_matrices = partial(cross_layer_gram_matrices, shift=-1.0)


def correlation_chain_distance(
    layers: tuple[Grid, ...], targets: Matrices, at: At = (), *, ratio: Scalar | float = 2.0
) -> Scalar:
    """Compute the mean of squared differences of (x − 1)ᵀ(z − 1) / n, in geometric shares.

    The pairs are of consecutive layers, the deeper one resized to the nearest positions.

    Args:
        layers: From fine to coarse.
        targets: Of `correlation_chain_matrices`.
        at: Of each layer the positions to count, None for all.
        ratio: Of a pair's share to that of the next deeper pair.

    References:
        Novak & Nikulin, "Improving the Neural Algorithm of Artistic Style" (arXiv 1605.04603),
        sections 3.1 to 3.3 and 3.5: geometric weights, all layers, shifted activations, and a chain
        of correlations of neighboring layers. The formulas are those of a public implementation,
        github.com/MrinalJain17/neural-style-transfer, `losses.py`, whose shares add up to 1 as
        well.
    """
    matrices = correlation_chain_matrices(layers, at)
    differences = _differences(matrices, targets)
    shares = ratio ** -jnp.arange(len(matrices), dtype=differences.dtype)
    return jnp.vdot(shares / jnp.sum(shares), differences)


SHIFTS = (4, 8, 16, 32, 64)
"""Positions between the two that are multiplied."""
Translated = tuple[Float[Array, "s 2 c c"], Float[Array, " s"]]
"""For each shift the matrices of both directions, zero unless it fits; and whether it does."""


def translated_gram_matrices(grid: Grid, wrap: Wrap = OPEN) -> Translated:
    """Compute the mean product of all pairs of channels at positions apart, down and across.

    A shift fits if it is at most an eighth of the shorter side; the smallest fits wherever there
    are positions that far apart. Along an axis that wraps, pairs continue over the edge.
    """
    height, width, channels = grid.shape
    matrices, fits = [], []
    for shift in SHIFTS:
        fits.append(shift < min(height, width) and shift <= max(SHIFTS[0], min(height, width) // 8))
        if fits[-1]:
            down, across = (
                surrounded(grid, 0, shift, (wrap[0], False)),
                surrounded(grid, 0, shift, (False, wrap[1])),
            )
            pairs = (down[:-shift], down[shift:]), (across[:, :-shift], across[:, shift:])
            flat = [[side.reshape(-1, channels) for side in pair] for pair in pairs]
            matrices.append(jnp.stack([mean_products_of(x, y) for x, y in flat]))
        else:
            matrices.append(jnp.zeros((2, channels, channels), grid.dtype))
    return jnp.stack(matrices), jnp.asarray(fits, grid.dtype)


def translated_gram_distance(grid: Grid, target: Translated, wrap: Wrap = OPEN) -> Scalar:
    """Compute the mean squared difference of entries, over directions and shifts that fit both.

    It is zero where no shift does.

    References:
        Berger & Memisevic, "Incorporating long-range consistency in CNN-based texture generation"
        (arXiv 1606.01286): products of features with the same features translated. The shifts, and
        that each counts the same, are those of a public implementation,
        github.com/ty625911724/texture_generation_master, `utils.py`, for the layers of a picture of
        512 pixels: powers of two from 4 to an eighth of the layer's side. This is not the shift of
        `shifted_gram`, which is added to features.
    """
    matrices, fits = translated_gram_matrices(grid, wrap)
    expected, shares = target
    # Targets of several pictures are averages over those that a shift fits, too.
    expected = expected / jnp.where(shares > 0, shares, 1.0)[:, None, None, None]
    counts = fits * (shares > 0)
    differences = jnp.mean((matrices - expected) ** 2, axis=(1, 2, 3))
    return jnp.vdot(counts, differences) / jnp.maximum(jnp.sum(counts), 1.0)


METRICS = (
    Metric(
        name="inter_layer_gram",
        gathers=True,
        summarize=inter_layer_gram_matrices,
        distance=inter_layer_gram_distance,
        expects="layers",
        averageable=True,
        meaning="which fine features occur with which coarse ones, the largest counting most",
        cost="n C²",
        paper="Yeh & Tang, arXiv 1801.01933",
        symmetric=True,
    ),
    Metric(
        name="correlation_chain",
        gathers=True,
        summarize=correlation_chain_matrices,
        distance=correlation_chain_distance,
        expects="layers",
        layers=ALL_LAYERS,
        averageable=True,
        select=np.flatnonzero,
        meaning="which features occur, or are absent, with those of the next of all layers",
        cost="n C²",
        paper="Novak & Nikulin, arXiv 1605.04603",
        symmetric=True,
    ),
    Metric(
        name="translated_gram",
        gathers=True,
        summarize=translated_gram_matrices,
        distance=translated_gram_distance,
        expects="grid",
        averageable=True,
        meaning="which features occur 4, 8, … positions below or beside which",
        cost="n C² for each shift",
        paper="Berger & Memisevic, arXiv 1606.01286",
        symmetric=True,
    ),
)
