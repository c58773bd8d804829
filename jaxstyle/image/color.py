"""Color transfer between pictures, to keep the content's colors.

Gatys, Ecker, Bethge, Hertzmann & Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer" (CVPR 2017), section 5, compares luminance, histogram and covariance matching.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from jaxstyle.image.geometry import Picture, resize

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


def _power(matrix: Float[np.ndarray, "3 3"], power: float) -> Float[np.ndarray, "3 3"]:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-6) ** power) @ vectors.T)


_MATCHED = {
    "luminance": luma_matched,
    "histogram": histogram_matched,
    "covariance": covariance_matched,
}


def transfer_colors(how: str, content: Picture, style: Picture) -> tuple[Picture, Picture]:
    """Return the content and the style that a run works with; `how` is of `Settings.color`."""
    matched = _MATCHED[how](style, content) if how in _MATCHED else style
    return luma(content) if how == "luminance" else content, matched


def restore_colors(how: str, image: Picture, content: Picture) -> Picture:
    """Return the result of a run, of any size, in its final colors; `content` is as it was read."""
    if how not in ("luminance", "chroma"):
        return image
    return with_chroma(image, resize(content, image.shape[:2]))
