"""Regularizers: what a picture should look like whatever its content and style."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import Metric


def total_variation(image: Float[Array, "h w c"], target: tuple[()] = ()) -> Float[Array, ""]:
    """Mean squared difference of neighboring pixels, horizontal plus vertical.

    Args:
        image: The picture, values in [0, 1].
        target: Nothing; a regularizer has no reference.

    Returns:
        Mean over horizontal pairs plus mean over vertical pairs: 0 for a flat picture, 2 for a
        checkerboard of zeros and ones. A picture one pixel wide or high has no pairs that way.

    References:
        Mahendran & Vedaldi, "Understanding Deep Image Representations by Inverting Them" (CVPR
        2015), equation 3 with β = 2. Deviation: means over pairs instead of one sum.
    """
    del target
    across = jnp.sum((image[:, 1:] - image[:, :-1]) ** 2)
    down = jnp.sum((image[1:] - image[:-1]) ** 2)
    height, width, channels = image.shape
    return across / max(1, height * (width - 1) * channels) + down / max(
        1, (height - 1) * width * channels
    )


METRICS = (
    Metric(
        name="total_variation",
        kind="image",
        summarize=lambda image: (),
        distance=total_variation,
        expects="grid",
        layers=("image",),
        meaning="neighboring pixels differ little",
        cost="n",
        paper="Mahendran & Vedaldi, CVPR 2015",
    ),
)
