"""Color transfer between pictures, to keep the content's colors.

Gatys, Ecker, Bethge, Hertzmann & Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer" (CVPR 2017), section 5, compares luminance, histogram and covariance matching.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from jaxstyle.image.geometry import Picture, resize
from jaxstyle.image.oklab import from_oklab, to_oklab
from jaxstyle.image.transport import matched

LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma of ITU-R BT.601."""

# ITU-R BT.601 as in JPEG: luma, then blue and red differences, of RGB in [0, 1].
_LUMA = np.array(LUMINANCE)
_TO_YCBCR = np.stack([_LUMA, (np.eye(3)[2] - _LUMA) / 1.772, (np.eye(3)[0] - _LUMA) / 1.402])
_FROM_YCBCR = np.linalg.inv(_TO_YCBCR)


def luma(image: Picture) -> Picture:
    """Return the luma of a picture in three equal channels."""
    return np.repeat((image @ _LUMA)[..., None], 3, axis=2).astype(np.float32)


def luma_matched(style: Picture, content: Picture) -> Picture:
    """Return the style's luma with the content's mean and standard deviation (equation 10)."""
    source, target = luma(style), luma(content)
    scale = target.std() / max(source.std(), 1e-6)
    return np.clip((source - source.mean()) * scale + target.mean(), 0, 1).astype(np.float32)


def with_chroma(image: Picture, content: Picture) -> Picture:
    """Combine the luma of a picture with the chroma of the content, both of the same size."""
    ycbcr = content @ _TO_YCBCR.T
    ycbcr[..., 0] = image @ _LUMA
    return np.clip(ycbcr @ _FROM_YCBCR.T, 0, 1).astype(np.float32)


def histogram_matched(style: Picture, content: Picture) -> Picture:
    """Match each channel's histogram of the style to that of the content, by rank."""
    channels = []
    for k in range(3):
        _, indices, counts = np.unique(style[..., k], return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - counts / 2) / style[..., k].size
        values = np.quantile(content[..., k], ranks)
        channels.append(values[indices].reshape(style.shape[:2]))
    return np.stack(channels, -1).astype(np.float32)


def covariance_matched(style: Picture, content: Picture) -> Picture:
    """Transform the style's colors linearly to the content's mean and covariance (eqs. 11 and 12).

    Uses symmetric square roots, the paper's "image analogies" form.
    """
    source = style.reshape(-1, 3).astype(np.float64)
    target = content.reshape(-1, 3).astype(np.float64)
    matrix = _power(covariance(target), 0.5) @ _power(covariance(source), -0.5)
    matched = (source - source.mean(0)) @ matrix.T + target.mean(0)
    return np.clip(matched, 0, 1).reshape(style.shape).astype(np.float32)


def covariance(colors: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "3 3"]:
    """Compute the covariance of colors; that of a single color is zero."""
    return np.cov(colors.T) if len(colors) > 1 else np.zeros((3, 3))


def _power(
    matrix: Float[np.ndarray, "c c"], power: float, least: float = 1e-6
) -> Float[np.ndarray, "c c"]:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, least) ** power) @ vectors.T)


_MATCHED = {
    "luminance": luma_matched,
    "histogram": histogram_matched,
    "covariance": covariance_matched,
}
_MATCHED_TO_PALETTE = {"histogram": histogram_matched, "covariance": covariance_matched}


def transfer_colors(
    how: str, content: Picture, style: Picture, palette: Picture | None = None
) -> tuple[Picture, Picture]:
    """Return the content and the style that a run works with.

    Args:
        how: Of `Settings.color`.
        content: As it was read.
        style: Likewise.
        palette: A third picture, whose colors the style gets: its histogram or its covariance, if
            that is how, else its whole distribution.
    """
    if palette is not None:
        return content, _MATCHED_TO_PALETTE.get(how, matched)(style, palette)
    changed = _MATCHED[how](style, content) if how in _MATCHED else style
    return luma(content) if how == "luminance" else content, changed


NEARLY_GRAY = 6e-5
"""A greatest covariance of Oklab's a and b below this has no colors to match."""


def _moved(colors: Float[np.ndarray, "h w c"], others: Float[np.ndarray, "k l c"]) -> Any:
    """Transform colors linearly to the mean and covariance of others, by symmetric roots."""
    channels = colors.shape[2]
    x, y = (side.reshape(-1, channels) for side in (colors, others))
    floor = 1e-4 * np.eye(channels)
    a, b = (np.cov(side.T, bias=True) + floor for side in (x, y))
    moved = (x - x.mean(0)) @ _power(a, -0.5, 1e-8) @ _power(b, 0.5, 1e-8) + y.mean(0)
    return moved.reshape(colors.shape)


def _within_edges(lab: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 2"]:
    """Average a and b five times over 3 × 3 pixels of similar lightness, which stays."""
    light = lab[..., :1]
    weights = np.exp(-10 * np.abs(_around(light) - light))
    weights /= weights.sum(0)
    chroma = lab[..., 1:]
    for _ in range(5):
        chroma = np.sum(weights * _around(chroma), axis=0)
    return chroma


def _around(values: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "9 h w c"]:
    """Return the values at each of 3 × 3 places around every pixel; the edge is repeated."""
    height, width = values.shape[:2]
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
    return np.stack([padded[i : i + height, j : j + width] for i in range(3) for j in range(3)])


def oklab_matched(image: Picture, content: Picture, style: Picture) -> Picture:
    """Give a picture the content's chroma, moved to the mean and covariance of the style's.

    Lightness stays, within the style's range. Of a style that is nearly gray, the picture's own
    colors are moved instead.

    References:
        Kolkin et al., "Neural Neighbor Style Transfer" (arXiv 2203.13215): the authors' code,
        `colorization.py` (`color_match`) and `zca.py`.

    Args:
        image: The result.
        content: Of the same size.
        style: Of any size.
    """
    lab, of_content, of_style = map(to_oklab, (image, content, style))
    lowest, highest = of_style.min((0, 1)), of_style.max((0, 1))
    result = np.clip(lab, lowest, highest)
    chroma = of_style[..., 1:].reshape(-1, 2)
    if np.abs(np.cov(chroma.T, bias=True)).max() < NEARLY_GRAY:
        result[..., 1:] = lab[..., 1:]
        result = _moved(result, of_style)
    else:
        result[..., 1:] = _moved(of_content[..., 1:], of_style[..., 1:])
        result[..., 1:] = _within_edges(result)
    return from_oklab(np.clip(result, lowest, highest))


def restore_colors(how: str, image: Picture, content: Picture, style: Picture) -> Picture:
    """Return the result of a run, of any size, in its final colors.

    Args:
        how: Of `Settings.color`.
        image: The result.
        content: As it was read.
        style: The first style as the run works with it, or another picture whose colors count.
    """
    if how == "match":
        return matched(image, style)
    if how == "oklab":
        return oklab_matched(image, resize(content, image.shape[:2]), style)
    if how not in ("luminance", "chroma"):
        return image
    return with_chroma(image, resize(content, image.shape[:2]))
