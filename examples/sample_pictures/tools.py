"""Tools that all sample pictures share: noise, colors, a grid of pixels."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[Any]


@cache
def gradients(seed: int) -> Array:
    """Return a table of random directions."""
    angles = np.random.default_rng(seed).uniform(0, 2 * np.pi, 256 * 256).astype(np.float32)
    return np.stack([np.cos(angles), np.sin(angles)])


def noise_and_slope(x: Array, y: Array, seed: int = 0) -> tuple[Array, Array, Array]:
    """Compute gradient noise, about -0.7 to 0.7, and its two derivatives."""
    table = gradients(seed)
    i, j = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    u, v = (x - i).astype(np.float32), (y - j).astype(np.float32)
    corners = []
    for dj in (0, 1):
        for di in (0, 1):
            gx, gy = table[:, ((j + dj) & 255) * 256 + ((i + di) & 255)]
            corners.append(np.stack([gx * (u - di) + gy * (v - dj), gx, gy]))
    a, b, c, d = corners
    fade_u, fade_v = (t**3 * (t * (t * 6 - 15) + 10) for t in (u, v))
    low, high = a + fade_u * (b - a), c + fade_u * (d - c)
    value, dx, dy = low + fade_v * (high - low)
    rise_u, rise_v = (30 * t**2 * (t - 1) ** 2 for t in (u, v))
    dx = dx + rise_u * (b[0] - a[0] + fade_v * (a[0] - b[0] - c[0] + d[0]))
    return value, dx, dy + rise_v * (high[0] - low[0])


def fractal(x: Array, y: Array, octaves: int, seed: int = 0) -> Array:
    """Sum octaves of noise, each finer and rotated (which hides the lattice), about -1 to 1."""
    total = np.zeros(np.broadcast(x, y).shape, np.float32)
    for octave in range(octaves):
        total += noise_and_slope(x, y, seed + octave)[0] * 1.6 * 0.5**octave
        x, y = 1.62 * x + 1.21 * y + 7.7, 1.62 * y - 1.21 * x + 3.1
    return total


def smoothstep(low: float, high: float, x: Any) -> Any:
    """Interpolate smoothly from 0 at `low` to 1 at `high`, which may be the smaller."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a: Any, b: Any, t: Any) -> Any:
    """Interpolate from colors `a` to `b` by weights `t`, which have no channel axis."""
    return a + (b - a) * np.asarray(t)[..., None]


def rgb(codes: str) -> Array:
    """Parse hexadecimal codes into colors from 0 to 1: one color, or a table of several."""
    table = np.array([list(bytes.fromhex(code)) for code in codes.split()], np.float32) / 255
    return table[0] if len(table) == 1 else table


def ramp(t: Array, colors: Array, stops: list[float] | None = None) -> Array:
    """Look up colors in a gradient; the stops are even unless given."""
    stops = stops or list(np.linspace(0, 1, len(colors)))
    return np.stack([np.interp(t, stops, channel) for channel in colors.T], -1).astype(np.float32)


def blur(image: Array, sigma: float) -> Array:
    """Blur one channel with a Gaussian that wraps around the edges."""
    fy, fx = np.fft.fftfreq(image.shape[0])[:, None], np.fft.rfftfreq(image.shape[1])
    kernel = np.exp(-2 * (np.pi * sigma) ** 2 * (fx**2 + fy**2))
    return np.fft.irfft2(np.fft.rfft2(image) * kernel, image.shape).astype(np.float32)


def grid(width: int, rows: int) -> tuple[Array, Array]:
    """Return the centers of the pixels, x from 0 to 1."""
    x, y = np.arange(width) + np.float32(0.5), np.arange(rows) + np.float32(0.5)
    return np.meshgrid(x / width, y / width)


def finish(picture: Array, width: int) -> Image.Image:
    """Reduce the picture to its final size: it is painted larger, which smooths every edge."""
    image = Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
    height = round(width * image.height / image.width)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def box(x: float, y: float, reach: float, width: int) -> tuple[slice, slice]:
    """Return the part of a square canvas within `reach` of a point."""
    low = [int(max(0, (center - reach) * width)) for center in (y, x)]
    high = [int(max(0, (center + reach) * width + 2)) for center in (y, x)]
    return slice(low[0], high[0]), slice(low[1], high[1])
