"""The record of an oracle, and what several share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812


@dataclass(frozen=True)
class Oracle:
    """How a method is computed by torch.

    Attributes:
        make: From a network (a picture, (1, 3, height, width) in [0, 1], to features by layer), the
            content, the style and the number of a scale to an object with `loss(image)`, a scalar,
            and `steps(image, count)`, the picture after the first steps of the optimizer.
        backbones: The network that comes with the installation, and the nearest to the authors'.
        steps: After how many steps the pictures are compared, 0 for none. The first step of a bare
            L-BFGS moves a pixel by a few float32 roundings, and the second divides by what it
            changed.
        scales: At which scales, from 0, the coarsest.
        at: Of which step the loss is, for a method whose terms change; the first steps are those
            before.
        side: Of the pictures, in pixels.
        pooling: Of the network.
        padding: Of the network.
        network: Makes it from its name, pooling and padding; a VGG if None.
    """

    make: Callable[..., Any]
    backbones: tuple[str, ...]
    steps: int = 3
    scales: tuple[int, ...] = (0,)
    at: int = 0
    side: int = 32
    pooling: str = "max"
    padding: str = "zeros"
    network: Callable[..., Any] | None = None


def tensor(picture):
    return torch.from_numpy(picture.astype(np.float64)).permute(2, 0, 1)[None].contiguous()


def gram(x):
    """Sums of products of all pairs of channels."""
    x = x[0].flatten(1)
    return x @ x.T


def first_layers(count, rectified=True):
    kind = "relu" if rectified else "conv"
    return [f"{kind}{block}_1" for block in range(1, count + 1)]


def stepped(loss, image, count, make, factor=1.0):
    """Take steps of an optimizer of torch, made from its parameters, that moves `factor` × pixels.

    A closure is called as often as the optimizer likes.
    """
    point = (image * factor).clone().requires_grad_()
    optimizer = make([point])

    def closure():
        optimizer.zero_grad()
        value = loss(point / factor)
        value.backward()
        return value

    for _ in range(count):
        optimizer.step(closure)
    return (point / factor).detach()


def pyramid_steps(loss, image, count, make, bands, corners):
    """Take steps of an optimizer of torch that moves a Laplacian pyramid."""

    def resized(x, size):
        return F.interpolate(x, size=size, mode="bilinear", align_corners=corners)

    parts = []
    for _ in range(bands):
        small = resized(image, [max(1, side // 2) for side in image.shape[2:]])
        parts.append(image - resized(small, image.shape[2:]))
        image = small
    pyramid = [part.clone().requires_grad_() for part in (*parts, image)]
    optimizer = make(pyramid)

    def picture():
        *finer, current = pyramid
        for band in reversed(finer):
            current = band + resized(current, band.shape[2:])
        return current

    for _ in range(count):
        optimizer.zero_grad()
        loss(picture()).backward()
        optimizer.step()
    return picture().detach()


def lbfgs(loss, image, count, factor=255.0, rate=1.0):
    """Take steps of L-BFGS without a line search or tolerances."""

    def make(parameters):
        return torch.optim.LBFGS(
            parameters, lr=rate, max_iter=count, tolerance_grad=-1, tolerance_change=-1
        )

    return stepped(loss, image, 1, make, factor)
