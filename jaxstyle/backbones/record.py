"""The record of a backbone: its convolutions, its layers, and how weight files name its tensors.

A family's file makes its records, and everything else reads them. Nothing heavy is imported here,
so that listing the backbones stays quick.

Layers are named as the field does. VGG: `conv3_1` is the first convolution of the third block,
`relu3_1` the same after the ReLU, `pool3` what its pooling makes of the block. ResNet, as in He et
al.'s table 1: `relu1` is the stem, `relu3_4` the output of the fourth residual block of stage 3,
`conv3_4` the same before its last ReLU (the sum). AlexNet: `conv1` to `relu5`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jaxstyle._util.arguments import names, shown
from jaxstyle._util.names import nearest
from jaxstyle.specs import PoolingName

FAST_FROM = 64 * 128
"""Inputs times outputs from which Winograd's algorithm is faster than XLA's on a CPU."""

_VGG_BLOCKS = (2, 2, 4, 4, 4)


@dataclass(frozen=True)
class Convolution:
    """One square convolution, with the same stride both ways.

    Attributes:
        name: Of its kernel and bias among the weights.
        size: Side of the kernel.
        inputs: Channels.
        outputs: Channels.
        stride: Positions from one output to the next.
        border: Positions added on each side; as many as keep the size at stride 1 if None.
        pooled: Window of the pooling before it, 0 for none; its stride is 2.
        pool_border: Positions that this pooling adds on each side.
        layers: The layers that are complete with it, before and after the activation.
        pool_layer: The layer that a pooling of 2 × 2 positions makes of it, if that has a name.
        is_shortcut: Whether it lies on the short way around a residual block.
    """

    name: str
    size: int
    inputs: int
    outputs: int
    stride: int = 1
    border: int | None = None
    pooled: int = 0
    pool_border: int = 0
    layers: tuple[str, ...] = ()
    pool_layer: str = ""
    is_shortcut: bool = False

    def __post_init__(self) -> None:
        """One name of a layer stands for a tuple of it."""
        object.__setattr__(self, "layers", names("layers", self.layers))

    @property
    def pad(self) -> int:
        """Positions added on each side."""
        return self.size // 2 if self.border is None else self.border

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of its tensors by canonical name."""
        sides = () if self.size == 1 else (self.size, self.size)
        kernel = (*sides, self.inputs, self.outputs)
        return {f"{self.name}.kernel": kernel, f"{self.name}.bias": (self.outputs,)}


class Window(NamedTuple):
    """A convolution or a pooling as a window that slides over a grid, `pad` larger on each side."""

    size: int
    pad: int
    stride: int
    is_pooling: bool = False


class ReceptiveField(NamedTuple):
    """Pixels that a position of a layer depends on: `stride` × position + `first` to + `last`."""

    stride: int
    first: int
    last: int


class Preprocess(NamedTuple):
    """What a network expects of its pictures: in words, and as the map `x @ kernel + bias`."""

    about: str
    kernel: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]


TORCHVISION = Preprocess(
    "RGB, ImageNet's mean 0 and standard deviation 1",
    ((1 / 0.229, 0, 0), (0, 1 / 0.224, 0), (0, 0, 1 / 0.225)),
    (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225),
)
"""ImageNet's mean and standard deviation, as torchvision's models were trained."""

CAFFE = Preprocess(
    "BGR from 0 to 255 less ImageNet's mean",
    ((0, 0, 255), (0, 255, 0), (255, 0, 0)),
    (-103.939, -116.779, -123.68),
)
"""Networks trained with Caffe, and Keras's copies of them."""


PREPROCESSES = {"torchvision": TORCHVISION, "caffe": CAFFE}
"""By name: files of one layout may be of networks that were trained unlike."""


class Layout(NamedTuple):
    """How weight files of one origin name and order the tensors of a network.

    Attributes:
        title: Whose layout it is, such as `"torchvision's"`.
        names: Canonical name, such as `"conv1_1.kernel"`, to the name in the file.
        output_first: Whether kernels are (out, in, height, width), not (height, width, in, out).
        preprocess: None where the file has the map itself, under the canonical `"preprocess"`.
        epsilon: Added to the variance by batch normalization.
    """

    title: str
    names: Mapping[str, str]
    output_first: bool
    preprocess: Preprocess | None = None
    epsilon: float = 0.0


def paired(entries: Iterable[str], prefixes: Iterable[str], kernel: str) -> dict[str, str]:
    """Return `Layout.names` of convolutions from their canonical names and those in the file.

    >>> paired(["conv1"], ["features.0"], "weight")
    {'conv1.kernel': 'features.0.weight', 'conv1.bias': 'features.0.bias'}
    """
    return {
        f"{entry}.{canonical}": f"{prefix}.{name}"
        for entry, prefix in zip(entries, prefixes, strict=True)
        for canonical, name in (("kernel", kernel), ("bias", "bias"))
    }


def stand_ins(stages: Sequence[str]) -> dict[str, str]:
    """Return `Backbone.counterparts` from the stages that stand for a VGG's five blocks.

    >>> stand_ins(["1", "2_3", "3_4", "4_6", "5_3"])["relu4_2"]
    'relu4_6'
    """
    return {
        f"{kind}{block}_{index}": f"{kind}{stage}"
        for block, (count, stage) in enumerate(zip(_VGG_BLOCKS, stages, strict=True), start=1)
        for index in range(1, count + 1)
        for kind in ("conv", "relu")
    }


@dataclass(frozen=True, eq=False, repr=False)
class Backbone:
    """An architecture whose features pictures are compared by.

    Two records are equal only if they are the same object: programs compiled for one are not
    reused for another.

    >>> from jaxstyle.backbones import find
    >>> find("vgg16").layers[:4]
    ('conv1_1', 'relu1_1', 'conv1_2', 'relu1_2')
    >>> [spec.name for spec in find("vgg16").needed(["conv1_2", "relu1_1"])]
    ['conv1_1', 'conv1_2']
    >>> find("vgg16").receptive_field("relu5_1")
    ReceptiveField(stride=16, first=-58, last=73)
    >>> find("resnet50").counterpart("relu4_2")
    'relu4_6'

    Attributes:
        name: Of the architecture, such as `"vgg16"`.
        forward: Computes the features from the normalized picture, up to the deepest layer that is
            needed: `forward(net, x)`, see `jaxstyle.backbones.ops.Network`. It is called in a
            compact method of a linen module, so other linen modules can be used in it.
        convolutions: In the order of computation; a run uses weights up to the deepest layer.
        counterparts: The layer that stands for one of a VGG's: metrics name their usual layers
            after VGG. A layer that is missing here stands for itself.
        layouts: How weight files name the tensors.
        layers: In the order of computation; those of the convolutions if empty.
        windows: What slides over the picture on the widest way to each layer; derived from the
            convolutions if empty.
    """

    name: str
    forward: Callable[[Any, Any], dict[str, Any]]
    convolutions: tuple[Convolution, ...]
    counterparts: Mapping[str, str] = field(default_factory=dict)
    layouts: tuple[Layout, ...] = ()
    layers: tuple[str, ...] = ()
    windows: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        derived = _windows(self.convolutions)
        object.__setattr__(self, "windows", self.windows or derived)
        object.__setattr__(self, "layers", names("layers", self.layers) or tuple(derived))

    def __repr__(self) -> str:
        return f"Backbone({self.name!r})"

    def check_layers(self, layers: str | Iterable[str]) -> None:
        """Raise a `ValueError` that names the nearest layer if one of `layers` does not exist."""
        for layer in names("layers", layers):
            if layer not in self.layers:
                known = f"; its layers are {self.layers[0]} to {self.layers[-1]}"
                hint = (isinstance(layer, str) and nearest(layer, self.layers)) or known
                raise ValueError(f"{self.name} has no layer {shown(layer)}{hint}")

    def counterpart(self, layer: str) -> str:
        """Return the layer that stands for one of a VGG's.

        In a ResNet it is the last block of a stage, as Wang et al. (CVPR 2021) take it.

        Raises:
            ValueError: There is none.
        """
        stands_in = self.counterparts.get(layer, layer)
        if stands_in not in self.layers:
            raise ValueError(
                f"{self.name} has no layer that stands for {layer}; name layers of its own, from "
                f"{self.layers[0]} to {self.layers[-1]}"
            )
        return stands_in

    def own_or_counterpart(self, layer: str) -> str:
        """Return the layer of a name that somebody chose: its own, or else that of a VGG's.

        >>> from jaxstyle.backbones import find
        >>> [find("alexnet").own_or_counterpart(name) for name in ("relu2", "relu2_1")]
        ['relu2', 'relu2']
        """
        return layer if layer in self.layers else self.counterparts.get(layer, layer)

    def needed(self, layers: str | Iterable[str]) -> tuple[Convolution, ...]:
        """Return the convolutions up to the deepest of `layers`, in the order of computation."""
        wanted = {*names("layers", layers)}
        ends = (
            at
            for at, spec in enumerate(self.convolutions, 1)
            if wanted & {*spec.layers, spec.pool_layer}
        )
        return self.convolutions[: max(ends, default=0)]

    def fast_convolutions(self, layers: str | Iterable[str]) -> tuple[str, ...]:
        """Return those of the `needed` convolutions that Winograd computes faster on a CPU."""
        return tuple(
            spec.name
            for spec in self.needed(layers)
            if (spec.size, spec.stride) == (3, 1) and spec.inputs * spec.outputs >= FAST_FROM
        )

    def min_side(self, layers: str | Iterable[str]) -> int:
        """Return the shortest side, in pixels, that leaves a position at each of `layers`."""
        shortest = 1
        for layer in names("layers", layers):
            side = 1
            for size, pad, stride, _ in reversed(self.windows.get(layer, ())):
                side = max(1, (side - 1) * stride + size - 2 * pad)
            shortest = max(shortest, side)
        return shortest

    def receptive_field(self, layer: str, pooling: PoolingName = "max") -> ReceptiveField:
        """Return the pixels that a position of a layer depends on.

        Raises:
            ValueError: The record has no windows of this layer.

        References:
            Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks"
            (Distill 2019), equation 2, with its borders.
        """
        if layer not in self.windows:
            raise ValueError(f"the record of {self.name} has no windows of {layer}")
        stride, first, last = 1, 0, 0
        for size, pad, step, is_pooling in self.windows[layer]:
            if is_pooling and pooling == "hanning":  # always of 3 × 3 positions
                size, pad = 3, 1 if size == 2 else pad
            first -= pad * stride
            last += (size - 1 - pad) * stride
            stride *= step
        return ReceptiveField(stride, first, last)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each canonical tensor, such as `"conv1_1.kernel"`: (3, 3, 3, 64)."""
        shapes: dict[str, tuple[int, ...]] = {"preprocess.kernel": (3, 3), "preprocess.bias": (3,)}
        for spec in self.convolutions:
            shapes |= spec.shapes
        return shapes


def _windows(convolutions: Iterable[Convolution]) -> dict[str, tuple[Window, ...]]:
    """Return the windows before each layer, without shortcuts: these see less than the long way."""
    windows: dict[str, tuple[Window, ...]] = {}
    way: tuple[Window, ...] = ()
    for spec in convolutions:
        if spec.pooled:
            way = (*way, Window(spec.pooled, spec.pool_border, 2, is_pooling=True))
        if not spec.is_shortcut:
            way = (*way, Window(spec.size, spec.pad, spec.stride))
        windows |= dict.fromkeys(spec.layers, way)
        if spec.pool_layer:
            windows[spec.pool_layer] = (*way, Window(2, 0, 2, is_pooling=True))
    return windows
