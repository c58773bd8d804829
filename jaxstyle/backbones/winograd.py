"""3 × 3 convolutions with a quarter of the multiplications: Winograd's F(4 × 4, 3 × 3).

Tiles of 6 × 6 positions, two of which they share with their neighbor, become 36 numbers each, which
are multiplied by as many of the kernel and turned into 4 × 4 results. The kernel's numbers are the
same at every step: `transformed` computes them once. The gradient by the picture is the same way
back, with the same numbers.

References:
    Lavin & Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016), section 4.3.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_INPUT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    np.float32,
)
_KERNEL = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
    np.float32,
)
_OUTPUT = np.array(
    [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    np.float32,
)


def transformed(kernel: Float[np.ndarray, "3 3 c d"]) -> Float[np.ndarray, "36 c d"]:
    """The kernel's numbers, four times as many as it has."""
    inputs, outputs = kernel.shape[2:]
    flat = np.kron(_KERNEL, _KERNEL) @ kernel.reshape(9, inputs * outputs)
    return flat.reshape(36, inputs, outputs)


def convolution(
    x: Float[Array, "n h w c"], numbers: Float[Array, "36 c d"]
) -> Float[Array, "n h w d"]:
    """A 3 × 3 convolution of stride 1 with a border of one zero.

    Args:
        x: Grids.
        numbers: Of the kernel, from `transformed`.
    """
    count, height, width, inputs = x.shape
    outputs = numbers.shape[-1]
    down, across = -(-height // 4), -(-width // 4)
    x = jnp.pad(x, ((0, 0), (1, 4 * down + 1 - height), (1, 4 * across + 1 - width), (0, 0)))
    seen = _mixed(np.kron(_INPUT, _INPUT), _tiles(x)).reshape(36, -1, inputs)
    products = jax.lax.dot_general(seen, numbers, (((2,), (1,)), ((0,), (0,))))
    results = _mixed(np.kron(_OUTPUT, _OUTPUT), products.reshape(36, -1))
    results = results.reshape(4, 4, count, down, across, outputs).transpose(2, 3, 0, 4, 1, 5)
    return results.reshape(count, 4 * down, 4 * across, outputs)[:, :height, :width]


def _mixed(matrix: np.ndarray, values: Float[Array, "q m"]) -> Float[Array, "p m"]:
    return jnp.matmul(jnp.asarray(matrix), values, precision="highest")


@jax.custom_vjp
def _tiles(x: Float[Array, "n h w c"]) -> Float[Array, "36 m"]:
    """All tiles of 6 × 6, every four positions: first the place in the tile, then the tile."""
    rows, columns = x.shape[1] - 5, x.shape[2] - 5
    parts = [x[:, i : i + rows : 4, j : j + columns : 4] for i in range(6) for j in range(6)]
    return jnp.stack(parts).reshape(36, -1)


def _tiles_forward(
    x: Float[Array, "n h w c"],
) -> tuple[Float[Array, "36 m"], tuple[int, ...]]:
    return _tiles(x), x.shape


def _tiles_backward(
    shape: tuple[int, ...], slope: Float[Array, "36 m"]
) -> tuple[Float[Array, "n h w c"]]:
    """Where tiles share positions their slopes are added.

    Without this JAX pads each of the 36 parts to the whole grid, and adds those.
    """
    count, height, width, channels = shape
    down, across = (height - 2) // 4, (width - 2) // 4
    tiles = slope.reshape(6, 6, count, down, across, channels).transpose(2, 3, 0, 4, 1, 5)
    return (_overlaid(_overlaid(tiles, 1), 2),)


def _overlaid(tiles: Array, axis: int) -> Array:
    """Tiles along `axis`, six places of each along the next one, as one axis of positions."""
    count, before, after = tiles.shape[axis], tiles.shape[:axis], tiles.shape[axis + 2 :]
    own = jax.lax.slice_in_dim(tiles, 0, 4, axis=axis + 1)
    shared = jax.lax.slice_in_dim(tiles, 4, 6, axis=axis + 1)

    def pad(part: Array, low: int, high: int, axis: int) -> Array:
        return jnp.pad(part, [(low, high) if k == axis else (0, 0) for k in range(part.ndim)])

    own = pad(own.reshape(*before, 4 * count, *after), 0, 2, axis)
    shared = pad(shared, 0, 2, axis + 1).reshape(*before, 4 * count, *after)
    shared = jax.lax.slice_in_dim(shared, 0, 4 * count - 2, axis=axis)
    return own + pad(shared, 4, 0, axis)


_tiles.defvjp(_tiles_forward, _tiles_backward)
