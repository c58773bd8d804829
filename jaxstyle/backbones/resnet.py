"""ResNet-18 and ResNet-50: He, Zhang, Ren & Sun, "Deep Residual Learning" (CVPR 2016), table 1.

Batch normalization is not here: with its statistics fixed it is an affine map, which is folded into
the convolution before it when weights are converted (`jaxstyle.weights.convert.layouts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from jaxstyle.backbones.record import CAFFE, TORCHVISION, Backbone, Convolution, Layout, stand_ins

if TYPE_CHECKING:
    from jaxstyle.backbones.ops import Features, Grid, Network

# Files' names for a convolution's tensors and for its normalization's.
_KERAS = (
    {"kernel": "kernel", "bias": "bias"},
    {"gamma": "gamma", "beta": "beta", "mean": "moving_mean", "variance": "moving_variance"},
)
_TORCHVISION = (
    {"kernel": "weight"},
    {"gamma": "weight", "beta": "bias", "mean": "running_mean", "variance": "running_var"},
)


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
                files.append(_files(stage, block, part, is_keras))
            inputs = outputs
    stages = ["1", *(f"{stage}_{count}" for stage, count in enumerate(counts, start=2))]
    names = {
        f"{spec.name}.{kind}": f"{prefix}.{name}"
        for spec, prefixes in zip(convolutions, files, strict=True)
        for prefix, kinds in zip(prefixes, _KERAS if is_keras else _TORCHVISION, strict=True)
        for kind, name in kinds.items()
    }
    layout = (
        Layout("Keras's", names, False, CAFFE, 1e-3)
        if is_keras
        else Layout("torchvision's", names, True, TORCHVISION, 1e-5)
    )
    return Backbone(name, residual, tuple(convolutions), stand_ins(stages), (layout,))


def _files(stage: int, block: int, part: str, is_keras: bool) -> tuple[str, str]:
    """Return the names of a convolution and its normalization in a file."""
    if is_keras:  # res2a_branch2b and bn2a_branch2b
        suffix = f"{stage}{'abcdef'[block - 1]}_branch{'1' if part == 's' else f'2{part}'}"
        return f"res{suffix}", f"bn{suffix}"
    prefix = f"layer{stage - 1}.{block - 1}"
    if part == "s":
        return f"{prefix}.downsample.0", f"{prefix}.downsample.1"
    number = "abc".index(part) + 1
    return f"{prefix}.conv{number}", f"{prefix}.bn{number}"


BACKBONES = (
    resnet("resnet18", (2, 2, 2, 2), bottleneck=False),
    resnet("resnet50", (3, 4, 6, 3), is_keras=True),
    resnet("resnet50-v1.5", (3, 4, 6, 3)),
)
