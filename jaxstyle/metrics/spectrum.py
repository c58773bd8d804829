"""Frequencies: how strongly each feature repeats, at which spacing and in which direction."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import Metric, Scalar
from jaxstyle.metrics.pairwise import safe_sqrt

BLOCK = 16


def _starts(length: int) -> list[int]:
    """Return the offsets of blocks that cover a side and overlap by half or more."""
    if length <= BLOCK:
        return [0]
    count = -(-(length - BLOCK) // (BLOCK // 2)) + 1
    return [round(start) for start in np.linspace(0, length - BLOCK, count)]


def amplitude_spectrum(grid: Float[Array, "h w c"]) -> Float[Array, "f g c"]:
    """Compute the root mean power of each frequency over half-overlapping blocks of 16 × 16.

    That is Welch's method, so pictures of any size have spectra of the same shape. A side shorter
    than 16 is padded with zeros. The product of sine windows avoids the cross that the borders of a
    block leave in its spectrum.
    """
    height, width, _ = grid.shape
    tall, wide = min(BLOCK, height), min(BLOCK, width)
    window = np.outer(*(np.sin(np.pi * (np.arange(n) + 0.5) / n) for n in (tall, wide)))
    window /= np.sqrt(np.mean(window**2) * tall * wide)
    blocks = jnp.stack(
        [grid[i : i + tall, j : j + wide] for i in _starts(height) for j in _starts(width)]
    )
    blocks = blocks * jnp.asarray(window[..., None], grid.dtype)
    waves = jnp.fft.rfft2(blocks, s=(BLOCK, BLOCK), axes=(1, 2))
    return safe_sqrt(jnp.mean(waves.real**2 + waves.imag**2, axis=0))


def power_spectrum(grid: Float[Array, "h w c"], target: Float[Array, "f g c"]) -> Scalar:
    """Compute the mean squared difference of the amplitude spectra.

    References:
        Liu, Gousseau & Xia, "Texture Synthesis Through Convolutional Neural Networks and Spectrum
        Constraints" (ICPR 2016). Deviation: theirs projects a picture onto those with the
        sample's spectrum, which needs equal sizes; here the features' spectra of blocks, averaged
        over the picture (Welch's method), are compared, so that phase and position are free.
    """
    return jnp.mean((amplitude_spectrum(grid) - target) ** 2)


METRICS = (
    Metric(
        name="power_spectrum",
        summarize=amplitude_spectrum,
        distance=power_spectrum,
        expects="grid",
        meaning="how each feature repeats: spacing and direction",
        cost="4 n C log 16",
        paper="Liu, Gousseau & Xia, ICPR 2016",
        symmetric=True,
    ),
)
