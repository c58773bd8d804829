"""3 × 3 convolutions with a quarter of the multiplications: Winograd's F(4 × 4, 3 × 3).

Tiles of 6 × 6 positions, two of which each shares with its neighbor, become 36 values, which are
multiplied by as many of the kernel and turned into 4 × 4 results. The kernel's values are the same
at every step: `transformed` computes them once. The gradient with respect to the picture is
computed by the same algorithm, with the same values.

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
    """Return the kernel's values for `convolution`, four times as many as the kernel has."""
    inputs, outputs = kernel.shape[2:]
    flat = np.kron(_KERNEL, _KERNEL) @ kernel.reshape(9, inputs * outputs)
    return flat.reshape(36, inputs, outputs)


def convolution(x: Float[Array, "h w c"], kernel: Float[Array, "36 c d"]) -> Float[Array, "h w d"]:
    """Compute a 3 × 3 convolution of stride 1 with a border of one zero; see `transformed`."""
    height, width, inputs = x.shape
    outputs = kernel.shape[-1]
    down, across = -(-height // 4), -(-width // 4)
    x = jnp.pad(x, ((1, 4 * down + 1 - height), (1, 4 * across + 1 - width), (0, 0)))
    tiles = _mixed(np.kron(_INPUT, _INPUT), _tiles(x)).reshape(36, -1, inputs)
    products = jax.lax.dot_general(tiles, kernel, (((2,), (1,)), ((0,), (0,))))
    results = _mixed(np.kron(_OUTPUT, _OUTPUT), products.reshape(36, -1))
    results = results.reshape(4, 4, down, across, outputs).transpose(2, 0, 3, 1, 4)
    return results.reshape(4 * down, 4 * across, outputs)[:height, :width]


def _mixed(matrix: np.ndarray, values: Float[Array, "q m"]) -> Float[Array, "p m"]:
    return jnp.matmul(jnp.asarray(matrix), values, precision="highest")


def _tiles(x: Float[Array, "h w c"]) -> Float[Array, "36 m"]:
    """Return all tiles of 6 × 6 positions, one every four, by the position in the tile.

    Of each row and column of six, four belong to the tile alone and two are the first of the next
    tile. XLA would fuse the reshape into squares of four with the concatenation of what the
    neighbors share, and then look up where every single value comes from; the barrier makes two
    passes of it that copy whole rows.
    """
    down, across = (x.shape[0] - 2) // 4, (x.shape[1] - 2) // 4
    x = jnp.pad(x, ((0, 2), (0, 2), (0, 0)))
    squares = x.reshape(down + 1, 4, across + 1, 4, x.shape[2]).transpose(1, 3, 0, 2, 4)
    squares = _barrier(squares)
    rows = jnp.concatenate([squares[:, :, :down], squares[:2, :, 1:]])
    return jnp.concatenate([rows[:, :, :, :across], rows[:, :2, :, 1:]], 1).reshape(36, -1)


@jax.custom_jvp
def _barrier(x: Array) -> Array:
    """Return `x`, which XLA computes before anything that uses it."""
    return jax.lax.optimization_barrier(x)


@_barrier.defjvp
def _barrier_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    """Return tangents as they are: a barrier gains nothing, and JAX 0.5 cannot differentiate it."""
    return _barrier(*primals), tangents[0]
