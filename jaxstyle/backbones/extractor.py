"""One picture in, named features out: the same pure function for every network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle._util.names import nearest
from jaxstyle.backbones.architectures import (
    NAMES,
    RESNET_BLOCKS,
    VGG_BLOCKS,
    ReceptiveField,
    check_layers,
    needed,
    receptive_field,
    smallest_side,
)
from jaxstyle.backbones.chain import Chain
from jaxstyle.backbones.ops import Padding, Pooling
from jaxstyle.backbones.resnet import ResNet
from jaxstyle.settings import PrecisionName

Dtype = Literal["float32", "bfloat16"]
Parameters = Mapping[str, Mapping[str, Float[Array, "..."]]]

_MODULES: Mapping[str, Any] = {
    **dict.fromkeys((*VGG_BLOCKS, "alexnet"), Chain),
    **dict.fromkeys(RESNET_BLOCKS, ResNet),
}


def features(
    params: Parameters,
    image: Float[Array, "h w 3"],
    layers: Sequence[str],
    *,
    architecture: str = "vgg16",
    pooling: Pooling = "max",
    padding: Padding = "zeros",
    recompute: bool = False,
    dtype: Dtype = "float32",
) -> dict[str, Float[Array, "_h _w _c"]]:
    """Features of a picture at the named layers; nothing above the deepest of them is computed.

    Args:
        params: Weights as `jaxstyle.backbones.weights.load` gives them. Never trained: take
            gradients with respect to `image` alone.
        image: sRGB picture, values in [0, 1]; normalisation happens inside.
        layers: Names such as `"relu3_1"`, or `"conv4_2"` for the value before the ReLU: see
            `jaxstyle.backbones.architectures.layer_names`.
        architecture: The one that `params` belong to, such as `"vgg16"` or `"resnet50"`.
        pooling: `"max"`, as trained, `"average"`, which Gatys et al. found to look smoother, or
            `"hanning"`, the root of a weighted mean square, as in DISTS.
        padding: What surrounds each convolution's input: `"zeros"`, as trained, `"reflect"` or
            `"edge"`. The normalized VGG19 was rescaled with `"reflect"`.
        recompute: Keep only what lies between blocks for the way back, and compute the rest again
            (`jax.checkpoint`): less memory for a third more time.
        dtype: What the network computes with: `"bfloat16"` has the range of float32 and 8 bits of
            its 24, for half the bytes.

    Returns:
        For each layer its features, of shape (height, width, channels), of that `dtype`.

    Raises:
        ValueError: An unknown architecture, layer, pooling, padding or dtype, or a picture so small
            that nothing is left of it at the deepest layer.

    References:
        VGG: Simonyan & Zisserman 2014, configurations D and E; names as in Gatys et al. 2016.
        ResNet: He et al. 2016, table 1. AlexNet: Krizhevsky 2014, as in torchvision.
    """
    layers = tuple(dict.fromkeys(layers))
    if architecture not in NAMES:
        raise ValueError(
            f"expected the architecture to be one of {', '.join(NAMES)}, got {architecture!r}"
            f"{nearest(architecture, NAMES)}"
        )
    check_layers(architecture, layers)
    for name, value, known in (
        ("pooling", pooling, Pooling),
        ("padding", padding, Padding),
        ("dtype", dtype, Dtype),
    ):
        if value not in get_args(known):
            raise ValueError(
                f"expected {name} to be one of {', '.join(get_args(known))}, got {value!r}"
            )
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected a picture of shape (height, width, 3), got {image.shape}")
    if not jnp.issubdtype(image.dtype, jnp.floating):
        raise ValueError(f"expected a picture of floats in [0, 1], got {image.dtype}")
    least = smallest_side(architecture, layers)
    if min(image.shape[:2]) < least:
        raise ValueError(
            f"a picture of {image.shape[1]} × {image.shape[0]} pixels is too small for "
            f"{layers[-1]}: each side needs at least {least}"
        )
    if not layers:
        return {}
    network: Any = _MODULES[architecture](architecture, layers, pooling, padding, recompute, dtype)
    return network.apply({"params": params}, image)


DEEP = 64 * 128
"""Inputs times outputs from which on Winograd's way is the quicker one on a CPU."""


def deep(architecture: str, layers: Iterable[str]) -> tuple[str, ...]:
    """Convolutions that are quicker in Winograd's way on a CPU, among those that layers need.

    `features` takes that way where `winograd.transformed` of the kernel lies beside it, as
    `"winograd"`.

    Args:
        architecture: Whose convolutions.
        layers: What is above the deepest of them is left out.
    """
    return tuple(
        each.name
        for each in needed(architecture, layers)
        if (each.size, each.stride) == (3, 1) and each.inputs * each.outputs >= DEEP
    )


class Place(NamedTuple):
    """Where features are taken: a layer of a network that is run with some pooling and padding."""

    backbone: str
    layer: str
    pooling: Pooling | None = None
    padding: Padding | None = None

    def __str__(self) -> str:
        how = f"/{self.pooling}/{self.padding}" if self.pooling else ""
        return f"{self.backbone}{how}:{self.layer}"


def place(name: str, backbone: str) -> Place:
    """What the name of a layer means: `relu3_1`, `resnet50:relu3_4`, `vgg16/max/zeros:relu3_1`.

    >>> place("relu3_1", "vgg16")
    Place(backbone='vgg16', layer='relu3_1', pooling=None, padding=None)
    >>> str(place("alexnet/max/zeros:relu1", "vgg16"))
    'alexnet/max/zeros:relu1'

    Args:
        name: Of the layer.
        backbone: The network that is meant where none is named.

    Raises:
        ValueError: The name has another form.
    """
    network, colon, layer = name.rpartition(":")
    if not colon:
        return Place(backbone, layer)
    parts = network.split("/")
    if len(parts) == 1:
        return Place(network, layer)
    if len(parts) != 3 or parts[1] not in get_args(Pooling) or parts[2] not in get_args(Padding):
        raise ValueError(
            f"expected a layer such as relu3_1, resnet50:relu3_4 or vgg16/max/zeros:relu3_1, "
            f"got {name!r}"
        )
    return Place(parts[0], layer, *parts[1:])  # type: ignore[arg-type]


@dataclass(frozen=True)
class Extractor:
    """Gives the features at layers of several networks; each is run once.

    A value: two that are equal share compiled programs.

    Attributes:
        layers: Full names: `"resnet50:relu3_4"`, `"alexnet/max/zeros:relu1"`.
        architectures: The architecture of each network named.
        pooling: For networks named without theirs.
        padding: Likewise.
        recompute: As in `features`.
        precision: What a device other than a CPU may round to, see `jaxstyle.settings.Settings`.
    """

    layers: tuple[str, ...]
    architectures: tuple[tuple[str, str], ...]
    pooling: Pooling = "max"
    padding: Padding = "zeros"
    recompute: bool = False
    precision: PrecisionName = "tensorfloat32"

    def __call__(
        self, params: Mapping[str, Parameters], image: Float[Array, "h w 3"]
    ) -> dict[str, Any]:
        """Features by full name.

        Args:
            params: Weights by network.
            image: sRGB picture, values in [0, 1].
        """
        runs: dict[Place, list[str]] = {}
        for name in self.layers:
            where = place(name, "")
            runs.setdefault(where._replace(layer=""), []).append(where.layer)
        found = {}
        half = self.precision == "bfloat16" and jax.default_backend() != "cpu"
        dtype: Dtype = "bfloat16" if half else "float32"
        for run, names in runs.items():
            with self.rounding():
                values = features(
                    params[run.backbone],
                    image,
                    names,
                    architecture=dict(self.architectures)[run.backbone],
                    pooling=run.pooling or self.pooling,
                    padding=run.padding or self.padding,
                    recompute=self.recompute,
                    dtype=dtype,
                )
            found.update({str(run._replace(layer=name)): values[name] for name in names})
        return found

    def rounding(self) -> AbstractContextManager[Any]:
        """Products of matrices that are traced within round as `precision` says."""
        found: AbstractContextManager[Any] = jax.default_matmul_precision(self.precision)
        return found

    def receptive_fields(self) -> dict[str, ReceptiveField]:
        """What a position of each layer sees."""
        found = {}
        for name in self.layers:
            where = place(name, "")
            architecture = dict(self.architectures)[where.backbone]
            found[name] = receptive_field(architecture, where.layer, where.pooling or self.pooling)
        return found


def extractor(
    layers: Iterable[str],
    architectures: Mapping[str, str],
    *,
    pooling: Pooling = "max",
    padding: Padding = "zeros",
    precision: PrecisionName = "tensorfloat32",
) -> Extractor:
    """The `Extractor` of layers by their full names.

    Args:
        layers: Each is taken once.
        architectures: The architecture of each network named.
        pooling: For networks named without theirs.
        padding: Likewise.
        precision: As in `Extractor`.
    """
    kinds = tuple(sorted(architectures.items()))
    return Extractor(tuple(dict.fromkeys(layers)), kinds, pooling, padding, precision=precision)
