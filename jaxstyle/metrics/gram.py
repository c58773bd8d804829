"""Gram matrices: which features occur together, wherever they occur."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import Metric

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def gram_matrix(features: Float[Array, "n c"]) -> Float[Array, "c c"]:
    """Mean over positions of the products of all pairs of channels, xᵀx / n.

    >>> import jax.numpy as jnp
    >>> gram_matrix(jnp.ones((5, 2))).tolist()
    [[1.0, 1.0], [1.0, 1.0]]

    References:
        Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional Neural Networks" (CVPR
        2016), equation 3. Deviation: divided by the number of positions n, as in the authors'
        code, so that pictures of different sizes can be compared; the paper's sum is not.
    """
    return features.T @ features / features.shape[0]


def gram_distance(x: Float[Array, "n c"], target: Float[Array, "c c"]) -> Float[Array, ""]:
    """Mean over the C² entries of the squared difference of two Gram matrices.

    Args:
        x: Features of the picture being made, one row a position.
        target: `gram_matrix` of the reference's features.

    References:
        Gatys et al. 2016, equation 4. Deviation: a mean over the entries of matrices that are
        divided by n, without the paper's factor ¼; the paper's E = n² / (4 m²) ‖…‖² / C² differs
        from it by a constant for each layer.
    """
    return jnp.mean((gram_matrix(x) - target) ** 2)


METRICS = (
    Metric(
        name="gram",
        kind="style",
        summarize=gram_matrix,
        distance=gram_distance,
        expects="positions",
        layers=STYLE_LAYERS,
        meaning="which features occur together (second moments)",
        cost="n C²",
        paper="Gatys, Ecker & Bethge, CVPR 2016",
    ),
)
