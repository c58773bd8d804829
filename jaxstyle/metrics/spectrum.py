"""Frequencies: how strongly each feature repeats, at which spacing and in which direction."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxstyle.metrics.metric import Metric, Scalar
from jaxstyle.metrics.pairwise import safe_sqrt

Spectrum = Float[Array, "_f _g c"]
"""The amplitude of each frequency, for blocks of one size."""

BLOCKS = (1, 2, 4, 8, 16)
"""Sides of the blocks, from which the largest that fits into both pictures is taken."""


def _fitting(grid: Float[Array, "h w c"]) -> list[int]:
    return [block for block in BLOCKS if block <= min(grid.shape[:2])]


def _cut(grid: Float[Array, "*_axes"], block: int, axis: int) -> Float[Array, "*_axes"]:
    """Cut an axis into blocks that cover it and overlap by half or more, numbered before it."""
    length = grid.shape[axis]
    count = -(-(length - block) // max(1, block // 2)) + 1
    starts = np.linspace(0, length - block, count).round().astype(np.int32)

    def cut(start: Int[Array, ""]) -> Float[Array, "*_axes"]:
        return jax.lax.dynamic_slice_in_dim(grid, start, block, axis)

    return jax.vmap(cut, out_axes=axis)(jnp.asarray(starts))


def amplitude_spectrum(grid: Float[Array, "h w c"], block: int) -> Spectrum:
    """Compute the root mean power of each frequency over half-overlapping square blocks.

    That is Welch's method, so pictures of any size have spectra of the same shape. The product of
    sine windows avoids the cross that the borders of a block leave in its spectrum.
    """
    sine = np.sin(np.pi * (np.arange(block) + 0.5) / block)
    window = np.outer(sine, sine) / np.sum(sine**2)
    blocks = _cut(_cut(grid, block, 1), block, 0)  # (number, row, number, column, channel)
    blocks *= jnp.asarray(window[:, None, :, None], grid.dtype)
    waves = jnp.fft.rfft2(blocks, axes=(1, 3))
    return safe_sqrt(jnp.mean(waves.real**2 + waves.imag**2, axis=(0, 2)))


def amplitude_spectra(grid: Float[Array, "h w c"]) -> tuple[Spectrum, ...]:
    """Compute the spectrum for blocks of side 1, 2, 4, 8 and 16, as far as they fit."""
    return tuple(amplitude_spectrum(grid, block) for block in _fitting(grid))


def power_spectrum(grid: Float[Array, "h w c"], target: tuple[Spectrum, ...]) -> Scalar:
    """Compute the mean squared difference of the amplitude spectra of blocks of one size.

    Blocks are 16 × 16; where a side of one of the pictures is shorter, both are cut into blocks
    of 8 × 8, 4 × 4, … that fit. Spectra of blocks of different sizes cannot be compared: a
    constant has more of its power in a small block's few frequencies.

    References:
        Liu, Gousseau & Xia, "Texture Synthesis Through Convolutional Neural Networks and Spectrum
        Constraints" (ICPR 2016). Deviation: theirs projects a picture onto those with the
        sample's spectrum, which needs equal sizes; here the features' spectra of blocks, averaged
        over the picture (Welch's method), are compared, so that phase and position are free.
    """
    *_, (block, spectrum) = zip(_fitting(grid), target, strict=False)
    return jnp.mean((amplitude_spectrum(grid, block) - spectrum) ** 2)


METRICS = (
    Metric(
        name="power_spectrum",
        summarize=amplitude_spectra,
        distance=power_spectrum,
        expects="grid",
        meaning="how each feature repeats: spacing and direction",
        cost="4 n C log 16",
        paper="Liu, Gousseau & Xia, ICPR 2016",
        symmetric=True,
    ),
)
