"""ResNet-18 and ResNet-50: He, Zhang, Ren & Sun, "Deep Residual Learning" (CVPR 2016), table 1.

Batch normalization is not here: with its statistics fixed it is an affine map, which is folded into
the convolution before it when weights are converted (`jaxstyle.backbones.layouts`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from jaxstyle.backbones.architectures import RESNET_BLOCKS, convolutions
from jaxstyle.backbones.ops import Grid, Padding, Pooling, convolve, normalized, pool, remembered


class ResNet(nn.Module):
    """The stem and the residual blocks, up to the deepest layer that is asked for."""

    architecture: str
    layers: tuple[str, ...]
    pooling: Pooling
    padding: Padding
    recompute: bool = False
    dtype: str = "float32"

    @nn.compact
    def __call__(self, image: Float[Array, "h w 3"]) -> dict[str, Float[Array, "_h _w _c"]]:
        """The features at each of the layers."""
        specs = {each.name: each for each in convolutions(self.architecture)}
        found: dict[str, Grid] = {}

        def part(name: str, run: Callable[[Grid], Grid], x: Grid) -> Grid:
            """What lies before a layer's ReLU, and the ReLU."""

            def both(module: nn.Module, x: Grid) -> tuple[Grid, Grid]:
                before = run(x)
                return before, jax.nn.relu(before)

            before, after = remembered(both, self.recompute)(self, x)
            steps = {f"conv{name}": before, f"relu{name}": after}
            found.update({layer: value for layer, value in steps.items() if layer in self.layers})
            return after

        def stem(x: Grid) -> Grid:
            return convolve(specs["conv1"], x, self.padding)

        def block(x: Grid, name: str) -> Grid:
            shortcut = x
            if f"{name}s" in specs:
                shortcut = convolve(specs[f"{name}s"], x, self.padding)
            *others, last = [f"{name}{each}" for each in "abc" if f"{name}{each}" in specs]
            for other in others:
                x = jax.nn.relu(convolve(specs[other], x, self.padding))
            return convolve(specs[last], x, self.padding) + shortcut

        x = part("1", stem, normalized(self, image, self.dtype))
        x = pool(x, self.pooling, self.padding, size=3, pad=1)
        for stage, count in enumerate(RESNET_BLOCKS[self.architecture], start=2):
            for index in range(1, count + 1):
                if found.keys() >= {*self.layers}:
                    return found
                name = f"{stage}_{index}"
                x = part(name, partial(block, name=f"conv{name}"), x)
        return found
