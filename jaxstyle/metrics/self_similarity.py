"""Self-similarity: which positions of a picture resemble each other."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import CONTENT_LAYERS, Metric, Positions, Scalar, Vector
from jaxstyle.metrics.pairwise import by_rows, matmul_highest, rows, unit


def _distances(row: Vector, y: Positions) -> Float[Array, " n"]:
    return jnp.maximum(1 - matmul_highest(y, row), 0)


def _sums(x: Positions) -> Float[Array, " n"]:
    """Compute the sum of each column of the (symmetric) matrix of cosine distances."""
    sums = by_rows(lambda row: jnp.sum(_distances(row, x)), x, x.shape[0])
    return jnp.maximum(sums, 1e-5 * x.shape[0])


def self_similarity_target(y: Positions) -> tuple[Positions, Float[Array, " n"]]:
    """Return unit rows, and the sums of their distances."""
    units = unit(y)
    return units, _sums(units)


def self_similarity(x: Positions, target: tuple[Positions, Float[Array, " n"]]) -> Scalar:
    """Compute the mean over positions i of Σ_j |D_ij / Σ_k D_kj − T_ij / Σ_k T_kj|.

    D and T hold the cosine distances of all pairs of positions of the picture being made and of the
    content. All colors may change while the similarities stay the same. If positions are drawn,
    they are the same in both pictures, and D and T are those among them: the cost is that of the
    drawn positions, n in all.

    References:
        Kolkin, Salavon & Shakhnarovich (STROTSS, CVPR 2019), equation 8, columns summing to 1.
        Theirs draws 1,024 positions at each step; here as many as are asked for, or all of a
        layer. Deviation: sums are at least 1e-5 n (for flat pictures).
    """
    target_units, target_sums = target
    units = unit(x)
    sums = _sums(units)

    def of_row(pair: tuple[Array, Array]) -> Scalar:
        row, target_row = pair
        shares = _distances(row, units) / sums
        return jnp.sum(jnp.abs(shares - _distances(target_row, target_units) / target_sums))

    return jnp.mean(by_rows(of_row, (units, target_units), 2 * x.shape[0]))


METRICS = (
    Metric(
        name="self_similarity",
        gathers=True,
        kind="content",
        summarize=self_similarity_target,
        distance=self_similarity,
        layers=CONTENT_LAYERS,
        meaning="the same positions resemble each other",
        cost="n² C",
        paper="Kolkin, Salavon & Shakhnarovich, CVPR 2019",
        symmetric=True,
        draw=rows,
    ),
)
