"""What the networks are made of: their convolutions, their layers, and which layer does for which.

Only names and numbers are here, so that listing them imports nothing heavy.

Layers are named as the field does. VGG: `conv3_1` is the first convolution of the third block,
`relu3_1` the same after the ReLU. ResNet, as in He et al.'s table 1: `relu1` is the stem, `relu3_4`
the output of the fourth residual block of stage 3, `conv3_4` the same before its last ReLU (the
sum). AlexNet: `conv1` to `relu5`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from jaxstyle._util.names import nearest

VGG_BLOCKS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
)
"""Convolutions in each of the five blocks."""

CHANNELS = (64, 128, 256, 512, 512)
"""Of the five blocks of a VGG."""

RESNET_BLOCKS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3), "resnet50-v1.5": (3, 4, 6, 3)}
)
"""Residual blocks in each of the stages 2 to 5. `resnet50` halves the picture in a stage's first
1 × 1 convolution, as its paper and Keras do; `resnet50-v1.5` in the 3 × 3 one, as torchvision."""


class Convolution(NamedTuple):
    """One convolution: square, the same stride both ways, `pad` positions added on each side.

    `pooled` is the window of the pooling before it in a chain of convolutions, 0 for none.
    """

    name: str
    size: int
    inputs: int
    outputs: int
    stride: int = 1
    pooled: int = 0

    @property
    def pad(self) -> int:
        """So that stride 1 keeps the size; AlexNet's first, of 11, has 2 (torchvision)."""
        return 2 if self.size == 11 else self.size // 2


ALEXNET = (
    Convolution("conv1", 11, 3, 64, 4),
    Convolution("conv2", 5, 64, 192, pooled=3),
    Convolution("conv3", 3, 192, 384, pooled=3),
    Convolution("conv4", 3, 384, 256),
    Convolution("conv5", 3, 256, 256),
)

_DECODER_WIDTHS = (512, 256, 256, 256, 256, 128, 128, 64, 64, 3)
ADAIN_DECODER = tuple(
    Convolution(f"conv{number}", 3, *widths)
    for number, widths in enumerate(itertools.pairwise(_DECODER_WIDTHS), start=1)
)
"""AdaIN's decoder, from features at relu4_1 back to a picture."""

NAMES = (*VGG_BLOCKS, *RESNET_BLOCKS, "alexnet")
"""Every architecture."""


def convolutions(architecture: str) -> tuple[Convolution, ...]:
    """The convolutions of a network, from the picture on.

    >>> [each.name for each in convolutions("vgg16")[:3]]
    ['conv1_1', 'conv1_2', 'conv2_1']
    >>> convolutions("resnet50")[2]
    Convolution(name='conv2_1b', size=3, inputs=64, outputs=64, stride=1, pooled=0)
    """
    if architecture in VGG_BLOCKS:
        return tuple(_vgg(architecture))
    if architecture in RESNET_BLOCKS:
        return tuple(_resnet(architecture))
    return ALEXNET


def _vgg(architecture: str) -> Iterator[Convolution]:
    inputs = 3
    for block, count in enumerate(VGG_BLOCKS[architecture]):
        for index in range(count):
            pooled = 2 if block and index == 0 else 0
            name = f"conv{block + 1}_{index + 1}"
            yield Convolution(name, 3, inputs, CHANNELS[block], pooled=pooled)
            inputs = CHANNELS[block]


def _resnet(architecture: str) -> Iterator[Convolution]:
    """The stem, then each block's `a`, `b` (and `c`), and its shortcut `s` where shapes change."""
    yield Convolution("conv1", 7, 3, 64, 2)
    inputs, deep = 64, architecture != "resnet18"
    for stage, count in enumerate(RESNET_BLOCKS[architecture], start=2):
        width = 64 * 2 ** (stage - 2)
        outputs = 4 * width if deep else width
        for index in range(1, count + 1):
            stride = 2 if stage > 2 and index == 1 else 1
            name = f"conv{stage}_{index}"
            if deep:
                late = architecture == "resnet50-v1.5"
                yield Convolution(f"{name}a", 1, inputs, width, 1 if late else stride)
                yield Convolution(f"{name}b", 3, width, width, stride if late else 1)
                yield Convolution(f"{name}c", 1, width, outputs)
            else:
                yield Convolution(f"{name}a", 3, inputs, width, stride)
                yield Convolution(f"{name}b", 3, width, width)
            if inputs != outputs:
                yield Convolution(f"{name}s", 1, inputs, outputs, stride)
            inputs = outputs


def layer_names(architecture: str) -> tuple[str, ...]:
    """Every layer that `features` can return, in the order in which the network computes them.

    >>> layer_names("vgg16")[:4]
    ('conv1_1', 'relu1_1', 'conv1_2', 'relu1_2')
    >>> layer_names("resnet18")[-2:]
    ('conv5_2', 'relu5_2')
    """
    # A residual block has several convolutions and is one layer.
    names = dict.fromkeys(each.name[4:].rstrip("abcs") for each in convolutions(architecture))
    return tuple(f"{kind}{name}" for name in names for kind in ("conv", "relu"))


def needed(architecture: str, layers: Iterable[str]) -> tuple[Convolution, ...]:
    """The convolutions up to the deepest of `layers`, in the order in which they are computed.

    >>> [each.name for each in needed("vgg16", ["conv1_2", "relu1_1"])]
    ['conv1_1', 'conv1_2']
    """
    every = convolutions(architecture)
    wanted = {layer[4:] for layer in layers}
    found = (k for k, each in enumerate(every) if each.name[4:].rstrip("abcs") in wanted)
    return every[: max(found, default=-1) + 1]


def check_layers(architecture: str, layers: Sequence[str]) -> None:
    """Raise a `ValueError` that names the nearest right layer if one of `layers` does not exist."""
    names = layer_names(architecture)
    for layer in layers:
        if layer not in names:
            raise ValueError(
                f"{architecture} has no layer {layer!r}{nearest(layer, names)}; "
                f"it has conv and relu, {names[0]} to {names[-1]}"
            )


def counterpart(architecture: str, layer: str) -> str:
    """The layer that stands for one of a VGG's: metrics name their usual layers after VGG.

    In a ResNet the last block of a stage, as Wang et al. (CVPR 2021) take it.

    >>> counterpart("resnet50", "relu4_2")
    'relu4_6'
    >>> counterpart("alexnet", "relu3_1")
    'relu3'
    """
    names = layer_names(architecture)
    if layer in names and architecture in VGG_BLOCKS:
        return layer
    kind, block = layer[:4], layer[4]
    return [name for name in names if name.startswith(kind + block)][-1]


def smallest_side(architecture: str, layers: Sequence[str]) -> int:
    """The shortest side, in pixels, that still leaves one position at the deepest of `layers`."""
    deepest = max((int(layer[4]) for layer in layers), default=1)
    if architecture in VGG_BLOCKS:
        return int(2 ** (deepest - 1))
    if architecture == "alexnet":
        return (7, 15, 31)[min(deepest, 3) - 1]  # its poolings have no border
    return 1


class ReceptiveField(NamedTuple):
    """What one position of a layer sees: pixels `stride` × position + `first` to + `last`."""

    stride: int
    first: int
    last: int


def receptive_field(architecture: str, layer: str, pooling: str = "max") -> ReceptiveField:
    """How far a layer's positions stand apart, and which pixels each of them sees.

    Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill
    2019), equation 2, with its borders.

    >>> receptive_field("vgg16", "relu1_2"), receptive_field("vgg16", "relu5_1")
    (ReceptiveField(stride=1, first=-2, last=2), ReceptiveField(stride=16, first=-58, last=73))
    """
    stride, first, last = 1, 0, 0
    name = f"conv{layer[4:]}"
    residual = architecture in RESNET_BLOCKS
    windows: list[tuple[int, int, int]] = []
    for each in convolutions(architecture):
        if each.name.endswith("s") and residual:
            continue  # a shortcut sees less than what it cuts short
        if each.pooled:
            size, pad = (3, 1) if pooling == "hanning" and each.pooled == 2 else (each.pooled, 0)
            windows.append((size, pad, 2))
        windows.append((each.size, each.pad, each.stride))
        if residual and each.name == "conv1":
            if name == "conv1":
                break
            windows.append((3, 1, 2))
        following = each.name.rstrip("abc") if residual else each.name
        if following == name and (each.name[-1] == _last_part(architecture) or not residual):
            break
    for size, pad, step in windows:
        first -= pad * stride
        last += (size - 1 - pad) * stride
        stride *= step
    return ReceptiveField(stride, first, last)


def _last_part(architecture: str) -> str:
    """The last convolution on the long way through a residual block."""
    return "b" if architecture == "resnet18" else "c"
