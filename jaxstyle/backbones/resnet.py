"""ResNet-18 and ResNet-50: He, Zhang, Ren & Sun, "Deep Residual Learning" (CVPR 2016), table 1.

Batch normalization is not here: with its statistics fixed it is an affine map, which is folded into
the convolution before it when weights are converted (`jaxstyle.weights.convert.layouts`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
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


def _convolutions(
    counts: Sequence[int], *, bottleneck: bool, is_keras: bool
) -> Iterator[tuple[Convolution, str, str]]:
    """The stem, then each block's `a`, `b` (and `c`), and its shortcut `s` where shapes change.

    With each come the names of the convolution and of its normalization in a file.
    """
    stem = Convolution("conv1", 7, 3, 64, 2, layers=("conv1", "relu1"))
    yield stem, "conv1", "bn_conv1" if is_keras else "bn1"
    inputs = 64
    for stage, count in enumerate(counts, start=2):
        width = 64 * 2 ** (stage - 2)
        outputs = 4 * width if bottleneck else width
        for block in range(1, count + 1):
            stride = 2 if stage > 2 and block == 1 else 1
            first, second = (stride, 1) if is_keras or not bottleneck else (1, stride)
            if bottleneck:
                shapes = {"a": (1, inputs, width, first), "b": (3, width, width, second)}
                shapes["c"] = (1, width, outputs, 1)
            else:
                shapes = {"a": (3, inputs, width, first), "b": (3, width, width, second)}
            if inputs != outputs:
                shapes["s"] = (1, inputs, outputs, stride)
            *_, last = shapes
            for part, shape in shapes.items():
                is_first = (stage, block, part) == (2, 1, "a")
                spec = Convolution(
                    f"conv{stage}_{block}{part}",
                    *shape,
                    pooled=3 if is_first else 0,
                    pool_border=1 if is_first else 0,
                    layers=(f"conv{stage}_{block}", f"relu{stage}_{block}") if part == last else (),
                    is_shortcut=part == "s",
                )
                named = _in_keras if is_keras else _in_torchvision
                yield spec, *named(stage, block, part)
            inputs = outputs


def _in_torchvision(stage: int, block: int, part: str) -> tuple[str, str]:
    """A convolution's module and its normalization's: `layer1.0.conv2` and `layer1.0.bn2`."""
    prefix = f"layer{stage - 1}.{block - 1}"
    if part == "s":
        return f"{prefix}.downsample.0", f"{prefix}.downsample.1"
    number = "abc".index(part) + 1
    return f"{prefix}.conv{number}", f"{prefix}.bn{number}"


def _in_keras(stage: int, block: int, part: str) -> tuple[str, str]:
    """Likewise: `res2a_branch2b` and `bn2a_branch2b`."""
    branch = "1" if part == "s" else f"2{part}"
    suffix = f"{stage}{'abcdef'[block - 1]}_branch{branch}"
    return f"res{suffix}", f"bn{suffix}"


def resnet(
    name: str, counts: Sequence[int], *, bottleneck: bool = True, is_keras: bool = False
) -> Backbone:
    """Return the record of a ResNet.

    >>> resnet("resnet18", (2, 2, 2, 2), bottleneck=False).layers[-2:]
    ('conv5_2', 'relu5_2')

    Args:
        name: Of the architecture.
        counts: Residual blocks in each of the stages 2 to 5.
        bottleneck: Whether a block has three convolutions, not two.
        is_keras: Whether it is Keras's network, which halves the picture in a stage's first
            convolution, as the paper does; torchvision's halves it in the 3 × 3 one.
    """
    named = tuple(_convolutions(counts, bottleneck=bottleneck, is_keras=is_keras))
    theirs = (
        ("gamma", "beta", "moving_mean", "moving_variance")
        if is_keras
        else ("weight", "bias", "running_mean", "running_var")
    )
    names: dict[str, str] = {}
    for spec, convolution, normalization in named:
        if is_keras:
            names |= paired([spec.name], [convolution], "kernel")
        else:
            names[f"{spec.name}.kernel"] = f"{convolution}.weight"
        for kind, name_in_file in zip(("gamma", "beta", "mean", "variance"), theirs, strict=True):
            names[f"{spec.name}.{kind}"] = f"{normalization}.{name_in_file}"
    layout = (
        Layout("Keras's", names, False, CAFFE, 1e-3)
        if is_keras
        else Layout("torchvision's", names, True, TORCHVISION, 1e-5)
    )
    convolutions = tuple(spec for spec, *_ in named)
    stages = ["1", *(f"{stage}_{count}" for stage, count in enumerate(counts, start=2))]
    module = network(residual, convolutions)
    return Backbone(name, module, convolutions, stand_ins(stages), (layout,))


BACKBONES = (
    resnet("resnet18", (2, 2, 2, 2), bottleneck=False),
    resnet("resnet50", (3, 4, 6, 3), is_keras=True),
    resnet("resnet50-v1.5", (3, 4, 6, 3)),
)
