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

PAIRS_AT_ONCE = 2**24
"""Number of distances in memory at a time: 64 MiB of float32."""


def safe_sqrt(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """Compute √x with gradient 0 at 0, not infinity; negative rounding errors count as 0."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)


def unit(x: Float[Array, "n c"]) -> Float[Array, "n c"]:
    """Scale rows to length 1; a row of zeros stays zero (its cosine distance to any row is 1)."""
    return x / jnp.sqrt(jnp.sum(x**2, axis=-1, keepdims=True) + 1e-12)


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


def nearest(x: Float[Array, "n c"], y: Float[Array, "m c"]) -> Int[Array, " n"]:
    """Return for each row of x the index of the row of y with the largest cosine, no gradient."""
    x, y = jax.lax.stop_gradient((unit(x), unit(y)))
    return by_rows(lambda row: jnp.argmax(matmul_highest(y, row)), x, y.shape[0])
