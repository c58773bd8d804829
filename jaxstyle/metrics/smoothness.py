"""Regularizers: properties that a picture should have whatever its content and style.

Pictures have values in [0, 1]; a regularizer has no reference, so its target is empty.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import IMAGE, Image, Metric, Part, Scalar
from jaxstyle.metrics.wrapping import surrounded
from jaxstyle.specs import OPEN, Wrap


def _differences(image: Image, wrap: Wrap) -> tuple[Part, Part]:
    """Return each pixel's difference to the next, across and down; of the last where it wraps."""
    next_row, next_column = (
        surrounded(image, 0, 1, (wrap[0], False)),
        surrounded(image, 0, 1, (False, wrap[1])),
    )
    return next_column[:, 1:] - next_column[:, :-1], next_row[1:] - next_row[:-1]


def _mean(values: Float[Array, "*_s"]) -> Scalar:
    """Compute the mean, 0 of no values: a picture one pixel wide has no horizontal neighbors."""
    return jnp.sum(values) / max(1, values.size)


def total_variation(image: Image, target: tuple[()] = (), wrap: Wrap = OPEN) -> Scalar:
    """Compute the mean squared difference of neighboring pixels, horizontal plus vertical.

    It is 0 for a flat picture, 2 for a checkerboard of zeros and ones.

    References:
        Mahendran & Vedaldi, "Understanding Deep Image Representations by Inverting Them" (CVPR
        2015), equation 3 with β = 2. Deviation: means over pairs instead of one sum.
    """
    del target
    across, down = _differences(image, wrap)
    return _mean(across**2) + _mean(down**2)


def total_variation_absolute(image: Image, target: tuple[()] = (), wrap: Wrap = OPEN) -> Scalar:
    """Compute the mean absolute difference of neighboring pixels, horizontal plus vertical.

    References:
        Rudin, Osher & Fatemi (Physica D 60, 1992) in its anisotropic form; as a regularizer of
        style transfer in neural-style. Deviation: means instead of sums.
    """
    del target
    across, down = _differences(image, wrap)
    return _mean(jnp.abs(across)) + _mean(jnp.abs(down))


def total_variation_power(
    image: Image, target: tuple[()] = (), wrap: Wrap = OPEN, *, beta: Any = 1.25
) -> Scalar:
    """Compute the mean of (dx² + dy²)^(β/2) over pixels that have both neighbors.

    β = 2 blurs, 1 keeps edges and makes steps.

    References:
        Mahendran & Vedaldi (CVPR 2015), equation 3; Google's TensorFlow tutorials use 1.25.
        Deviation: a mean, and 1e-8 inside the power (minus its contribution), for a finite
        gradient where the picture is flat.
    """
    del target
    across, down = _differences(image, wrap)
    squared = across[: down.shape[0]] ** 2 + down[:, : across.shape[1]] ** 2
    return _mean((squared + 1e-8) ** (beta / 2) - 1e-8 ** (beta / 2))


def total_variation_nine(image: Image, target: tuple[()] = (), wrap: Wrap = OPEN) -> Scalar:
    """Compute ⅔ of the mean squared differences to straight neighbors, ⅙ of those to diagonal ones.

    Each is the mean over pairs of a horizontal, vertical, falling or rising direction, with edge
    pixels repeated at the border. It is 4/3 for a large checkerboard of zeros and ones.

    References:
        Katherine Crowson's style-transfer-pytorch, `TVLoss` (nine-point stencil).
    """
    del target
    padded = surrounded(image, 1, 1, wrap, "edge")
    across = padded[1:-1, 2:] - image
    down = padded[2:, 1:-1] - image
    falling = padded[1:, 1:] - padded[:-1, :-1]
    rising = padded[1:, :-1] - padded[:-1, 1:]
    # Where it wraps, the last pair is the first.
    once = tuple(slice(None, -1 if wraps else None) for wraps in wrap)
    falling, rising = falling[once], rising[once]
    straight = jnp.mean(across**2) + jnp.mean(down**2)
    return straight * 2 / 3 + (jnp.mean(falling**2) + jnp.mean(rising**2)) / 6


METRICS = tuple(
    Metric(
        name=distance.__name__,
        kind="image",
        summarize=lambda image: (),
        distance=distance,
        expects="grid",
        layers=IMAGE,
        meaning=meaning,
        cost="n",
        paper=paper,
    )
    for distance, meaning, paper in (
        (total_variation, "neighboring pixels differ little", "Mahendran & Vedaldi, CVPR 2015"),
        (
            total_variation_absolute,
            "few steps between neighbors, edges kept",
            "Rudin, Osher & Fatemi 1992",
        ),
        (
            total_variation_power,
            "between the two, set by the power β",
            "Mahendran & Vedaldi, CVPR 2015",
        ),
        (
            total_variation_nine,
            "all eight neighbors differ little",
            "Crowson, style-transfer-pytorch",
        ),
    )
)
