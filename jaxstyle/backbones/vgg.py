"""VGG16 and VGG19 (Simonyan & Zisserman, arXiv 1409.1556): one picture in, named features out.

Only the convolutions are here: style transfer never uses the classifier. The network is a linen
module that nobody outside this file sees; `features` is the pure function that everybody calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.backbones.layouts import CHANNELS, CONVOLUTIONS
from jaxstyle.suggest import nearest

Pooling = Literal["max", "average"]
Padding = Literal["zeros", "reflect", "edge"]
Parameters = Mapping[str, Mapping[str, Float[Array, "..."]]]


def layer_names(architecture: str) -> tuple[str, ...]:
    """Every layer that `features` can return, in the order in which the network computes them.

    >>> layer_names("vgg16")[:4]
    ('conv1_1', 'relu1_1', 'conv1_2', 'relu1_2')
    """
    return tuple(
        f"{kind}{block}_{index}"
        for block, count in enumerate(CONVOLUTIONS[architecture], start=1)
        for index in range(1, count + 1)
        for kind in ("conv", "relu")
    )


def check_layers(architecture: str, layers: Sequence[str]) -> None:
    """Raise a `ValueError` that names the nearest right layer if one of `layers` does not exist."""
    names = layer_names(architecture)
    for layer in layers:
        if layer not in names:
            raise ValueError(
                f"{architecture} has no layer {layer!r}{nearest(layer, names)}; "
                f"it has conv and relu, {names[0]} to {names[-1]}"
            )


def smallest_side(layers: Sequence[str]) -> int:
    """The shortest side, in pixels, that still leaves one position at the deepest of `layers`."""
    blocks = [int(match.group(1)) for name in layers if (match := re.match(r"\D+(\d)_", name))]
    return 2 ** (max(blocks, default=1) - 1)


class _VGG(nn.Module):
    """The convolutions of a VGG up to the deepest layer that is asked for."""

    architecture: str
    layers: tuple[str, ...]
    pooling: Pooling
    padding: Padding

    @nn.compact
    def __call__(self, image: Float[Array, "h w 3"]) -> dict[str, Float[Array, "_h _w _c"]]:
        # The affine map is the network's own normalisation; it comes with the weights.
        affine = self.param("preprocess", lambda _: {"kernel": jnp.eye(3), "bias": jnp.zeros(3)})
        x = image @ affine["kernel"] + affine["bias"]
        found: dict[str, Float[Array, "_h _w _c"]] = {}
        wanted = set(self.layers)
        blocks = zip(CONVOLUTIONS[self.architecture], CHANNELS, strict=True)
        for block, (count, channels) in enumerate(blocks, start=1):
            if block > 1:
                x = _pool(x, self.pooling)
            for index in range(1, count + 1):
                if wanted <= found.keys():
                    return found
                name = f"{block}_{index}"
                convolve = nn.Conv(channels, (3, 3), padding="SAME", name=f"conv{name}")
                x = _convolved(convolve, x, self.padding)
                found |= {f"conv{name}": x} if f"conv{name}" in wanted else {}
                x = jax.nn.relu(x)
                found |= {f"relu{name}": x} if f"relu{name}" in wanted else {}
        return found


def _convolved(
    convolve: Callable[[Any], Any], x: Float[Array, "h w c"], padding: Padding
) -> Float[Array, "h w d"]:
    """A 3 × 3 convolution with a border of choice.

    A border of copies is put on by hand, and the convolution still adds its own of zeros: what
    that spoils is cut off again. Without a border of its own XLA's convolution on a CPU takes
    another route, three to five times as slow (benchmarks/convolution.py).
    """
    if padding == "zeros":
        return convolve(x)
    # A reflection needs two positions; at a single one it is the same as repeating the edge.
    mode = "edge" if min(x.shape[:2]) < 2 else padding
    return convolve(jnp.pad(x, ((1, 1), (1, 1), (0, 0)), mode=mode))[1:-1, 1:-1]


def _pool(x: Float[Array, "h w c"], pooling: Pooling) -> Float[Array, "h//2 w//2 c"]:
    """2 × 2 pooling with stride 2; an odd last row or column is dropped, as in the original.

    Written as a reduction over a reshaped array because the gradient of XLA's window reduction
    (select-and-scatter) is many times slower on a CPU. Where several of the four positions are
    equal the gradient is shared among them, where other libraries send it to the first: after a
    ReLU such ties are zeros, through which no gradient passes.
    """
    height, width = x.shape[0] // 2, x.shape[1] // 2
    windows = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, x.shape[2])
    return windows.max((1, 3)) if pooling == "max" else windows.mean((1, 3))


def features(
    params: Parameters,
    image: Float[Array, "h w 3"],
    layers: Sequence[str],
    *,
    architecture: str = "vgg16",
    pooling: Pooling = "max",
    padding: Padding = "zeros",
) -> dict[str, Float[Array, "_h _w _c"]]:
    """Features of a picture at the named layers; nothing above the deepest of them is computed.

    Args:
        params: Weights as `jaxstyle.backbones.load` gives them. Never trained: take gradients with
            respect to `image` alone.
        image: sRGB picture, values in [0, 1]; normalisation happens inside.
        layers: Names such as `"relu3_1"`, or `"conv4_2"` for the value before the ReLU.
        architecture: `"vgg16"` or `"vgg19"`, the one that `params` belong to.
        pooling: `"max"`, as trained, or `"average"`, which Gatys et al. found to look smoother.
        padding: What surrounds each convolution's input: `"zeros"`, as trained, `"reflect"` or
            `"edge"`. The normalized VGG19 was rescaled with `"reflect"`.

    Returns:
        For each layer its features, of shape (height, width, channels).

    Raises:
        ValueError: An unknown layer, pooling or padding, or a picture so small that nothing is
            left of it at the deepest layer.

    References:
        Simonyan & Zisserman 2014, configurations D (VGG16) and E (VGG19). Names follow Gatys et
        al. 2016: `conv{block}_{index}`, and `relu…` after the nonlinearity.
    """
    layers = tuple(dict.fromkeys(layers))
    if architecture not in CONVOLUTIONS:
        raise ValueError(
            f"expected the architecture vgg16 or vgg19, got {architecture!r}"
            f"{nearest(architecture, CONVOLUTIONS)}"
        )
    check_layers(architecture, layers)
    for name, value, known in (("pooling", pooling, Pooling), ("padding", padding, Padding)):
        if value not in get_args(known):
            raise ValueError(
                f"expected {name} to be one of {', '.join(get_args(known))}, got {value!r}"
            )
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected a picture of shape (height, width, 3), got {image.shape}")
    if min(image.shape[:2]) < smallest_side(layers):
        raise ValueError(
            f"a picture of {image.shape[1]} × {image.shape[0]} pixels is too small for "
            f"{layers[-1]}: each side needs at least {smallest_side(layers)}"
        )
    if not layers:
        return {}
    network: Any = _VGG(architecture, layers, pooling, padding)
    return network.apply({"params": params}, image)
