"""Temporal metrics: a frame of a film against earlier frames, moved to where things are now.

The target is `(moved, weights)`: pictures moved along the optical flow, and how far each of their
pixels can be trusted, from 0 to 1. Nothing of it comes from the content or the style: whoever makes
a film gives it (`jaxstyle.transfer.job.Job.given_targets`). These metrics are therefore not among
`METRICS`. `summarize` returns the picture itself in the place of the nearest frame, trusted
everywhere: by that they are calibrated, like any other term.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle._util.names import nearest
from jaxstyle.metrics.metric import IMAGE, Image, Metric, Scalar

TemporalName = Literal["squared", "absolute"]
Moved = tuple[Float[Array, "frames h w 3"], Float[Array, "frames h w"]]
"""Earlier frames in their places of now, and how far each pixel is trusted."""


def squared(image: Image, target: Moved) -> Scalar:
    """Compute Σ weights · (image − moved)² over frames, divided by the numbers of the picture.

    References:
        Ruder, Dosovitskiy & Brox, "Artistic style transfer for videos" (GCPR 2016, arXiv
        1604.08610): the temporal loss with one frame, and the long-term one with several.
    """
    pictures, weights = target
    return jnp.sum(weights[..., None] * (image - pictures) ** 2) / image.size


def absolute(image: Image, target: Moved) -> Scalar:
    """Compute Σ weights · |image − moved| over frames, divided by the numbers of the picture.

    A few pixels that the flow moved wrongly pull no harder than the many that it moved well.

    References:
        Ours, in the place of the squares of `squared`. Deviation from |x|: √(x² + 1e-6) − 1e-3, so
        that the gradient is continuous where the frames agree.
    """
    pictures, weights = target
    distances = jnp.sqrt((image - pictures) ** 2 + 1e-6) - 1e-3
    return jnp.sum(weights[..., None] * distances) / image.size


DISTANCES = {"squared": squared, "absolute": absolute}
"""What a temporal term compares by."""


@cache
def temporal(name: TemporalName, frames: int) -> Metric:
    """Return the metric that compares with so many earlier frames.

    Args:
        name: `"squared"` or `"absolute"`.
        frames: The number of earlier frames, at least 1.

    Raises:
        ValueError: There is no such distance.

    >>> temporal("squared", 2).name
    'temporal'
    """
    if name not in DISTANCES:
        expected = ", ".join(DISTANCES)
        raise ValueError(
            f"expected temporal_metric to be one of {expected}, got {name!r}"
            f"{nearest(str(name), DISTANCES)}"
        )

    def summarize(image: Image) -> Moved:
        first = jnp.arange(frames) == 0
        shape = (frames, *image.shape[:2])
        pictures = jnp.broadcast_to(image, (frames, *image.shape))
        return pictures, jnp.broadcast_to(first[:, None, None], shape).astype(image.dtype)

    return Metric(
        name="temporal",
        kind="image",
        summarize=summarize,
        distance=DISTANCES[name],
        expects="grid",
        layers=IMAGE,
        meaning="earlier frames, moved to where things are now",
        cost="n",
        paper="Ruder, Dosovitskiy & Brox, GCPR 2016",
    )
