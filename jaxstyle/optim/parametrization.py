"""What the optimizer moves: pixels, or coordinates in which a picture is easier to move.

A parametrization is an exact change of coordinates, linear both ways. The picture stays what it is
between steps (clipped to [0, 1]); only a step is taken in the coordinates. So the optimizer's own
state belongs to them, and everything else knows pixels alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from jaxstyle._util.names import nearest
from jaxstyle.image.geometry import bilinear
from jaxstyle.specs import OPEN, Wrap

Image = Float[Array, "h w 3"]


class Parametrization(NamedTuple):
    """Coordinates of pictures of one shape.

    Attributes:
        encode: From a picture to its coordinates, one array.
        decode: Back: `decode(encode(image))` is the picture. Linear.
    """

    encode: Callable[[Image], Float[Array, ...]]
    decode: Callable[[Float[Array, ...]], Image]


PIXELS = Parametrization(lambda image: image, lambda image: image)


def scaled(factors: Any) -> Parametrization:
    """Multiply each color by a factor: the units in which an optimizer's rate is stated.

    Args:
        factors: One, or one for each color.
    """
    by = np.asarray(factors, np.float32)
    return Parametrization(lambda image: image * by, lambda point: point / by)


def laplacian(
    shape: tuple[int, int, int], wrap: Wrap = OPEN, *, bands: int = 5, corners: bool = True
) -> Parametrization:
    """Take differences between a picture and its half-sized copy, and so on, and the smallest copy.

    A step at a coarse level moves whole areas at once: low frequencies converge sooner.

    References:
        Kolkin, Salavon & Shakhnarovich, "Style Transfer by Relaxed Optimal Transport and
        Self-Similarity" (CVPR 2019), section 2.5: the optimization runs on the Laplacian pyramid;
        the authors' `pyr_lap.py`: five bands, halved sides rounded down, bilinear both ways with
        corners aligned and no antialiasing. Neural Neighbor Style Transfer has eight bands, and
        outer edges aligned (`imagePyramid.py`). Deviation: unless `safeguard` is `"none"`, the
        picture is clipped and decomposed anew at each step. Axes that wrap are resampled over the
        edge, with outer edges aligned.
    """
    shapes = [shape]
    for _ in range(bands):
        rows, columns, channels = shapes[-1]
        shapes.append((max(1, rows // 2), max(1, columns // 2), channels))
    unravel = ravel_pytree([np.zeros(level, np.float32) for level in shapes])[1]

    def encode(image: Image) -> Float[Array, " n"]:
        levels = []
        for fine, coarse in itertools.pairwise(shapes):
            small = _resampled(image, coarse, corners, wrap)
            levels.append(image - _resampled(small, fine, corners, wrap))
            image = small
        return ravel_pytree([*levels, image])[0]

    def decode(coordinates: Float[Array, " n"]) -> Image:
        *levels, image = unravel(coordinates)
        for level in reversed(levels):
            image = level + _resampled(image, level.shape, corners, wrap)
        return image

    return Parametrization(encode, decode)


def _resampled(image: Image, shape: tuple[int, ...], corners: bool, wrap: Wrap) -> Image:
    """Resample bilinearly."""
    rows, columns = (
        bilinear(old, new, corners, wraps)
        for old, new, wraps in zip(image.shape[:2], shape[:2], wrap, strict=True)
    )
    return jnp.einsum("ij,jkc,lk->ilc", rows, image, columns, precision="highest")


# Rows: the roots of the covariance of natural pictures' colors (lucid, color.py: ImageNet).
_COLORS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])


def fourier(shape: tuple[int, int, int], wrap: Wrap = OPEN) -> Parametrization:
    """Take frequencies of decorrelated colors, in proportion to what natural pictures have of each.

    Real and imaginary parts of the spectrum, divided by 1/frequency and by the colors' root
    covariance. Both gains have a mean square of 1: noise of some size in the coordinates is a
    picture of that size.

    References:
        Olah, Mordvintsev & Schubert, "Feature Visualization" (Distill 2017), preconditioning;
        lucid, optvis/param/spatial.py and color.py. Deviations: linear, kept in range by clipping
        the picture in place of a sigmoid. A Fourier series wraps by itself.
    """
    del wrap
    height, width, _ = shape
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    gain = 1 / np.maximum(np.hypot(rows, columns), 1 / max(height, width))
    # Columns but the first and last of the half spectrum stand for two.
    twice = np.where(
        (np.arange(gain.shape[1]) == 0) | (2 * np.arange(gain.shape[1]) == width), 1, 2
    )
    gain = gain / np.sqrt((gain**2 * twice).sum() / (height * width))
    gain = jnp.asarray(gain[..., None], jnp.float32)
    colors = _COLORS / np.sqrt((_COLORS**2).sum() / 3)
    to_rgb, from_rgb = (
        jnp.asarray(matrix.T, jnp.float32) for matrix in (colors, np.linalg.inv(colors))
    )
    root = np.sqrt(2).astype(np.float32)

    def encode(image: Image) -> Float[Array, " n"]:
        spectrum = jnp.fft.rfft2(image @ from_rgb, axes=(0, 1), norm="ortho") * root / gain
        return ravel_pytree((spectrum.real, spectrum.imag))[0]

    def decode(coordinates: Float[Array, " n"]) -> Image:
        real, imaginary = coordinates.reshape(2, *gain.shape[:2], 3)
        spectrum = gain / root * jax.lax.complex(real, imaginary)
        return jnp.fft.irfft2(spectrum, (height, width), axes=(0, 1), norm="ortho") @ to_rgb

    return Parametrization(encode, decode)


_DEVIATIONS = np.array([0.229, 0.224, 0.225])
"""Of ImageNet's colors, by which torchvision's networks divide them."""

PARAMETRIZATIONS: dict[str, Callable[[Any, Wrap], Parametrization]] = {
    "pixels": lambda shape, wrap: PIXELS,
    "levels": lambda shape, wrap: scaled(255.0),
    "imagenet": lambda shape, wrap: scaled(1 / _DEVIATIONS),
    "laplacian": laplacian,
    "laplacian_8": partial(laplacian, bands=8, corners=False),
    "fourier": fourier,
}


def parametrization(name: str, shape: tuple[int, ...], wrap: Wrap = OPEN) -> Parametrization:
    """Return coordinates by name, for pictures of a shape that continue over some edges.

    Raises:
        ValueError: No parametrization has that name.
    """
    if name not in PARAMETRIZATIONS:
        raise ValueError(
            f"no parametrization is named {name!r}{nearest(name, PARAMETRIZATIONS)}; "
            f"there are {', '.join(PARAMETRIZATIONS)}"
        )
    return PARAMETRIZATIONS[name](tuple(shape), wrap)
