"""Which pixels of a frame another frame shows as well, and how far that is to be trusted.

Ruder, Dosovitskiy & Brox, "Artistic style transfer for videos" (GCPR 2016, arXiv 1604.08610),
after Sundaram, Brox & Keutzer (ECCV 2010), with their constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import minimum_filter, uniform_filter

from jaxstyle.video.flow import Flow, Gray, move

Weights = Float[np.ndarray, "_h _w"]

DISOCCLUSION = (0.01, 0.5)
"""Relative and absolute part of the bound by which a pixel is disoccluded, the latter in squared
pixels."""
BOUNDARY = (0.01, 0.002)
"""Likewise by which it lies at a motion boundary, the latter in squared pixels for each pixel."""


BRIGHTNESS = 24
"""Levels of 255 by which the luma of two frames may differ where both show the same."""


class Trust(NamedTuple):
    """What a frame knows of another.

    Attributes:
        visible: Whether the other frame shows what is here.
        weights: 1 where it does and no motion boundary is near, else 0: the paper's c.
    """

    visible: Bool[np.ndarray, "_h _w"]
    weights: Weights

    def where_alike(self, here: Gray, moved: Gray) -> Trust:
        """Trust only where the lumas of this frame and of the other, moved here, are alike.

        A deviation from the paper, for frames far apart: over a long way, flow can be wrong and
        agree both ways all the same, and what is long gone then comes back as a ghost.
        """
        difference = np.abs(here.astype(np.float32) - moved)
        # Not by single pixels, which are noisy, and differ at edges by interpolation.
        is_alike = uniform_filter(difference, 3, mode="nearest") <= BRIGHTNESS
        # Nor near where they are not: something else there may have the same luma by chance.
        is_alike = minimum_filter(is_alike, 5, mode="nearest")
        return Trust(self.visible & is_alike, self.weights * is_alike)


def trust(backward: Flow, forward: Flow) -> Trust:
    """Compare the flows both ways.

    Args:
        backward: From this frame towards the other: the paper's ŵ.
        forward: From the other towards this: the paper's w.

    References:
        The paper's tests for disocclusion and for motion boundaries. It does not say what becomes
        of pixels that lie outside of the other frame: here they are not visible. Derivatives are
        NumPy's, central differences.
    """
    height, width = backward.shape[:2]
    rows, columns = np.indices((height, width))
    places = columns + backward[..., 0], rows + backward[..., 1]
    inside = (places[0] >= 0) & (places[0] <= width - 1) & (places[1] >= 0)
    inside &= places[1] <= height - 1
    warped = move(forward, backward, order=1)
    relative, least = DISOCCLUSION
    bound = relative * (_squared(warped) + _squared(backward)) + least
    visible = inside & (_squared(warped + backward) <= bound)
    relative, least = BOUNDARY
    is_boundary = _steepness(backward) > relative * _squared(backward) + least
    return Trust(visible, (visible & ~is_boundary).astype(np.float32))


def nearest_alone(weights: Sequence[Weights]) -> list[Weights]:
    """Leave each pixel to the nearest frame that knows it: the long-term weights.

    Args:
        weights: Of earlier frames, the nearest first.

    References:
        The paper's long-term weights: max(c − Σ of the nearer frames' c, 0).
    """
    taken = np.zeros_like(weights[0])
    left = []
    for of_frame in weights:
        left.append(np.maximum(of_frame - taken, 0))
        taken = taken + of_frame
    return left


def _squared(flow: Flow) -> Float[np.ndarray, "_h _w"]:
    return np.sum(np.square(flow, dtype=np.float64), axis=-1)


def _steepness(flow: Flow) -> Float[np.ndarray, "_h _w"]:
    """Sum the squares of all derivatives of a flow."""
    total = np.zeros(flow.shape[:2])
    for axis in (0, 1):
        if flow.shape[axis] > 1:
            total += _squared(np.gradient(flow.astype(np.float64), axis=axis))
    return total
