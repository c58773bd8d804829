"""Building blocks of the networks: convolutions with a chosen border, poolings, recomputation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.backbones.record import Backbone, Convolution
from jaxstyle.backbones.winograd import convolution as winograd_convolution
from jaxstyle.specs import OPEN, PaddingName, PoolingName, Wrap

Grid = Float[Array, "_h _w _c"]
Features = dict[str, Grid]
Result = TypeVar("Result")


class Network(nn.Module):
    """The module of a backbone: its `forward` is called with this module and its parts below.

    The attributes are those of `jaxstyle.backbones.extractor.features`.
    """

    backbone: Backbone
    layers: tuple[str, ...]
    pooling: PoolingName
    padding: PaddingName
    recompute: bool = False
    dtype: str = "float32"
    wrap: Wrap = OPEN

    @nn.compact
    def __call__(self, image: Float[Array, "h w 3"]) -> Features:
        """Return the features of a picture at each of the layers."""
        return self.backbone.forward(self, normalized(self, image, self.dtype))

    @property
    def needed(self) -> tuple[Convolution, ...]:
        """The convolutions up to the deepest of the layers."""
        return self.backbone.needed(self.layers)

    def convolve(self, x: Grid, spec: Convolution) -> Grid:
        """Convolve, with the network's padding as the border."""
        padding = self.padding
        if padding == "edge_first":
            padding = "edge" if spec.name == self.backbone.convolutions[0].name else "zeros"
        return convolve(spec, x, padding, self.wrap)

    def pool(self, x: Grid, spec: Convolution | None = None) -> Grid:
        """Compute the pooling before a convolution, or one of 2 × 2 positions."""
        size, border = (spec.pooled, spec.pool_border) if spec else (2, 0)
        return pool(x, self.pooling, self.padding, size, border, self.wrap)

    def relu(self, x: Grid) -> Grid:
        """Set what is negative to 0."""
        return jax.nn.relu(x)

    def take(self, spec: Convolution, *values: Grid) -> Features:
        """Return those of the values at `spec.layers` that the network is asked for."""
        named = zip(spec.layers, values, strict=True)
        return {layer: value for layer, value in named if layer in self.layers}

    def part(self, run: Callable[[Network, Grid], Result], x: Grid) -> Result:
        """Run a part of the network; with `recompute` the backward pass computes it again from `x`.

        `run` is called with the network inside of the part.
        """
        rerun: Callable[[Network, Grid], Result] = nn.remat(run) if self.recompute else run
        return rerun(self, x)


def normalized(
    module: nn.Module, image: Float[Array, "h w 3"], dtype: str
) -> Float[Array, "h w 3"]:
    """Return the picture as the network was trained on it, by an affine map among the weights.

    It is rounded to `dtype` only after the map.
    """
    affine = module.param("preprocess", lambda _: {"kernel": jnp.eye(3), "bias": jnp.zeros(3)})
    mapped = jnp.matmul(image, affine["kernel"], precision="highest") + affine["bias"]
    return mapped.astype(dtype)


SMALL = 6
"""Longest side of a grid that XLA convolves slowly on a CPU."""


class Conv(nn.Module):
    """A convolution with a border of zeros, by the algorithm that is fastest on a CPU.

    On other devices it is XLA's. On a CPU, deep layers use Winograd's if the transformed kernel is
    among the weights (`Backbone.fast_convolutions`). Grids no larger than a kernel or two are one
    matrix product: XLA takes up to 30 times as long. Measured in benchmarks/convolution.py.
    """

    outputs: int
    size: int
    step: int
    border: int

    @nn.compact
    def __call__(self, x: Grid) -> Grid:
        """Convolve a grid."""
        shape = (self.size, self.size, x.shape[-1], self.outputs)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros_init(), (self.outputs,))
        kernel, bias = kernel.astype(x.dtype), bias.astype(x.dtype)
        on_cpu = jax.default_backend() == "cpu"
        if on_cpu and self.step == 1 and max(x.shape[:2]) <= SMALL:
            return _matrix_product(x, kernel, self.border) + bias
        is_prepared = x.dtype == jnp.float32 and self.has_variable("params", "winograd")
        if on_cpu and self.border == 1 and is_prepared:
            transformed: Any = self.get_variable("params", "winograd")
            return winograd_convolution(x, transformed) + bias
        result: Grid = jax.lax.conv_general_dilated(
            x[None],
            kernel,
            (self.step, self.step),
            ((self.border, self.border),) * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )[0]
        return result + bias


def _matrix_product(x: Grid, kernel: Float[Array, "k l c d"], border: int) -> Grid:
    rows, columns, inputs, outputs = kernel.shape
    x = jnp.pad(x, ((border, border), (border, border), (0, 0)))
    height, width = x.shape[0] - rows + 1, x.shape[1] - columns + 1
    shifted = [x[i : i + height, j : j + width] for i in range(rows) for j in range(columns)]
    return jnp.concatenate(shifted, -1) @ kernel.reshape(rows * columns * inputs, outputs)


def convolve(spec: Convolution, x: Grid, padding: PaddingName, wrap: Wrap = OPEN) -> Grid:
    """Convolve with a chosen border; call it inside a compact linen module.

    Along axes that wrap there are as many results as strides, whatever the border.

    A border other than zeros is added explicitly. The convolution still adds its own border of
    zeros, and the positions that it spoils are cut off: without a border XLA's convolution on a CPU
    takes three to five times as long (benchmarks/convolution.py). For the same reason a 1 × 1
    convolution is a matrix product.
    """
    step = spec.stride
    if spec.size == 1:
        return nn.Dense(spec.outputs, dtype=x.dtype, name=spec.name)(x[::step, ::step])
    if padding == "zeros" and wrap == OPEN:
        result: Grid = Conv(spec.outputs, spec.size, step, spec.pad, name=spec.name)(x)
        return result
    x = bordered(x, spec.pad, padding, wrap, spec.size, step)
    counts = [(side - spec.size) // step + 1 for side in x.shape[:2]]
    result = Conv(spec.outputs, spec.size, step, step, name=spec.name)(x)
    return result[1 : counts[0] + 1, 1 : counts[1] + 1]


def bordered(x: Grid, pad: int, padding: PaddingName, wrap: Wrap, size: int, step: int) -> Grid:
    """Return `x` with `pad` more positions on each side.

    Along an axis that wraps it gets at the end what windows of `size` every `step` positions need
    to be as many as steps, which is `pad` for the usual 3 × 3 ones.
    """
    if padding == "wrap":
        wrap = (True, True)
    modes: dict[str, Any] = {"reflect": "reflect", "edge": "edge"}
    # A reflection needs more positions than it adds; with fewer the edge is repeated.
    is_short = padding == "reflect" and min(x.shape[:2]) <= pad
    mode = "edge" if is_short else modes.get(padding, "constant")
    widths = [(pad, max(0, size - step - pad) if wraps else pad) for wraps in wrap]
    for axis, ends in enumerate(widths):
        along = [ends if axis == k else (0, 0) for k in range(3)]
        x = jnp.pad(x, along, mode="wrap" if wrap[axis] else mode)
    return x


def pool(
    x: Grid,
    pooling: PoolingName,
    padding: PaddingName,
    size: int = 2,
    pad: int = 0,
    wrap: Wrap = OPEN,
) -> Grid:
    """Halve a grid with a window of 2 × 2 or of 3 × 3 positions.

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
        total = _pool_bordered(jnp.square(x), pad, padding, wrap)
        for axis in (0, 1):
            first, middle, last = _every_other(total, axis, size)
            total = (first + 2 * middle + last) / 4
        return jnp.sqrt(total + 1e-12)
    if size == 2:
        height, width = x.shape[0] // 2, x.shape[1] // 2
        windows = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, x.shape[2])
        return windows.max((1, 3)) if pooling == "max" else windows.mean((1, 3))
    x = _pool_bordered(x, pad, padding, wrap)
    for axis in (0, 1):
        first, middle, last = _every_other(x, axis, size)
        if pooling == "max":
            x = jnp.maximum(jnp.maximum(first, middle), last)
        else:
            x = (first + middle + last) / 3
    return x


def _pool_bordered(x: Grid, pad: int, padding: PaddingName, wrap: Wrap) -> Grid:
    is_open = wrap == OPEN and padding != "wrap"
    return x if is_open and pad == 0 else bordered(x, pad, padding, wrap, 3, 2)


def _every_other(x: Grid, axis: int, size: int) -> list[Grid]:
    """Return for each place in a window the positions at it, of all windows along an axis."""
    span = (x.shape[axis] - size) // 2 * 2 + 1
    return [jax.lax.slice_in_dim(x, k, k + span, 2, axis) for k in range(size)]
