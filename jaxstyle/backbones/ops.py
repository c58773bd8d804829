"""What the networks are built from: convolutions with a border of choice, and poolings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.backbones import winograd
from jaxstyle.backbones.architectures import Convolution
from jaxstyle.settings import PaddingName, PoolingName

Pooling = PoolingName
Padding = PaddingName

Grid = Float[Array, "_h _w _c"]


def normalized(
    module: nn.Module, image: Float[Array, "h w 3"], dtype: str
) -> Float[Array, "h w 3"]:
    """The picture as the network was trained on it: an affine map that comes with the weights.

    Only after the map is it rounded to `dtype`.
    """
    affine = module.param("preprocess", lambda _: {"kernel": jnp.eye(3), "bias": jnp.zeros(3)})
    found = jnp.matmul(image, affine["kernel"], precision="highest") + affine["bias"]
    return found.astype(dtype)


def remembered(run: Callable[..., Any], recompute: bool) -> Callable[..., Any]:
    """A part of a network, `run(module, x)`; with `recompute` the way back computes it again."""
    return nn.remat(run) if recompute else run


SMALL = 6
"""Longest side of a grid that XLA convolves slowly on a CPU."""


class Conv(nn.Module):
    """A convolution with a border of zeros, computed in the way that is quickest on a CPU.

    Elsewhere it is XLA's. On a CPU deep layers take Winograd's way, if their kernel's numbers lie
    beside it (`networks.deep`). Grids no larger than a kernel or two are one product of matrices:
    XLA takes up to 30 times as long. Measured in benchmarks/convolution.py.
    """

    outputs: int
    size: int
    step: int
    border: int

    @nn.compact
    def __call__(self, x: Grid) -> Grid:
        """The grid's convolution."""
        shape = (self.size, self.size, x.shape[-1], self.outputs)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.outputs,))
        kernel, bias = kernel.astype(x.dtype), bias.astype(x.dtype)
        on_cpu = jax.default_backend() == "cpu"
        if on_cpu and self.step == 1 and max(x.shape[:2]) <= SMALL:
            return _by_products(x, kernel, self.border) + bias
        prepared = x.dtype == jnp.float32 and self.has_variable("params", "winograd")
        if on_cpu and self.border == 1 and prepared:
            numbers: Any = self.get_variable("params", "winograd")
            return winograd.convolution(x, numbers) + bias
        found: Grid = jax.lax.conv_general_dilated(
            x[None],
            kernel,
            (self.step, self.step),
            ((self.border, self.border),) * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )[0]
        return found + bias


def _by_products(x: Grid, kernel: Float[Array, "k l c d"], border: int) -> Grid:
    rows, columns, inputs, outputs = kernel.shape
    x = jnp.pad(x, ((border, border), (border, border), (0, 0)))
    height, width = x.shape[0] - rows + 1, x.shape[1] - columns + 1
    shifted = [x[i : i + height, j : j + width] for i in range(rows) for j in range(columns)]
    return jnp.concatenate(shifted, -1) @ kernel.reshape(rows * columns * inputs, outputs)


def convolve(spec: Convolution, x: Grid, padding: Padding) -> Grid:
    """A convolution with a border of choice; call it inside a compact linen module.

    A border of copies is put on by hand, and the convolution still adds its own of zeros: what
    that spoils is cut off again. Without a border of its own XLA's convolution on a CPU takes
    another route, three to five times as slow (benchmarks/convolution.py). For the same reason a
    1 × 1 convolution is a product of matrices.
    """
    step = spec.stride
    if spec.size == 1:
        return nn.Dense(spec.outputs, dtype=x.dtype, name=spec.name)(x[::step, ::step])
    counts = [(side + 2 * spec.pad - spec.size) // step + 1 for side in x.shape[:2]]
    own = spec.pad
    if padding != "zeros":
        x, own = bordered(x, spec.pad, padding), step
    found: Grid = Conv(spec.outputs, spec.size, step, own, name=spec.name)(x)
    return found if padding == "zeros" else found[1 : counts[0] + 1, 1 : counts[1] + 1]


def bordered(x: Grid, pad: int, padding: Padding) -> Grid:
    """`x` with `pad` more positions on each side."""
    modes: dict[str, Any] = {"zeros": "constant", "reflect": "reflect", "edge": "edge"}
    # A reflection needs more positions than it adds; of fewer the edge is repeated.
    mode = "edge" if padding == "reflect" and min(x.shape[:2]) <= pad else modes[padding]
    return jnp.pad(x, ((pad, pad), (pad, pad), (0, 0)), mode=mode)


def pool(x: Grid, pooling: Pooling, padding: Padding, size: int = 2, pad: int = 0) -> Grid:
    """Halve a grid: a window of 2 × 2 or of 3 × 3 every two positions.

    An odd last row or column is dropped where no window fits, as in the originals. `"hanning"`
    is the root of the mean square over 3 × 3 positions, weighted 1, 2, 1 both ways: Hénaff &
    Simoncelli, "Geodesics of learned representations" (ICLR 2016), as DISTS uses it.

    Written without XLA's window reductions, because the gradient of that of the maximum
    (select-and-scatter) is many times slower on a CPU. Where several positions of a window are
    equal the gradient is shared among them, where other libraries send it to the first: after a
    ReLU such ties are zeros, through which no gradient passes.
    """
    if pooling == "hanning":
        size, pad = 3, 1 if size == 2 else pad
        total = jnp.square(x) if pad == 0 else bordered(jnp.square(x), pad, padding)
        for axis in (0, 1):
            first, middle, last = _every_other(total, axis, size)
            total = (first + 2 * middle + last) / 4
        return jnp.sqrt(total + 1e-12)
    if size == 2:
        height, width = x.shape[0] // 2, x.shape[1] // 2
        windows = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, x.shape[2])
        return windows.max((1, 3)) if pooling == "max" else windows.mean((1, 3))
    x = x if pad == 0 else bordered(x, pad, padding)
    for axis in (0, 1):
        first, middle, last = _every_other(x, axis, size)
        if pooling == "max":
            x = jnp.maximum(jnp.maximum(first, middle), last)
        else:
            x = (first + middle + last) / 3
    return x


def _every_other(x: Grid, axis: int, size: int) -> list[Grid]:
    """For each place in a window the positions there, of all windows along an axis."""
    span = (x.shape[axis] - size) // 2 * 2 + 1
    return [jax.lax.slice_in_dim(x, k, k + span, 2, axis) for k in range(size)]
