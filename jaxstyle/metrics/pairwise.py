"""Pairs of positions without their matrix: what the pairwise metrics share.

n × m distances of every pair do not fit for large pictures, so rows are worked on in chunks and
forgotten; the gradient computes them again. Memory is then linear in the number of positions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

PAIRS_AT_ONCE = 2**24
"""Distances held at one time: 64 MiB of float32."""


def safe_sqrt(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """√x whose gradient at 0 is 0, not infinite; negative rounding errors count as 0."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)


def unit(x: Float[Array, "n c"]) -> Float[Array, "n c"]:
    """Rows of length 1; a row of zeros stays one (its cosine distance to anything is 1)."""
    return x / jnp.sqrt(jnp.sum(x**2, axis=-1, keepdims=True) + 1e-12)


def by_rows(function: Callable[[Any], Any], rows: Any, pairs_per_row: int) -> Any:
    """`function` of each row, some at a time, each computed again for the gradient."""
    count = jax.tree.leaves(rows)[0].shape[0]
    chunk = max(1, PAIRS_AT_ONCE // max(1, pairs_per_row))
    if count <= chunk:
        return jax.vmap(function)(rows)
    return jax.lax.map(jax.checkpoint(function), rows, batch_size=chunk)


matmul_highest = partial(jnp.matmul, precision="highest")
"""A product in float32 everywhere: what is left of it after a subtraction is to be right."""


def squared_distances(row: Float[Array, " c"], y: Float[Array, "m c"]) -> Float[Array, " m"]:
    """Of one position to all others, as |x|² − 2xᵀy + |y|²: a matrix product for all rows."""
    return jnp.maximum(
        matmul_highest(row, row) - 2 * matmul_highest(y, row) + jnp.sum(y**2, axis=-1), 0
    )


def nearest(x: Float[Array, "n c"], y: Float[Array, "m c"]) -> Int[Array, " n"]:
    """For each row of x the row of y of the largest cosine, no gradient flowing."""
    x, y = jax.lax.stop_gradient((unit(x), unit(y)))
    return by_rows(lambda row: jnp.argmax(matmul_highest(y, row)), x, y.shape[0])
