"""ResNet-18 and ResNet-50: He, Zhang, Ren & Sun, "Deep Residual Learning" (CVPR 2016), table 1.

Batch normalization is not here: with its statistics fixed it is an affine map, which is folded into
the convolution before it when weights are converted (`jaxstyle.weights.convert.layouts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from jaxstyle.backbones.convolution import Convolution
from jaxstyle.backbones.record import (
    CAFFE,
    TORCHVISION,
    Backbone,
    Layout,
    paired,
    stand_ins,
)

if TYPE_CHECKING:
    from jaxstyle.backbones.ops import Features, Grid, Network


def residual(net: Network, x: Grid) -> Features:
    """Compute the stem and the residual blocks up to the deepest layer that is needed."""
    features: Features = {}
    block: list[Convolution] = []
    for spec in net.needed:
        block.append(spec)
        if not spec.layers:
            continue
        x = net.pool(x, block[0]) if block[0].pooled else x
        before, x = net.part(partial(_block, block=tuple(block)), x)
        features |= net.take(spec, before, x)
        block = []
    return features


def _block(net: Network, x: Grid, block: Sequence[Convolution]) -> tuple[Grid, Grid]:
    """Return the sum with the shortcut, and its ReLU. The stem has a single convolution."""
    shortcut = x
    for spec in block:
        shortcut = net.convolve(x, spec) if spec.is_shortcut else shortcut
    *others, last = (spec for spec in block if not spec.is_shortcut)
    for spec in others:
        x = net.relu(net.convolve(x, spec))
    before = net.convolve(x, last)
    before = before + shortcut if others else before
    return before, net.relu(before)


def resnet(
    name: str, counts: Sequence[int], *, bottleneck: bool = True, is_keras: bool = False
) -> Backbone:
    """Return the record of a ResNet.

    A block's convolutions are `a`, `b` (and `c`); its shortcut has one, `s`, where shapes change.

    >>> resnet("resnet18", (2, 2, 2, 2), bottleneck=False).layers[-2:]
    ('conv5_2', 'relu5_2')

    Args:
        name: Of the architecture.
        counts: Residual blocks in each of the stages 2 to 5.
        bottleneck: Whether a block has three convolutions, not two.
        is_keras: Whether it is Keras's network, which halves the picture in a stage's first
            convolution, as the paper does; torchvision's halves it in the 3 × 3 one.
    """
    stem = Convolution("conv1", 7, 3, 64, 2, layers=("conv1", "relu1"))
    convolutions, files = [stem], [("conv1", "bn_conv1" if is_keras else "bn1")]
    inputs = 64
    for stage, count in enumerate(counts, start=2):
        width = 64 * 2 ** (stage - 2)
        outputs = 4 * width if bottleneck else width
        for block in range(1, count + 1):
            stride = 2 if stage > 2 and block == 1 else 1
            first, second = (stride, 1) if is_keras or not bottleneck else (1, stride)
            size = 1 if bottleneck else 3
            shapes = {"a": (size, inputs, width, first), "b": (3, width, width, second)}
            if bottleneck:
                shapes["c"] = (1, width, outputs, 1)
            if inputs != outputs:
                shapes["s"] = (1, inputs, outputs, stride)
            layers = (f"conv{stage}_{block}", f"relu{stage}_{block}")
            for part, shape in shapes.items():
                is_pooled = (stage, block, part) == (2, 1, "a")
                spec = Convolution(
                    f"{layers[0]}{part}",
                    *shape,
                    pooled=3 if is_pooled else 0,
                    pool_border=1 if is_pooled else 0,
                    layers=layers if part == list(shapes)[-1] else (),
                    is_shortcut=part == "s",
                )
                convolutions.append(spec)
                files.append((_keras if is_keras else _torchvision)(stage, block, part))
            inputs = outputs
    stages = ["1", *(f"{stage}_{count}" for stage, count in enumerate(counts, start=2))]
    layout = _layout([spec.name for spec in convolutions], files, is_keras)
    return Backbone(name, residual, tuple(convolutions), stand_ins(stages), (layout,))


def _torchvision(stage: int, block: int, part: str) -> tuple[str, str]:
    """Return the names of a convolution and its normalization: `layer1.0.conv2`, `layer1.0.bn2`."""
    prefix = f"layer{stage - 1}.{block - 1}"
    if part == "s":
        return f"{prefix}.downsample.0", f"{prefix}.downsample.1"
    number = "abc".index(part) + 1
    return f"{prefix}.conv{number}", f"{prefix}.bn{number}"


def _keras(stage: int, block: int, part: str) -> tuple[str, str]:
    """Return the names in Keras: `res2a_branch2b`, `bn2a_branch2b`."""
    branch = "1" if part == "s" else f"2{part}"
    suffix = f"{stage}{'abcdef'[block - 1]}_branch{branch}"
    return f"res{suffix}", f"bn{suffix}"


def _layout(entries: list[str], files: list[tuple[str, str]], is_keras: bool) -> Layout:
    """Return the layout of convolutions and normalizations that are called `files`."""
    kinds = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "variance": "running_var"}
    if is_keras:
        kinds = {"gamma": "gamma", "beta": "beta", "mean": "moving_mean"}
        kinds["variance"] = "moving_variance"
    names: dict[str, str] = {}
    for entry, (convolution, normalization) in zip(entries, files, strict=True):
        if is_keras:
            names |= paired([entry], [convolution], "kernel")
        else:
            names[f"{entry}.kernel"] = f"{convolution}.weight"
        names |= {f"{entry}.{kind}": f"{normalization}.{name}" for kind, name in kinds.items()}
    if is_keras:
        return Layout("Keras's", names, False, CAFFE, 1e-3)
    return Layout("torchvision's", names, True, TORCHVISION, 1e-5)


BACKBONES = (
    resnet("resnet18", (2, 2, 2, 2), bottleneck=False),
    resnet("resnet50", (3, 4, 6, 3), is_keras=True),
    resnet("resnet50-v1.5", (3, 4, 6, 3)),
)
