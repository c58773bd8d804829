"""Paint: whether each patch of a picture's pixels is one that the painting has, and conversely.

A person sees at once in a result what statistics of deep features overlook: halos around strokes,
grain in quiet areas, fringes of foreign colors. All are patches that the painting does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle.metrics.matching import nearest_neighbor
from jaxstyle.metrics.metric import IMAGE, Image, Metric, Positions, Scalar
from jaxstyle.metrics.pairwise import by_rows, matmul_highest, safe_sqrt, unit
from jaxstyle.metrics.wrapping import surrounded
from jaxstyle.specs import OPEN, Wrap

Fitted = Mapping[str, Mapping[str, Float[Array, "..."]]]
"""Tensors of a network by layer and name."""
Patches = Float[Array, "_n k"]
"""Patches of one size of the picture, one row each."""

SIDE = 7
"""Side of a patch, pixels."""
STEPS = (7, 4, 2)
"""Distance of the patches that are asked for their nearest, at full, half and quarter size."""
WRAPPED_STEPS = (4, 4, 2)
"""The same of a picture that wraps: so that wherever it begins, every sixteenth pixel is alike."""


def halved(image: Image) -> Image:
    """Average 2 × 2 pixels; an odd last row or column is dropped."""
    height, width, channels = image.shape
    blocks = image[: height // 2 * 2, : width // 2 * 2]
    return blocks.reshape(height // 2, 2, width // 2, 2, channels).mean((1, 3))


def pyramid(image: Image) -> tuple[Image, ...]:
    """Return the picture at full, half and quarter size, as far as it has a patch there."""
    sizes = [image]
    while len(sizes) < len(STEPS) and min(sizes[-1].shape[:2]) >= 2 * SIDE:
        sizes.append(halved(sizes[-1]))
    return tuple(sizes)


def patches(image: Image, step: int = 1, wrap: Wrap = OPEN) -> Patches:
    """Return the 7 × 7 patches at every `step`-th row and column, as rows.

    A side shorter than 7 is continued by repeating its edge. With a step of 7 or less each pixel is
    in a patch, save up to six rows and columns at the bottom and on the right. Along axes that wrap
    there are patches over the edge.
    """
    image = surrounded(image, 0, SIDE - 1, wrap)
    height, width, channels = image.shape
    missing = [(0, max(0, SIDE - side)) for side in (height, width)]
    image = jnp.pad(image, [*missing, (0, 0)], mode="edge")
    rows, columns = (
        np.arange(0, max(side, SIDE) - SIDE + 1, step)[:, None] + np.arange(SIDE)
        for side in (height, width)
    )
    return image[rows[:, None, :, None], columns[:, None]].reshape(-1, SIDE**2 * channels)


def all_patches(image: Image, wrap: Wrap = OPEN) -> tuple[Patches, ...]:
    """Return the patches at each size, all of them."""
    return tuple(patches(size, 1, wrap) for size in pyramid(image))


def some_patches(image: Image, wrap: Wrap = OPEN) -> tuple[Patches, ...]:
    """Return patches at each size, every 7th, 4th and 2nd in either direction."""
    sizes = zip(pyramid(image), STEPS if wrap == OPEN else WRAPPED_STEPS, strict=False)
    return tuple(patches(size, step, wrap) for size, step in sizes)


def _faded(rows: Patches, mean: Any) -> Patches:
    """Multiply the mean color of each patch by a number."""
    colors = rows.reshape(len(rows), SIDE**2, -1)
    average = jnp.mean(colors, axis=1, keepdims=True)
    return (colors - (1 - mean) * average).reshape(rows.shape)


def _to_nearest(rows: Patches, among: Patches, mean: Any) -> Scalar:
    """Compute the mean over patches of the RMS difference a pixel to the nearest of others."""
    # Around 0, where products lose least to rounding.
    rows, among = _faded(rows - 0.5, mean), _faded(among - 0.5, mean)
    fixed, y = jax.lax.stop_gradient((rows, among))
    half_squares = jnp.sum(y**2, axis=1) / 2
    nearest = by_rows(
        lambda row: jnp.argmax(matmul_highest(y, row) - half_squares), fixed, y.shape[0]
    )
    return jnp.mean(safe_sqrt(jnp.mean((rows - among[nearest]) ** 2, axis=1)))


def by_size(
    rows: tuple[Patches, ...], among: tuple[Patches, ...], mean: Any = 1.0
) -> Float[Array, " sizes"]:
    """Compute the mean distance of patches to the nearest of others, at each size."""
    sizes = zip(rows, among, strict=False)
    return jnp.stack([_to_nearest(some, others, mean) for some, others in sizes])


def paint_precision(
    image: Image, target: tuple[Patches, ...], wrap: Wrap = OPEN, *, mean: Any = 1.0
) -> Scalar:
    """Compute how far the picture's patches are from the style's nearest, RMS a pixel in [0, 1].

    The mean over full, half and quarter size; a smaller picture has fewer. 0 if every patch is one
    of the style's. The pictures should be at the sizes at which one was made from the other: a
    style of twice the size has other strokes. A blurred picture is near to many patches: beside
    precision belongs coverage.

    Args:
        image: The picture, sRGB in [0, 1].
        target: The style's patches, `all_patches`.
        wrap: Along which axes the picture has patches over the edge.
        mean: Multiplies the mean color of each patch of both pictures: 0 compares patterns alone.

    References:
        Simakov, Caspi, Shechtman & Irani, "Summarizing Visual Data Using Bidirectional Similarity"
        (CVPR 2008), equation 1, second sum (coherence); Kynkäänniemi, Karras, Laine, Lehtinen &
        Aila, "Improved Precision and Recall Metric for Assessing Generative Models" (NeurIPS 2019)
        for the name. Deviations: the RMS of each patch, not its square; three sizes; patches of
        the picture that lie 7, 4 and 2 pixels apart, against all of the style's. The nearest
        patches are constants for the gradient.
    """
    return jnp.mean(by_size(some_patches(image, wrap), target, mean))


def paint_coverage(
    image: Image, target: tuple[Patches, ...], wrap: Wrap = OPEN, *, mean: Any = 1.0
) -> Scalar:
    """Compute how far the style's patches are from the picture's nearest, RMS a pixel in [0, 1].

    As `paint_precision`, the other way round: 0 if the picture has every patch of the style.

    Args:
        image: The picture, sRGB in [0, 1].
        target: Patches of the style, `some_patches`.
        wrap: Along which axes the picture has patches over the edge.
        mean: Multiplies the mean color of each patch of both pictures: 0 compares patterns alone.

    References:
        Simakov, Caspi, Shechtman & Irani (CVPR 2008), equation 1, first sum (completeness); recall
        in Kynkäänniemi et al. (NeurIPS 2019). Deviations as in `paint_precision`.
    """
    return jnp.mean(by_size(target, all_patches(image, wrap), mean))


SPACING = 4
"""Distance of AlexNet's first filters, pixels."""


def filtered(image: Image, fitted: Fitted, wrap: Wrap = OPEN) -> Positions:
    """Compute the responses of AlexNet's 64 first filters of 11 × 11 pixels, without a border.

    Along axes that wrap, over the edge too.
    """
    size = fitted["conv1"]["kernel"].shape[0]
    image = surrounded(image, 0, size - SPACING, wrap)
    missing = [(0, max(0, size - side)) for side in image.shape[:2]]
    image = jnp.pad(image, [*missing, (0, 0)], mode="edge")
    normalized = image @ fitted["preprocess"]["kernel"] + fitted["preprocess"]["bias"]
    responses = jax.lax.conv_general_dilated(
        normalized[None],
        fitted["conv1"]["kernel"],
        (SPACING, SPACING),
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision="highest",
    )
    responses = jax.nn.relu(responses + fitted["conv1"]["bias"])
    return responses.reshape(-1, responses.shape[-1])


def brushwork(image: Image, target: Image, wrap: Wrap = OPEN, *, fitted: Fitted) -> Scalar:
    """Compute the cosine distance of AlexNet's first features to the style's nearest, in [0, 1].

    The mean over positions, and over full and half size. The filters are gratings of all
    directions and opponent colors: near is a place with a stroke of a direction, width and color
    that the style has, though no pixel agrees. It hardly sees fine grain, which `paint_precision`
    sees, and no motif.

    Of what was tried this agreed most often with one pair of eyes on which of two results is
    painted better: 31 of 36 pairs, 6 of the 10 that came after the choice (benchmarks/paint.md).

    Args:
        image: The picture, sRGB in [0, 1].
        target: The style, at the size at which the picture was made from it.
        wrap: Along which axes the picture continues at the opposite edge.
        fitted: AlexNet's weights: `"preprocess"` and `"conv1"`.

    References:
        Ours. The filters: Krizhevsky, arXiv 1404.5997, as torchvision has them; the distance: Zhang
        et al. (ARF, ECCV 2022), equation 2.
    """
    sizes = list(zip(pyramid(image), pyramid(target), strict=False))[:2]
    distances = [
        nearest_neighbor(filtered(x, fitted, wrap), unit(filtered(y, fitted))) for x, y in sizes
    ]
    return jnp.mean(jnp.stack(distances))


_of_pixels = partial(Metric, expects="grid", layers=IMAGE)
_of_patches = partial(_of_pixels, cost="4 n m", paper="after Simakov et al., CVPR 2008")
METRICS = (
    _of_pixels(
        name="brushwork",
        gathers=True,
        summarize=lambda image: image,
        distance=brushwork,
        meaning="strokes and colors that the style has, by AlexNet's first filters, at two sizes",
        cost="n m / 4",
        paper="ours",
        weights="alexnet",
    ),
    _of_patches(
        name="paint_precision",
        summarize=all_patches,
        distance=paint_precision,
        meaning="every 7 × 7 patch of pixels is one that the style has, at three sizes",
    ),
    _of_patches(
        name="paint_coverage",
        summarize=some_patches,
        distance=paint_coverage,
        meaning="every 7 × 7 patch of the style's pixels is in the picture, at three sizes",
    ),
)
