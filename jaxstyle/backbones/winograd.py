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


def convolution(x: Float[Array, "h w c"], numbers: Float[Array, "36 c d"]) -> Float[Array, "h w d"]:
    """A 3 × 3 convolution of stride 1 with a border of one zero.

    Args:
        x: A grid.
        numbers: Of the kernel, from `transformed`.
    """
    height, width, inputs = x.shape
    outputs = numbers.shape[-1]
    down, across = -(-height // 4), -(-width // 4)
    x = jnp.pad(x, ((1, 4 * down + 1 - height), (1, 4 * across + 1 - width), (0, 0)))
    seen = _mixed(np.kron(_INPUT, _INPUT), _tiles(x)).reshape(36, -1, inputs)
    products = jax.lax.dot_general(seen, numbers, (((2,), (1,)), ((0,), (0,))))
    results = _mixed(np.kron(_OUTPUT, _OUTPUT), products.reshape(36, -1))
    results = results.reshape(4, 4, down, across, outputs).transpose(2, 0, 3, 1, 4)
    return results.reshape(4 * down, 4 * across, outputs)[:height, :width]


def _mixed(matrix: np.ndarray, values: Float[Array, "q m"]) -> Float[Array, "p m"]:
    return jnp.matmul(jnp.asarray(matrix), values, precision="highest")


def _tiles(x: Float[Array, "h w c"]) -> Float[Array, "36 m"]:
    """All tiles of 6 × 6, every four positions: first the place in the tile, then the tile.

    Four places of six are a tile's own, the other two its follower's first ones. To take the own
    apart and to put the others beside them is one pass to XLA, which then asks for every single
    number where it is from; the barrier makes it two passes that move rows of them.
    """
    down, across = (x.shape[0] - 2) // 4, (x.shape[1] - 2) // 4
    x = jnp.pad(x, ((0, 2), (0, 2), (0, 0)))
    own = x.reshape(down + 1, 4, across + 1, 4, x.shape[2]).transpose(1, 3, 0, 2, 4)
    own = _first(own)
    rows = jnp.concatenate([own[:, :, :down], own[:2, :, 1:]])
    return jnp.concatenate([rows[:, :, :, :across], rows[:, :2, :, 1:]], 1).reshape(36, -1)


@jax.custom_jvp
def _first(x: Array) -> Array:
    """`x`, and XLA has it before it computes what is made of it."""
    return jax.lax.optimization_barrier(x)


@_first.defjvp
def _change_of_first(points: tuple[Array], changes: tuple[Array]) -> tuple[Array, Array]:
    """On the way back a barrier gains nothing, and JAX 0.5 could not differentiate it."""
    return _first(*points), changes[0]
