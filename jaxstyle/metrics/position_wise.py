"""Content metrics that compare the same place in two pictures."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import Metric

CONTENT_LAYERS = ("relu4_2",)


def mean_squared_error(x: Float[Array, "n c"], target: Float[Array, "n c"]) -> Float[Array, ""]:
    """Mean of the squared differences, over positions and channels.

    >>> import jax.numpy as jnp
    >>> float(mean_squared_error(jnp.ones((4, 2)), jnp.zeros((4, 2))))
    1.0

    References:
        Gatys, Ecker & Bethge (CVPR 2016), equation 1. Deviation: a mean, where the paper has half
        the sum.
    """
    return jnp.mean((x - target) ** 2)


METRICS = (
    Metric(
        name="mse",
        kind="content",
        summarize=lambda features: features,
        distance=mean_squared_error,
        expects="positions",
        layers=CONTENT_LAYERS,
        meaning="the same features at the same place",
        cost="n C",
        paper="Gatys, Ecker & Bethge, CVPR 2016",
    ),
)
