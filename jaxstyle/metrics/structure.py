"""Metrics of local structure: means, contrasts, correlations and gradients of pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle.image.color import LUMINANCE
from jaxstyle.metrics.metric import IMAGE, Grid, Image, Metric, Part, Scalar, Vector
from jaxstyle.metrics.pairwise import safe_sqrt
from jaxstyle.metrics.wrapping import surrounded
from jaxstyle.specs import OPEN, Wrap


def _filtered(image: Part, rows: np.ndarray, columns: np.ndarray) -> Part:
    """Correlate each channel with the outer product of two short filters."""
    planes = jnp.moveaxis(image, 2, 0)[..., None]
    for kernel in (rows[:, None], columns[None, :]):
        planes = jax.lax.conv_general_dilated(
            planes,
            jnp.asarray(kernel[..., None, None], image.dtype),
            (1, 1),
            "VALID",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
    return jnp.moveaxis(planes[..., 0], 0, 2)


def _halved(image: Part) -> Part:
    """Average 2 × 2 pixels; an odd last row or column is dropped, a single one stays."""
    height, width, channels = image.shape
    tall, wide = min(2, height), min(2, width)
    image = image[: height // tall * tall, : width // wide * wide]
    return image.reshape(height // tall, tall, width // wide, wide, channels).mean((1, 3))


def _gaussian(length: int) -> np.ndarray:
    offsets = np.arange(length) - (length - 1) / 2
    weights = np.exp(-(offsets**2) / (2 * 1.5**2))
    return weights / weights.sum()


def _ssim_parts(x: Image, y: Image, wrap: Wrap) -> tuple[Vector, Vector]:
    """Compute the mean SSIM, and the mean contrast × structure, of each channel."""
    height, width = x.shape[:2]
    rows, columns = (_gaussian(min(11, n if n % 2 else n - 1)) for n in (height, width))

    def mean(image: Image) -> Part:
        image = surrounded(image, 0, len(rows) - 1, (wrap[0], False))
        image = surrounded(image, 0, len(columns) - 1, (False, wrap[1]))
        return _filtered(image, rows, columns)

    first, second = 0.01**2, 0.03**2
    mx, my = mean(x), mean(y)
    # Centered first, so that float32 does not lose a small variance beside a large mean.
    cx, cy = x - jnp.mean(x, (0, 1)), y - jnp.mean(y, (0, 1))
    nx, ny = mean(cx), mean(cy)
    vx, vy, vxy = mean(cx**2) - nx**2, mean(cy**2) - ny**2, mean(cx * cy) - nx * ny
    contrast = (2 * vxy + second) / (vx + vy + second)
    luminance = (2 * mx * my + first) / (mx**2 + my**2 + first)
    return jnp.mean(luminance * contrast, (0, 1)), jnp.mean(contrast, (0, 1))


def ssim(x: Image, y: Image, wrap: Wrap = OPEN) -> Scalar:
    """Compute the structural similarity of two pictures in [0, 1]: 1 if equal, at least −1.

    References:
        Wang, Bovik, Sheikh & Simoncelli, "Image Quality Assessment" (IEEE Transactions on Image
        Processing 13, 2004), equation 13 and section III.C: Gaussian window of 11 × 11, σ 1.5,
        K = 0.01, 0.03. Deviations: the mean over the color channels, no downsampling first; a
        side shorter than 11 gets the longest odd window that fits.
    """
    return jnp.mean(_ssim_parts(x, y, wrap)[0])


SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ms_ssim(
    x: Image,
    y: Image,
    wrap: Wrap = OPEN,
    scale_weights: Sequence[float] = SCALE_WEIGHTS,
) -> Scalar:
    """Compute the structural similarity over up to five scales, each half the size of the previous.

    References:
        Wang, Simoncelli & Bovik, "Multiscale Structural Similarity" (Asilomar 2003), equation 7.
        Deviations: the mean over color channels; scales whose shorter side is under 11 pixels are
        left out and the other weights rescaled to the same sum; factors are at least 1e-4, since
        a fractional power of a negative number is not real.
    """
    fitting = 1
    while fitting < len(scale_weights) and min(x.shape[:2]) >> fitting >= 11:
        fitting += 1
    weights = np.array(scale_weights[:fitting])
    weights *= sum(scale_weights) / weights.sum()
    product = jnp.ones(x.shape[2])
    for scale, weight in enumerate(weights):
        similarity, contrast = _ssim_parts(x, y, wrap)
        factor = similarity if scale == fitting - 1 else contrast
        product = product * jnp.maximum(factor, 1e-4) ** weight
        x, y = _halved(x), _halved(y)
    return jnp.mean(product)


_PREWITT = np.array([1.0, 0.0, -1.0]), np.array([1.0, 1.0, 1.0]) / 3


def gradient_magnitude(plane: Image, wrap: Wrap = OPEN) -> Image:
    """Compute the length of the Prewitt gradient at every pixel, with edges repeated or wrapped."""
    plane = surrounded(plane, 1, 1, wrap, "edge")
    down = _filtered(plane, *_PREWITT)
    across = _filtered(plane, *_PREWITT[::-1])
    return safe_sqrt(down**2 + across**2)


def gmsd(x: Image, y: Image, wrap: Wrap = OPEN) -> Scalar:
    """Compute the gradient magnitude similarity deviation of two pictures in [0, 1]; 0 if equal.

    References:
        Xue, Zhang, Mou & Bovik, "Gradient Magnitude Similarity Deviation" (IEEE Transactions on
        Image Processing 23, 2014), equations 3 to 6: luminance, halved, Prewitt, c = 170 of 255².
        Deviation: edge pixels are repeated at the border, where the authors' code puts zeros.
    """
    planes = []
    for image in (x, y):
        plane = image @ jnp.array(LUMINANCE)[:, None] if image.shape[2] == 3 else image
        planes.append(gradient_magnitude(_halved(plane), wrap))
    first, second = planes
    c = 170 / 255**2
    # 1 − similarity, without its cancellation; its deviation is the same.
    dissimilarity = (first - second) ** 2 / (first**2 + second**2 + c)
    return safe_sqrt(jnp.var(dissimilarity))


PEAK_ERROR = 1e-4


def psnr(x: Image, y: Image) -> Scalar:
    """Compute the peak signal-to-noise ratio in decibels of two pictures in [0, 1]; at most 40.

    −10 log₁₀(mean squared error + 1e-4), so that equal pictures have a finite value and gradient.
    """
    return -10 * jnp.log10(jnp.mean((x - y) ** 2) + PEAK_ERROR)


def _decibels_lost(x: Image, y: Image) -> Scalar:
    """Compute 40 − `psnr`."""
    return 10 * jnp.log1p(jnp.mean((x - y) ** 2) / PEAK_ERROR) / np.log(10)


def _identity(image: Image) -> Image:
    return image


def laplacian(image: Image, wrap: Wrap = OPEN) -> Float[Array, "_h _w 1"]:
    """Compute the discrete Laplacian (4, −1, −1, −1, −1) of the picture averaged over 4 × 4 pixels.

    It is that of the sum of the color channels: a change that keeps R + G + B leaves it as it is.

    References:
        Li, Xu, Nie & Chua, "Laplacian-Steered Neural Style Transfer" (ACM Multimedia 2017),
        equations 5 and 6 with pooling 4; channels summed and the border left out as in the
        authors' code. Deviation: where the average has fewer than three rows or columns, which
        are all border, its edges are repeated.
    """
    pooled = jnp.sum(_halved(_halved(image)), axis=2, keepdims=True)
    pooled = surrounded(pooled, 1, 1, wrap)
    repeated = [(0, 0) if side >= 3 else (1, 1) for side in pooled.shape[:2]]
    pooled = jnp.pad(pooled, (*repeated, (0, 0)), mode="edge")
    center = pooled[1:-1, 1:-1]
    neighbors = pooled[:-2, 1:-1] + pooled[2:, 1:-1] + pooled[1:-1, :-2] + pooled[1:-1, 2:]
    return 4 * center - neighbors


def _mean_squared(summarize: Callable[..., Any]) -> Callable[..., Any]:
    def distance(x: Image, target: Grid, wrap: Wrap = OPEN) -> Scalar:
        return jnp.mean((summarize(x, wrap) - target) ** 2)

    return distance


def _one_minus(similarity: Callable[..., Any]) -> Callable[..., Any]:
    def distance(x: Image, y: Image, wrap: Wrap = OPEN) -> Scalar:
        return 1 - similarity(x, y, wrap)

    return distance


METRICS = tuple(
    Metric(
        name=name,
        kind="content",
        summarize=summarize,
        distance=distance,
        expects="grid",
        layers=IMAGE,
        meaning=meaning,
        cost=cost,
        paper=paper,
        symmetric=True,
        gathers=name == "ms_ssim",  # its coarsest scales
    )
    for name, summarize, distance, meaning, cost, paper in (
        (
            "laplacian",
            laplacian,
            _mean_squared(laplacian),
            "the same lines at a coarse scale",
            "n",
            "Li et al., ACM Multimedia 2017",
        ),
        (
            "edges",
            gradient_magnitude,
            _mean_squared(gradient_magnitude),
            "the same strength of edges at every pixel",
            "18 n",
            "Prewitt 1970",
        ),
        ("psnr", _identity, _decibels_lost, "little pixel noise, in decibels", "n", "textbook"),
        (
            "ssim",
            _identity,
            _one_minus(ssim),
            "the same local structure",
            "110 n",
            "Wang et al., IEEE TIP 2004",
        ),
        (
            "ms_ssim",
            _identity,
            _one_minus(ms_ssim),
            "the same local structure at five scales",
            "150 n",
            "Wang, Simoncelli & Bovik, Asilomar 2003",
        ),
        (
            "gmsd",
            _identity,
            gmsd,
            "edges preserved evenly across the picture",
            "10 n",
            "Xue et al., IEEE TIP 2014",
        ),
    )
)
