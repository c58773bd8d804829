"""Textbook distances between pooled features, as baselines.

Each compares one vector per picture, the mean over positions.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import Metric
from jaxstyle.metrics.pairwise import safe_sqrt

Vector = Float[Array, " c"]


def pool(features: Float[Array, "n c"]) -> Vector:
    """Compute the mean over positions."""
    return jnp.mean(features, axis=0)


def euclidean(x: Float[Array, "n c"], target: Vector) -> Float[Array, ""]:
    """Compute √Σ (Δ mean)²."""
    return safe_sqrt(jnp.sum((pool(x) - target) ** 2))


def manhattan(x: Float[Array, "n c"], target: Vector) -> Float[Array, ""]:
    """Compute Σ |Δ mean|."""
    return jnp.sum(jnp.abs(pool(x) - target))


def _angle(a: Vector, b: Vector) -> Float[Array, ""]:
    # (|a||b| − aᵀb) / |a||b| without the cancellation: half the squared distance of unit vectors.
    # A vector of zeros has no direction: it stays near zero instead of being divided by zero.
    a, b = (v / jnp.sqrt(jnp.sum(v**2) + 1e-12) for v in (a, b))
    return jnp.sum((a - b) ** 2) / 2


def cosine(x: Float[Array, "n c"], target: Vector) -> Float[Array, ""]:
    """Compute 1 − the cosine of the angle between the two means."""
    return _angle(pool(x), target)


def pearson(x: Float[Array, "n c"], target: Vector) -> Float[Array, ""]:
    """Compute 1 − Pearson's correlation over channels of the two means."""
    mean = pool(x)
    return _angle(mean - jnp.mean(mean), target - jnp.mean(target))


METRICS = tuple(
    Metric(
        name=name,
        summarize=pool,
        distance=distance,
        meaning=f"{meaning} between mean features (a baseline)",
        cost="n C",
        paper="textbook",
        symmetric=True,
        averageable=True,
    )
    for name, distance, meaning in (
        ("euclidean", euclidean, "straight-line distance"),
        ("manhattan", manhattan, "sum of absolute differences"),
        ("cosine", cosine, "angle"),
        ("pearson", pearson, "correlation"),
    )
)
