"""Metrics of colors alone, wherever in the picture they are."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import IMAGE, Image, Metric, Positions, Scalar, Vector
from jaxstyle.metrics.pairwise import by_rows, safe_sqrt, squared_distances, unit

BINS = 8


def color_histogram(image: Image) -> Float[Array, "b b b"]:
    """Compute the share of pixels in each of 8³ overlapping RGB bins, with triangular weights."""
    centers = jnp.linspace(0, 1, BINS)
    weights = jnp.maximum(1 - jnp.abs(image[..., None] - centers) * (BINS - 1), 0)
    red, green, blue = jnp.moveaxis(weights.reshape(-1, 3, BINS), 1, 0)
    pairs = (red[:, :, None] * green[:, None]).reshape(-1, BINS**2)
    return (pairs.T @ blue).reshape(BINS, BINS, BINS) / red.shape[0]


def color_histogram_distance(x: Image, target: Float[Array, "b b b"]) -> Scalar:
    """Compute the squared Hellinger distance ½ Σ (√p − √q)² of two histograms, in [0, 1].

    References:
        Afifi, Brubaker & Brown, "HistoGAN" (CVPR 2021), equation 4. Deviations: histograms of
        RGB, not of log-chroma, with triangular weights; 1e-6 inside the roots, for a finite
        gradient at empty bins; squared.
    """
    root = jnp.sqrt(color_histogram(x) + 1e-6)
    return jnp.sum((root - jnp.sqrt(target + 1e-6)) ** 2) / 2


# Rows: brightness and two opponent colors, each of length 1.
OPPONENT = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]) / np.sqrt([[3], [2], [6]])
SIDE = 48


def palette(image: Image) -> Positions:
    """Return the colors in opponent axes, where cosines measure hue, of at most 48 × 48 pixels."""
    height, width, channels = image.shape
    small = jax.image.resize(image, (min(SIDE, height), min(SIDE, width), channels), "linear")
    return small.reshape(-1, channels) @ jnp.asarray(OPPONENT.T, image.dtype)


def palette_distance(image: Image, target: Float[Array, "m c"]) -> Scalar:
    """Compute the relaxed earth mover's distance of colors, with a cosine plus Euclidean cost.

    References:
        Kolkin, Salavon & Shakhnarovich (STROTSS, CVPR 2019), section 2.3: the rotation and the
        sum of both distances as in the authors' code. Deviation: all pixels of a reduced picture
        instead of 1,024 sampled ones, so that every pixel gets a gradient.
    """
    x = palette(image)

    def cheapest(a: Positions, b: Float[Array, "m c"]) -> Scalar:
        def best(row: Vector) -> Scalar:
            cosine = 1 - unit(b) @ unit(row[None])[0]
            return jnp.argmin(cosine + safe_sqrt(squared_distances(row, b)))

        b = b[by_rows(best, jax.lax.stop_gradient(a), b.shape[0])]
        angle = jnp.sum((unit(a) - unit(b)) ** 2, axis=1) / 2
        return jnp.mean(angle + safe_sqrt(jnp.sum((a - b) ** 2, axis=1)))

    return jnp.maximum(cheapest(x, target), cheapest(target, x))


_PALETTE = Metric(
    name="palette",
    summarize=palette,
    distance=palette_distance,
    expects="grid",
    layers=IMAGE,
    meaning="every color has a counterpart in the style, and vice versa",
    cost="n m",
    paper="Kolkin, Salavon & Shakhnarovich, CVPR 2019",
    symmetric=True,
)

METRICS = (
    Metric(
        name="color_histogram",
        summarize=color_histogram,
        distance=color_histogram_distance,
        expects="grid",
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
