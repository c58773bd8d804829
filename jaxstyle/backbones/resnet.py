"""ResNet-18 and ResNet-50: He, Zhang, Ren & Sun, "Deep Residual Learning" (CVPR 2016), table 1.

Batch normalization is not here: with its statistics fixed it is an affine map, which is folded into
the convolution before it when weights are converted (`jaxstyle.backbones.layouts`).
"""

from __future__ import annotations

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from jaxstyle.backbones.architectures import RESNET_BLOCKS, convolutions
from jaxstyle.backbones.building import Padding, Pooling, convolve, normalized, pool


class ResNet(nn.Module):
    """The stem and the residual blocks, up to the deepest layer that is asked for."""

    architecture: str
    layers: tuple[str, ...]
    pooling: Pooling
    padding: Padding

    @nn.compact
    def __call__(self, image: Float[Array, "h w 3"]) -> dict[str, Float[Array, "_h _w _c"]]:
        """The features at each of the layers."""
        specs = {each.name: each for each in convolutions(self.architecture)}
        found: dict[str, Float[Array, "_h _w _c"]] = {}

        def seen(name: str, before: Float[Array, "_h _w _c"]) -> Float[Array, "_h _w _c"]:
            after = jax.nn.relu(before)
            steps = {f"conv{name}": before, f"relu{name}": after}
            found.update({layer: value for layer, value in steps.items() if layer in self.layers})
            return after

        x = seen("1", convolve(specs["conv1"], normalized(self, image), self.padding))
        x = pool(x, self.pooling, self.padding, size=3, pad=1)
        for stage, count in enumerate(RESNET_BLOCKS[self.architecture], start=2):
            for index in range(1, count + 1):
                if found.keys() >= {*self.layers}:
                    return found
                name = f"conv{stage}_{index}"
                shortcut, inner = x, x
                if f"{name}s" in specs:
                    shortcut = convolve(specs[f"{name}s"], x, self.padding)
                *others, last = [f"{name}{part}" for part in "abc" if f"{name}{part}" in specs]
                for other in others:
                    inner = jax.nn.relu(convolve(specs[other], inner, self.padding))
                x = seen(f"{stage}_{index}", convolve(specs[last], inner, self.padding) + shortcut)
        return found
