"""Frequencies: how strongly each feature repeats, at which spacing and in which direction."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxstyle.metrics.metric import IMAGE, Image, Inside, Metric, Part, Scalar
from jaxstyle.metrics.pairwise import safe_sqrt
from jaxstyle.specs import OPEN, Wrap

Spectrum = Float[Array, "_f _g c"]
"""The amplitude of each frequency, for blocks of one size."""

BLOCKS = (1, 2, 4, 8, 16)
"""Sides of the blocks, from which the largest that fits into both pictures is taken."""


Starts = Int[Array, "_k 2"]
"""Row and column at which each block of one size starts."""


def _starts(length: int, block: int) -> Int[np.ndarray, " n"]:
    """Return where blocks start that cover an axis and overlap by half or more."""
    count = -(-(length - block) // max(1, block // 2)) + 1
    return np.linspace(0, length - block, count).round().astype(int)


def _covering(grid: Float[Array, "h w c"]) -> tuple[Starts, ...]:
    """Return blocks that cover a grid, for each side that fits."""
    sizes = []
    for block in BLOCKS:
        if block <= min(grid.shape[:2]):
            axes = (jnp.asarray(_starts(length, block)) for length in grid.shape[:2])
            sizes.append(jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2))
    return tuple(sizes)


def blocks_inside(inside: Inside) -> tuple[Int[np.ndarray, "_k 2"], ...]:
    """Return where the blocks start that lie inside a mask as a whole, for sides 1, 2, ….

    Blocks cover each run of what is inside, in bands of rows that cover the mask; in a rectangle
    they are those of the crop. Sides whose blocks cover less than half of what is inside are left
    out, and so are larger ones: few blocks do not stand for a mask of thin parts.
    """
    rows = np.flatnonzero(inside.any(1))
    sizes = []
    for block in BLOCKS:
        starts, covered = [np.empty((0, 2), int)], np.zeros_like(inside)
        height = rows[-1] + 1 - rows[0]
        for row in rows[0] + _starts(height, block) if block <= height else ():
            whole = inside[row : row + block].all(0)
            edges = np.flatnonzero(np.diff(np.pad(whole, 1).astype(int)))
            for first, end in edges.reshape(-1, 2):
                if end - first >= block:
                    covered[row : row + block, first:end] = True
                    columns = first + _starts(end - first, block)
                    starts.append(np.stack([np.full_like(columns, row), columns], axis=1))
        if 2 * covered.sum() < inside.sum():
            break
        sizes.append(np.concatenate(starts))
    return tuple(sizes)


def amplitude_spectrum(grid: Float[Array, "h w c"], block: int, at: Starts) -> Spectrum:
    """Compute the root mean power of each frequency over square blocks that start at `at`.

    Of half-overlapping blocks that is Welch's method, so pictures of any size have spectra of the
    same shape. The product of sine windows avoids the cross that the borders of a block leave in
    its spectrum.
    """

    def cut(start: Int[Array, " 2"]) -> Float[Array, "_r _s c"]:
        return jax.lax.dynamic_slice(grid, (*start, 0), (block, block, grid.shape[2]))

    sine = np.sin(np.pi * (np.arange(block) + 0.5) / block)
    window = np.outer(sine, sine) / np.sum(sine**2)
    blocks = jax.vmap(cut)(jnp.asarray(at)) * jnp.asarray(window[..., None], grid.dtype)
    waves = jnp.fft.rfft2(blocks, axes=(1, 2))
    return safe_sqrt(jnp.mean(waves.real**2 + waves.imag**2, axis=0))


def _window_gains(side: int, block: int) -> Float[np.ndarray, "f k"]:
    """Return how much a wave over a whole side adds to each frequency of its windowed blocks."""
    places = np.arange(block)
    window = np.sin(np.pi * (places + 0.5) / block)
    window = window / np.sqrt(np.sum(window**2))
    apart = np.arange(block)[:, None] / block - np.arange(side) / side
    waves = np.exp(-2j * np.pi * apart[..., None] * places)
    return np.abs(waves @ window) ** 2 / side**2


def wrapped_spectrum(grid: Float[Array, "h w c"], block: int, wrap: Wrap) -> Spectrum:
    """Compute the root mean power of each frequency over blocks of a grid that wraps.

    Along an axis that wraps these are the blocks at every place, those over the edge too: their
    mean is the spectrum of the whole side, through the window's (Wiener & Khinchin). Along another
    they are half-overlapping ones, as in `amplitude_spectrum`.
    """
    sine = np.sin(np.pi * (np.arange(block) + 0.5) / block)
    window = sine / np.sqrt(np.sum(sine**2))
    waves, gains = grid[None].astype(jnp.promote_types(grid.dtype, jnp.complex64)), []
    for axis, wraps in enumerate(wrap, 1):
        side = waves.shape[axis]
        if wraps:
            waves = jnp.fft.fft(waves, axis=axis)
            gains.append(_window_gains(side, block))
        else:
            places = _starts(side, block)[:, None] + np.arange(block)
            blocks = jnp.moveaxis(jnp.take(waves, places, axis=axis), axis, 0)
            blocks = blocks.reshape(-1, *blocks.shape[2:])
            along = [1, 1, 1, 1]
            along[axis] = block
            waves = jnp.fft.fft(blocks * jnp.asarray(window.reshape(along), grid.dtype), axis=axis)
            gains.append(np.eye(block))
    power = jnp.mean(waves.real**2 + waves.imag**2, axis=0)
    rows, columns = (jnp.asarray(gain, grid.dtype) for gain in gains)
    # The other half of the frequencies is the same backwards.
    columns = columns[: block // 2 + 1]
    mean = jnp.einsum("fk,klc,gl->fgc", rows, power, columns, precision="highest")
    return safe_sqrt(mean)


def amplitude_spectra(
    grid: Float[Array, "h w c"], at: Sequence[Starts] | None = None
) -> tuple[Spectrum, ...]:
    """Compute the spectrum for blocks of side 1, 2, 4, 8 and 16, as far as they fit.

    Args:
        grid: Features of the reference.
        at: Blocks to average over, for each side (`blocks_inside`); all if None.
    """
    sizes = zip(BLOCKS, _covering(grid) if at is None else at, strict=False)
    return tuple(amplitude_spectrum(grid, block, starts) for block, starts in sizes)


def power_spectrum(
    grid: Float[Array, "h w c"],
    target: tuple[Spectrum, ...],
    at: Sequence[Starts] | None = None,
    wrap: Wrap = OPEN,
) -> Scalar:
    """Compute the mean squared difference of the amplitude spectra of blocks of one size.

    Blocks are 16 × 16; where a side of one of the pictures is shorter, both are cut into blocks
    of 8 × 8, 4 × 4, … that fit. Spectra of blocks of different sizes cannot be compared: a
    constant has more of its power in a small block's few frequencies.

    Args:
        grid: Features of the picture.
        target: Spectra of the reference.
        at: Blocks to average over, for each side (`blocks_inside`); all if None.
        wrap: Along which axes there are blocks at every place (`wrapped_spectrum`).

    References:
        Liu, Gousseau & Xia, "Texture Synthesis Through Convolutional Neural Networks and Spectrum
        Constraints" (ICPR 2016). Deviation: theirs projects a picture onto those with the
        sample's spectrum (`spectrum_projection`); here the features' spectra of blocks, averaged
        over the picture (Welch's method), are compared, so that phase and position are free.
    """
    sizes = zip(BLOCKS, _covering(grid) if at is None else at, target, strict=False)
    *_, (block, starts, spectrum) = sizes
    if at is None and wrap != OPEN:
        return jnp.mean((wrapped_spectrum(grid, block, wrap) - spectrum) ** 2)
    return jnp.mean((amplitude_spectrum(grid, block, starts) - spectrum) ** 2)


def _middle(sample: Image, shape: Sequence[int]) -> Image:
    """Crop the middle of a picture, along axes where it is longer than `shape`."""
    height, width = (min(sides) for sides in zip(sample.shape[:2], shape, strict=True))
    top, left = (sample.shape[0] - height) // 2, (sample.shape[1] - width) // 2
    return sample[top : top + height, left : left + width]


def _windows(side: int, length: int, wraps: bool) -> Int[np.ndarray, "n length"]:
    """Return the places of half-overlapping windows that cover an axis, row by row.

    >>> _windows(6, 4, True).tolist()
    [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 0, 1]]
    """
    starts = _starts(side, length)
    if wraps and length < side:
        starts = np.arange(count := -(-2 * side // length)) * side // count
    return (starts[:, None] + np.arange(length)) % side


def _nearest(image: Image, reference: Float[Array, "f g c"]) -> Image:
    """Return the picture of some moduli, and phases between channels, that is nearest to one.

    Args:
        image: The picture.
        reference: Fourier transform of one that has these moduli and phases (`rfft2`).
    """
    waves = jnp.fft.rfft2(image, axes=(0, 1))
    products = jnp.sum(waves * jnp.conj(reference), axis=2, keepdims=True)
    size = jnp.abs(products)
    phases = jnp.where(size > 0, products / jnp.where(size > 0, size, 1.0), 1.0)
    return jnp.fft.irfft2(phases * reference, image.shape[:2], axes=(0, 1))


def spectrum_projection(image: Image, sample: Part, wrap: Wrap = OPEN) -> Scalar:
    """Compute the mean squared difference to the nearest picture with the sample's spectrum.

    That is the sample with its phases changed, at each frequency by one angle for all channels: the
    moduli and the phases between channels stay. The gradient is the difference itself, as the
    nearest picture is a minimum; it is constant in the backward pass.

    A picture that is larger than the sample is compared in half-overlapping windows of the sample's
    size, as a texture is the same everywhere. A pixel in k windows counts 1/k in each, so that it
    is pulled to the mean of what is nearest to them. Of a larger sample the middle is taken.

    Args:
        image: The picture.
        sample: The reference.
        wrap: Along which axes there are windows over the edge.

    References:
        Liu, Gousseau & Xia, "Texture Synthesis Through Convolutional Neural Networks and Spectrum
        Constraints" (ICPR 2016), in the form of the code of Gonthier, Gousseau & Ladjal, "High
        Resolution Neural Texture Synthesis with Long Range Constraints" (2020), `loss_spectrum`.
        Deviations: a mean, without its ½; the mean color is always the sample's, where theirs may
        be its opposite about ImageNet's; sizes may differ, there they are the same. A sample that
        is extended by its mean, as before phases are drawn at random (Galerne, Gousseau & Morel,
        "Random Phase Textures", IEEE TIP 20, 2011), has an autocorrelation that ends at the
        sample's size: nothing repeats beyond it, and a part of a larger picture stays flat.
    """
    sample = _middle(sample, image.shape[:2])
    rows, columns = (
        _windows(side, length, wraps)
        for side, length, wraps in zip(image.shape[:2], sample.shape[:2], wrap, strict=True)
    )
    windows = image[rows[:, None, :, None], columns[None, :, None, :]]
    windows = windows.reshape(-1, *sample.shape)
    reference = jnp.fft.rfft2(sample, axes=(0, 1))
    nearest = jax.vmap(lambda window: _nearest(window, reference))(jax.lax.stop_gradient(windows))
    if len(windows) == 1:
        return jnp.mean((windows - nearest) ** 2)
    counts = [np.bincount(places.ravel()) for places in (rows, columns)]
    shares = 1 / np.outer(*counts)[rows[:, None, :, None], columns[None, :, None, :]]
    shares = jnp.asarray(shares.reshape(-1, *sample.shape[:2], 1), image.dtype)
    return jnp.sum(shares * (windows - nearest) ** 2) / image.size


METRICS = (
    Metric(
        name="power_spectrum",
        gathers=True,
        transforms=True,
        summarize=amplitude_spectra,
        distance=power_spectrum,
        expects="grid",
        select=blocks_inside,
        meaning="how each feature repeats: spacing and direction",
        cost="4 n C log 16",
        paper="Liu, Gousseau & Xia, ICPR 2016",
        symmetric=True,
    ),
    Metric(
        name="spectrum_projection",
        gathers=True,
        summarize=lambda image: image,
        distance=spectrum_projection,
        expects="grid",
        layers=IMAGE,
        meaning="the picture repeats as the style does: the same Fourier moduli",
        cost="3 n log n",
        paper="Liu, Gousseau & Xia, ICPR 2016",
    ),
)
