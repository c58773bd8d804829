"""Transport of colors: a picture's whole distribution of colors becomes another's, smoothly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from jaxstyle.image.geometry import Picture
from jaxstyle.image.oklab import TO_LMS, TO_OKLAB

_SAMPLES = 2**14
"""Pixels of which a map of colors is learned."""
_CHUNK = 2**13
"""Pixels that are mapped at a time: what is computed of them stays in the processor's cache."""
_TURNS, _QUANTILES = 20, 256
_SHADOWS = 0.1
"""Added to light before its cube root is taken, which has an infinite slope at zero."""
_FLOOR = 4e-4
"""Added to a variance of colors in Oklab: what is nearly gray gets no grain of another's colors."""
_RIDGE = 0.01

Colors = Float[np.ndarray, "n 3"]


def matched(image: Picture, palette: Picture) -> Picture:
    """Move a picture's colors to the distribution of another's.

    The map of colors is smooth, so that it makes neither bands nor grain: linear optimal transport,
    and what sliced optimal transport adds to that, as a cubic polynomial of the color; both in an
    Oklab whose roots are not steep in the shadows.

    References:
        Pitié & Kokaram, "The linear Monge-Kantorovitch linear colour mapping for example-based
        colour transfer" (CVMP 2007).
        Pitié, Kokaram & Dahyot, "Automated colour grading using colour distribution transfer" (CVIU
        2007): the sliced transport, which alone posterizes.

    Args:
        image: The picture.
        palette: Of any size.
    """
    source, target = (
        np.cbrt(_samples(side, min(_SAMPLES, side.size // 3)) @ TO_LMS.T + _SHADOWS) @ TO_OKLAB.T
        for side in (image, palette)
    )
    center, matrix, shift = _linear(source, target)
    moved = (source - center) @ matrix + shift
    scale = 1 / np.sqrt(source.var(0) + _FLOOR)
    products = _products(((source - center) * scale).T)
    gram = products @ products.T / len(source) + _RIDGE * np.eye(len(products))
    weights = np.linalg.solve(gram, products @ (_sliced(moved, target) - moved) / len(source))
    # The linear map is of the same products.
    weights[0] += shift
    weights[1:4] += matrix / scale[:, None]
    return _mapped(image, center, scale, weights)


def _mapped(
    image: Picture,
    center: Float[np.ndarray, " c"],
    scale: Float[np.ndarray, " c"],
    weights: Float[np.ndarray, "20 c"],
) -> Picture:
    """Apply a cubic map of Oklab to a picture, in float32."""
    to_lms, to_lab = TO_LMS.astype(np.float32), TO_OKLAB.astype(np.float32)
    shadows = np.float32(_SHADOWS)
    # To Oklab, centered and scaled; and from the products of that.
    ahead = scale.astype(np.float32)[:, None] * to_lab
    offset = (scale * center).astype(np.float32)[:, None]
    back = (np.linalg.inv(TO_OKLAB) @ weights.T).astype(np.float32)
    to_rgb = np.linalg.inv(TO_LMS).astype(np.float32)
    colors = np.ascontiguousarray(image, np.float32).reshape(-1, 3)
    result = np.empty_like(colors)
    for first in range(0, len(colors), _CHUNK):
        lms = np.cbrt(to_lms @ colors[first : first + _CHUNK].T + shadows)
        lms = back @ _products(ahead @ lms - offset)
        result[first : first + _CHUNK] = np.clip(to_rgb @ (lms * lms * lms - shadows), 0, 1).T
    return result.reshape(image.shape)


def palette_of(styles: Sequence[Picture], shares: Sequence[float]) -> Picture:
    """Return the colors of several pictures as one picture, each with its share of the pixels."""
    if len(styles) == 1:
        return styles[0]
    pairs = zip(styles, shares, strict=True)
    parts = [_samples(style, round(_SAMPLES * share / max(shares))) for style, share in pairs]
    return np.concatenate(parts)[:, None].astype(np.float32)


def _samples(image: Picture, count: int) -> Colors:
    """Return so many pixels, spread evenly; each several times, if there are fewer."""
    colors = image.reshape(-1, 3)
    places = np.linspace(0, len(colors) - 1, max(1, count)).round()
    return colors[places.astype(int)].astype(np.float64)


def _linear(source: Colors, target: Colors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return source's mean, the matrix and the target's mean of transport between normals."""
    spread = np.cov(source.T, bias=True) + _FLOOR * np.eye(3)
    root, inverse = _root(spread), np.linalg.inv(_root(spread))
    matrix = inverse @ _root(root @ np.cov(target.T, bias=True) @ root) @ inverse
    return source.mean(0), matrix, target.mean(0)


def _root(matrix: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


def _sliced(source: Colors, target: Colors) -> Colors:
    """Match the distribution along three perpendicular axes, turned at random, again and again."""
    random = np.random.default_rng(0)
    # `interp` needs values that grow, and takes those that are equal for the middle one.
    growth = 1e-9 * (np.arange(_QUANTILES) - (_QUANTILES - 1) / 2)[:, None]
    for _ in range(_TURNS):
        axes = np.linalg.qr(random.standard_normal((3, 3)))[0]
        ours = source @ axes
        before, after = _quantiles(ours) + growth, _quantiles(target @ axes)
        for k in range(3):
            ours[:, k] += np.interp(ours[:, k], before[:, k], after[:, k] - before[:, k])
        source = ours @ axes.T
    return source


def _quantiles(colors: Colors) -> Float[np.ndarray, "k 3"]:
    places = (np.arange(_QUANTILES) + 0.5) / _QUANTILES * len(colors)
    ordered: Colors = np.sort(colors, axis=0)[places.astype(int)]
    return ordered


def _products(colors: Float[np.ndarray, "3 n"]) -> Float[np.ndarray, "20 n"]:
    """Return all products of up to three channels, from none to the third powers."""
    products = np.empty((20, colors.shape[1]), colors.dtype)
    products[0], products[1:4] = 1, colors
    squares = products[4:10]  # 00 01 02 11 12 22
    squares[:3], squares[3:5], squares[5] = (
        colors[0] * colors,
        colors[1] * colors[1:],
        colors[2] ** 2,
    )
    products[10:16] = colors[0] * squares
    products[16:19] = colors[1] * squares[3:]
    products[19] = colors[2] * squares[5]
    return products
