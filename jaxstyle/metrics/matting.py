"""Photorealism: within small windows the colors are an affine function of the content's."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import IMAGE, Image, Metric, Scalar
from jaxstyle.metrics.wrapping import surrounded
from jaxstyle.specs import OPEN, Wrap

SIDE = 3
RIDGE = 1e-7
"""What keeps the matrix of an affine function small where a window has few colors."""

Windows = Float[Array, "k _h _w c"]
"""One row for each pixel of a window, for all windows."""


def _windows(image: Image, wrap: Wrap) -> Windows:
    """Return the colors of all 3 × 3 windows, over the edges that wrap too, minus their means."""
    image = surrounded(image, 0, SIDE - 1, wrap)
    height, width = (max(0, side - SIDE + 1) for side in image.shape[:2])
    views = [image[i : i + height, j : j + width] for i in range(SIDE) for j in range(SIDE)]
    # From the middle pixel first: neighbors differ little beside their mean.
    windows = jnp.stack(views) - views[len(views) // 2]
    return windows - jnp.mean(windows, axis=0)


def affine_basis(image: Image, wrap: Wrap = OPEN) -> Windows:
    """Return for each window three orthonormal columns that span its colors, with the ridge below.

    Modified Gram–Schmidt of the nine rows of colors over √ridge times the identity: the square
    root of the condition of the normal equations, which float32 does not solve.
    """
    windows = _windows(image, wrap)
    columns: list[Float[Array, "k h w"]] = []
    for channel in range(image.shape[2]):
        ridge = jnp.zeros((image.shape[2], *windows.shape[1:3]), image.dtype)
        ridge = ridge.at[channel].set(jnp.sqrt(RIDGE))
        column = jnp.concatenate([windows[..., channel], ridge])
        for before in columns:
            column = column - before * jnp.sum(before * column, axis=0)
        columns.append(column / jnp.sqrt(jnp.sum(column**2, axis=0)))
    return jnp.stack(columns, axis=-1)


def matting(image: Image, basis: Windows, wrap: Wrap = OPEN) -> Scalar:
    """Compute the mean squared difference to an affine function of the content in each window.

    The mean is over the windows, their nine pixels and the channels. Each window has its best
    function; 10⁻⁷ times the squares of its matrix are added to the sum. So it is near zero for the
    content itself, and for any change of its colors that is affine in each window. A picture with
    no room for a window has no difference.

    Args:
        image: The picture.
        basis: Of the content's windows (`affine_basis`).
        wrap: Along which axes there are windows over the edge.

    References:
        Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting" (IEEE TPAMI
        30, 2008), the matting Laplacian L of the content with windows of 3 × 3 and ε = 10⁻⁷; Luan,
        Paris, Shechtman & Bala, "Deep Photo Style Transfer" (CVPR 2017), equation 2, the sum of
        vᵀLv over the channels v. Deviation: a mean in place of the sum.
    """
    windows = _windows(image, wrap)
    ridge = jnp.zeros((basis.shape[0] - windows.shape[0], *windows.shape[1:]), image.dtype)
    residual = jnp.concatenate([windows, ridge])
    for number in range(basis.shape[-1]):
        column = basis[..., number, None]
        # The best function is where the gradient by its parameters is zero.
        share = jax.lax.stop_gradient(jnp.sum(column * residual, axis=0))
        residual = residual - column * share
    return jnp.sum(residual**2) / max(1, windows.size)


METRICS = (
    Metric(
        name="matting",
        kind="content",
        summarize=affine_basis,
        distance=matting,
        expects="grid",
        layers=IMAGE,
        meaning="colors change by an affine function of the content's, window by window",
        cost="550 n",
        paper="Levin, Lischinski & Weiss, IEEE TPAMI 2008",
    ),
)
