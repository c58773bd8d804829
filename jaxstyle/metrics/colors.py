"""The style picture's own colors, wherever they are."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import IMAGE, Metric
from jaxstyle.metrics.pairwise import by_rows, safe_sqrt, squared_distances, unit

Image = Float[Array, "h w c"]

BINS = 8


def color_histogram(image: Image) -> Float[Array, "b b b"]:
    """Share of the pixels in each of 8³ overlapping bins of RGB, triangular weights."""
    at = jnp.linspace(0, 1, BINS)
    weights = jnp.maximum(1 - jnp.abs(image[..., None] - at) * (BINS - 1), 0)
    red, green, blue = jnp.moveaxis(weights.reshape(-1, 3, BINS), 1, 0)
    pairs = (red[:, :, None] * green[:, None]).reshape(-1, BINS**2)
    return (pairs.T @ blue).reshape(BINS, BINS, BINS) / red.shape[0]


def color_histogram_distance(x: Image, target: Float[Array, "b b b"]) -> Float[Array, ""]:
    """Squared Hellinger distance ½ Σ (√p − √q)² of the two histograms, in [0, 1].

    References:
        Afifi, Brubaker & Brown, "HistoGAN" (CVPR 2021), equation 4. Deviations: histograms of
        RGB, not of log-chroma, by triangular weights; 1e-6 inside the roots,
        for a finite gradient at empty bins; squared.
    """
    mine = jnp.sqrt(color_histogram(x) + 1e-6)
    return jnp.sum((mine - jnp.sqrt(target + 1e-6)) ** 2) / 2


# Rows: brightness, and two opposite colors, each of length 1.
OPPONENT = np.array(
    [
        np.array([1, 1, 1]) / np.sqrt(3),
        np.array([1, -1, 0]) / np.sqrt(2),
        np.array([1, 1, -2]) / np.sqrt(6),
    ]
)
SIDE = 48


def palette(image: Image) -> Float[Array, "n c"]:
    """Colors of the picture averaged down to 48 pixels at the most on a side, rotated.

    The rotation to brightness and two opposite colors lets cosines speak of hue.
    """
    height, width, channels = image.shape
    small = jax.image.resize(image, (min(SIDE, height), min(SIDE, width), channels), "linear")
    return small.reshape(-1, channels) @ jnp.asarray(OPPONENT.T, image.dtype)


def palette_distance(image: Image, target: Float[Array, "m c"]) -> Float[Array, ""]:
    """Relaxed earth mover's distance of colors, cosine plus Euclidean.

    References:
        Kolkin, Salavon & Shakhnarovich (STROTSS, CVPR 2019), section 2.3: the rotation and the
        sum of both distances as in the authors' code. Deviation: all of a reduced picture's pixels
        in place of 1,024 drawn ones, so that no pixel is left without a pull.
    """
    x = palette(image)

    def cheapest(a: Float[Array, "n c"], b: Float[Array, "m c"]) -> Float[Array, ""]:
        def best(row: Float[Array, " c"]) -> Float[Array, ""]:
            cosine = 1 - unit(b) @ unit(row[None])[0]
            return jnp.argmin(cosine + safe_sqrt(squared_distances(row, b)))

        owner = by_rows(best, jax.lax.stop_gradient(a), b.shape[0])
        b = b[owner]
        angle = jnp.sum((unit(a) - unit(b)) ** 2, axis=1) / 2
        return jnp.mean(angle + safe_sqrt(jnp.sum((a - b) ** 2, axis=1)))

    return jnp.maximum(cheapest(x, target), cheapest(target, x))


_PALETTE = Metric(
    name="palette",
    kind="style",
    summarize=palette,
    distance=palette_distance,
    expects="grid",
    layers=IMAGE,
    meaning="every color has a like in the style, and the other way",
    cost="n m",
    paper="Kolkin, Salavon & Shakhnarovich, CVPR 2019",
    symmetric=True,
)

METRICS = (
    Metric(
        name="color_histogram",
        kind="style",
        summarize=color_histogram,
        distance=color_histogram_distance,
        expects="grid",
        layers=IMAGE,
        meaning="the same colors in the same shares",
        cost="512 n",
        paper="after Afifi, Brubaker & Brown, CVPR 2021",
        symmetric=True,
        averageable=True,
    ),
    _PALETTE,
    replace(
        _PALETTE,
        kind="content",
        meaning="every color has a like in the content, and the other way: its colors are kept",
    ),
)
