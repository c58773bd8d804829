"""Pairs of positions without their full matrix: what the pairwise metrics share.

The n × m distances of all pairs of a large picture do not fit into memory, so rows are processed in
chunks, which the backward pass recomputes. Memory is then linear in the number of positions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Key = Array
"""A key of `jax.random`."""

PAIRS_AT_ONCE = 2**24
"""Number of distances in memory at a time: 64 MiB of float32."""


def safe_sqrt(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """Compute √x with gradient 0 at 0, not infinity; negative rounding errors count as 0."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)


def not_negative(value: Float[Array, ""]) -> Float[Array, ""]:
    """Return a value that only rounding takes below zero, or 0; its gradient is right anyway."""
    return value + jax.lax.stop_gradient(jnp.maximum(value, 0) - value)


def unit(x: Float[Array, "n c"]) -> Float[Array, "n c"]:
    """Scale rows to length 1; a row of zeros stays zero (its cosine distance to any row is 1)."""
    return x / jnp.sqrt(jnp.sum(x**2, axis=-1, keepdims=True) + 1e-12)


def drawn(total: int, key: Key, count: int) -> Int[Array, " k"]:
    """Draw `count` of `total` positions, or return all if there are no more.

    Stratified: one position from each of `count` equal parts of the positions in their order, so
    every position is as likely as any other, and no part of the picture is left out.
    """
    if count >= total:
        return jnp.arange(total)
    places = (jnp.arange(count) + jax.random.uniform(key, (count,))) * (total / count)
    return jnp.minimum(places.astype(jnp.int32), total - 1)


def rows(features: Float[Array, "n c"], key: Key, count: int) -> Float[Array, "k c"]:
    """Return the features at `count` positions drawn at random: see `drawn`."""
    if count >= features.shape[0]:
        return features
    return features[drawn(features.shape[0], key, count)]


def by_rows(function: Callable[[Any], Any], rows: Any, pairs_per_row: int) -> Any:
    """Apply `function` to each row, in chunks that the backward pass recomputes."""
    count = jax.tree.leaves(rows)[0].shape[0]
    chunk = max(1, PAIRS_AT_ONCE // max(1, pairs_per_row))
    if count <= chunk:
        return jax.vmap(function)(rows)
    return jax.lax.map(jax.checkpoint(function), rows, batch_size=chunk)


matmul_highest = partial(jnp.matmul, precision="highest")
"""A product with full float32 precision, for results that are then subtracted from each other."""


def squared_distances(row: Float[Array, " c"], y: Float[Array, "m c"]) -> Float[Array, " m"]:
    """Compute the squared distances |x|² − 2xᵀy + |y|² of one position to all others.

    Over all rows that is a matrix product.
    """
    return jnp.maximum(
        matmul_highest(row, row) - 2 * matmul_highest(y, row) + jnp.sum(y**2, axis=-1), 0
    )
