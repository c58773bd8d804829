"""Oklab, in which equal distances look about equally large."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from jaxstyle.image.geometry import Picture

TO_LMS = np.array(
    [
        [0.4121656120, 0.5362752080, 0.0514575653],
        [0.2118591070, 0.6807189584, 0.1074065790],
        [0.0883097947, 0.2818474174, 0.6302613616],
    ]
)
TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def to_oklab(image: Picture) -> Float[np.ndarray, "h w 3"]:
    """Convert to Oklab, as Neural Neighbor Style Transfer does: without decoding sRGB's gamma."""
    return np.asarray(np.cbrt(image.astype(np.float64) @ TO_LMS.T) @ TO_OKLAB.T)


def from_oklab(lab: Float[np.ndarray, "h w 3"]) -> Picture:
    """Convert back, into [0, 1]."""
    lms = (lab @ np.linalg.inv(TO_OKLAB).T) ** 3
    return np.clip(lms @ np.linalg.inv(TO_LMS).T, 0, 1).astype(np.float32)
