"""Metrics of colors alone, wherever in the picture they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxstyle.metrics.metric import IMAGE, Metric, Positions, Scalar, Vector
from jaxstyle.metrics.pairwise import (
    by_rows,
    matmul_highest,
    rows,
    safe_sqrt,
    squared_distances,
)

Colors = Float[Array, "n 3"]
"""RGB values in [0, 1] of pixels, wherever in the picture they are."""

BINS = 8


def color_histogram(colors: Colors) -> Float[Array, "b b b"]:
    """Compute the share of pixels in each of 8³ overlapping RGB bins, with triangular weights."""
    centers = jnp.linspace(0, 1, BINS)
    weights = jnp.maximum(1 - jnp.abs(colors[..., None] - centers) * (BINS - 1), 0)
    red, green, blue = jnp.moveaxis(weights, 1, 0)
    pairs = (red[:, :, None] * green[:, None]).reshape(-1, BINS**2)
    return (pairs.T @ blue).reshape(BINS, BINS, BINS) / colors.shape[0]


def color_histogram_distance(x: Colors, target: Float[Array, "b b b"]) -> Scalar:
    """Compute the squared Hellinger distance ½ Σ (√p − √q)² of two histograms, in [0, 1].

    References:
        Afifi, Brubaker & Brown, "HistoGAN" (CVPR 2021), equation 4. Deviations: histograms of
        RGB, not of log-chroma, with triangular weights; 1e-6 inside the roots, for a finite
        gradient at empty bins; squared.
    """
    root = jnp.sqrt(color_histogram(x) + 1e-6)
    return jnp.sum((root - jnp.sqrt(target + 1e-6)) ** 2) / 2


# Colors much shorter than one level of 8 bits have no direction; the gradient at black is finite.
LEVEL = 1 / 255


def _directions(colors: Positions) -> Positions:
    return colors / jnp.sqrt(jnp.sum(colors**2, axis=-1, keepdims=True) + LEVEL**2)


def palette(x: Positions, target: Float[Array, "m c"], *, floor: Any = 0.0) -> Scalar:
    """Compute the relaxed earth mover's distance of two sets of colors.

    max(mean_i min_j d_ij, mean_j min_i d_ij), d = 1 − cosine + √(squared distance / channels).

    Args:
        x: Colors.
        target: Those of the reference.
        floor: Under a squared distance. Equal sets are at distance 0 with a floor of 0 alone.

    References:
        Kolkin, Salavon & Shakhnarovich (STROTSS, CVPR 2019), section 2.3, with the cost of the
        authors' code: the paper has the Euclidean distance alone. Their rotation of RGB is
        orthonormal, which changes neither distance, and is left out. Deviations: the cosine of a
        color within about one level of 8 bits of black fades (theirs is 0/0 at black); their floor
        is 1e-5. Theirs compares 1,024 pixels
        of the picture, drawn anew at each step, with 5,000 of the style; here all pixels, or as
        many of both as are drawn.
    """
    return jnp.maximum(_mean_cheapest(x, target, floor), _mean_cheapest(target, x, floor))


def _mean_cheapest(x: Positions, y: Float[Array, "m c"], floor: Any) -> Scalar:
    """Compute the mean over colors of x of the cost of the cheapest color of y."""
    channels = x.shape[1]
    colors, others = jax.lax.stop_gradient((x, y))
    directions = _directions(others)
    lengths = jnp.sum(directions**2, axis=1)

    def cheapest(color_direction: tuple[Vector, Vector]) -> Int[Array, ""]:
        color, direction = color_direction
        # Half the squared distance of the directions, less what is equal for all.
        angles = lengths / 2 - matmul_highest(directions, direction)
        squares = jnp.maximum(squared_distances(color, others), floor)
        return jnp.argmin(angles + safe_sqrt(squares / channels))

    matched = y[by_rows(cheapest, (colors, _directions(colors)), y.shape[0])]
    angles = jnp.sum((_directions(x) - _directions(matched)) ** 2, axis=1) / 2
    squares = jnp.maximum(jnp.sum((x - matched) ** 2, axis=1), floor)
    return jnp.mean(angles + safe_sqrt(squares / channels))


_PALETTE = Metric(
    name="palette",
    gathers=True,
    summarize=lambda colors: colors,
    distance=palette,
    layers=IMAGE,
    meaning="every color has a counterpart in the style, and vice versa",
    cost="n m",
    paper="Kolkin, Salavon & Shakhnarovich, CVPR 2019",
    symmetric=True,
    draw=rows,
)

METRICS = (
    Metric(
        name="color_histogram",
        summarize=color_histogram,
        distance=color_histogram_distance,
        layers=IMAGE,
        meaning="the same colors in the same proportions",
        cost="512 n",
        paper="after Afifi, Brubaker & Brown, CVPR 2021",
        symmetric=True,
        averageable=True,
    ),
    _PALETTE,
    replace(
        _PALETTE,
        kind="content",
        meaning="every color has a counterpart in the content, and vice versa: its colors are kept",
    ),
)
