"""Keeping the content's colors: what is done to the pictures before a run, and to the result after.

Gatys, Ecker, Bethge, Hertzmann & Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer" (CVPR 2017), section 5, compares the first three.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from jaxstyle.image.geometry import Picture, resize
from jaxstyle.metrics.structure import LUMINANCE

# ITU-R BT.601, as JPEG uses it: luma, then blue and red differences, of RGB in [0, 1].
_LUMA = np.array(LUMINANCE)
_TO_YCBCR = np.stack([_LUMA, (np.eye(3)[2] - _LUMA) / 1.772, (np.eye(3)[0] - _LUMA) / 1.402])
_FROM_YCBCR = np.linalg.inv(_TO_YCBCR)


def luma(image: Picture) -> Picture:
    """Brightness alone, in three equal channels."""
    return np.repeat((image @ _LUMA)[..., None], 3, axis=2).astype(np.float32)


def luma_matched(style: Picture, content: Picture) -> Picture:
    """The style's brightness, its mean and deviation those of the content's (equation 10)."""
    own, other = luma(style), luma(content)
    scale = other.std() / max(own.std(), 1e-6)
    return np.clip((own - own.mean()) * scale + other.mean(), 0, 1).astype(np.float32)


def with_chroma(image: Picture, content: Picture) -> Picture:
    """The brightness of a picture and the colors of the content, of the same size."""
    found = content @ _TO_YCBCR.T
    found[..., 0] = image @ _LUMA
    return np.clip(found @ _FROM_YCBCR.T, 0, 1).astype(np.float32)


def histogram_matched(style: Picture, content: Picture) -> Picture:
    """The style with each channel's histogram that of the content (values matched by rank)."""
    channels = []
    for k in range(3):
        _, places, counts = np.unique(style[..., k], return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - counts / 2) / style[..., k].size
        wanted = np.quantile(content[..., k], ranks)
        channels.append(wanted[places].reshape(style.shape[:2]))
    return np.stack(channels, -1).astype(np.float32)


def covariance_matched(style: Picture, content: Picture) -> Picture:
    """The style moved linearly to the content's mean color and covariance (equations 11 and 12).

    By symmetric roots, the paper's "image analogies" form.
    """
    own, other = style.reshape(-1, 3).astype(np.float64), content.reshape(-1, 3).astype(np.float64)
    matrix = _root(covariance(other), 0.5) @ _root(covariance(own), -0.5)
    moved = (own - own.mean(0)) @ matrix.T + other.mean(0)
    return np.clip(moved, 0, 1).reshape(style.shape).astype(np.float32)


def covariance(colors: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "3 3"]:
    """The covariance of colors; that of a single one is zero."""
    return np.cov(colors.T) if len(colors) > 1 else np.zeros((3, 3))


def _root(matrix: Float[np.ndarray, "3 3"], power: float) -> Float[np.ndarray, "3 3"]:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-6) ** power) @ vectors.T)


def before(how: str, content: Picture, style: Picture) -> tuple[Picture, Picture]:
    """Content and style as the run is to see them."""
    if how == "luminance":
        return luma(content), luma_matched(style, content)
    if how == "histogram":
        return content, histogram_matched(style, content)
    if how == "covariance":
        return content, covariance_matched(style, content)
    return content, style


def after(how: str, image: Picture, content: Picture) -> Picture:
    """The picture, of any size, in the colors that it is to be shown in."""
    if how not in ("luminance", "chroma"):
        return image
    return with_chroma(image, resize(content, image.shape[:2]))
