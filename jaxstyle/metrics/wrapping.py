"""Grids whose rows or columns continue at the opposite edge, as those of a picture that tiles."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.specs import Wrap

Grid = Float[Array, "_h _w _c"]


def surrounded(
    grid: Grid, before: int, after: int, wrap: Wrap, mode: str | None = None, **more: Any
) -> Grid:
    """Return a grid with more positions around it.

    >>> surrounded(jnp.arange(3.0)[None, :, None], 0, 1, (False, True))[0, :, 0].tolist()
    [0.0, 1.0, 2.0, 0.0]

    Args:
        grid: Height and width come first.
        before: Rows above, and columns to the left.
        after: Rows below, and columns to the right.
        wrap: Axes along which they are those of the opposite edge.
        mode: Of `jnp.pad`, along other axes; None for nothing there.
        more: Of `jnp.pad` with this mode.
    """
    for axis, wraps in enumerate(wrap):
        widths = [(0, 0)] * grid.ndim
        widths[axis] = before, after
        if wraps:
            grid = jnp.pad(grid, widths, mode="wrap")
        elif mode is not None:
            grid = jnp.pad(grid, widths, mode=mode, **more)
    return grid
