"""Content metrics that compare the same position in two pictures."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jaxstyle.metrics.metric import CONTENT_LAYERS, Metric, Positions, Scalar
from jaxstyle.metrics.pairwise import unit


def mean_squared_error(x: Positions, target: Positions) -> Scalar:
    """Compute the mean squared difference over positions and channels.

    >>> import jax.numpy as jnp
    >>> float(mean_squared_error(jnp.ones((4, 2)), jnp.zeros((4, 2))))
    1.0

    References:
        Gatys, Ecker & Bethge (CVPR 2016), equation 1. Deviation: a mean, where the paper has half
        the sum.
    """
    return jnp.mean((x - target) ** 2)


def mean_absolute_error(x: Positions, target: Positions) -> Scalar:
    """Compute the mean absolute difference over positions and channels."""
    return jnp.mean(jnp.abs(x - target))


def huber(x: Positions, target: Positions, *, delta: Any = 1.0) -> Scalar:
    """Compute the mean of d²/2 where |d| ≤ delta, and of delta (|d| − delta/2) beyond.

    References:
        Huber, "Robust Estimation of a Location Parameter" (Annals of Mathematical Statistics 35,
        1964).
    """
    size = jnp.abs(x - target)
    inner = jnp.minimum(size, delta)
    return jnp.mean(inner * (size - inner / 2))


def cosine(x: Positions, target: Positions) -> Scalar:
    """Compute the mean over positions of 1 − the cosine of the angle between the two features.

    A position where all features of both pictures are zero counts as equal.
    """
    return jnp.mean(jnp.sum((unit(x) - unit(target)) ** 2, axis=1)) / 2


METRICS = tuple(
    Metric(
        name=name,
        kind="content",
        summarize=lambda features: features,
        distance=distance,
        layers=CONTENT_LAYERS,
        meaning=meaning,
        cost="n C",
        paper=paper,
        symmetric=True,
    )
    for name, distance, meaning, paper in (
        (
            "mse",
            mean_squared_error,
            "the same features at the same position",
            "Gatys, Ecker & Bethge, CVPR 2016",
        ),
        ("mae", mean_absolute_error, "the same, tolerant of large differences", "textbook"),
        ("huber", huber, "squared up to 1, absolute beyond", "Huber 1964"),
        ("cosine", cosine, "the same mixture of features at the same position", "textbook"),
    )
)
