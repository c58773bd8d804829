"""VGG16, VGG19 and AlexNet: convolutions one after the other, with poolings between.

VGG: Simonyan & Zisserman, arXiv 1409.1556, configurations D and E. AlexNet: Krizhevsky, arXiv
1404.5997, as torchvision has it. Only the convolutions are here: style transfer never uses the
classifier. `jaxstyle.backbones.networks.features` is the pure function that everybody calls.
"""

from __future__ import annotations

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from jaxstyle.backbones.architectures import convolutions
from jaxstyle.backbones.building import Padding, Pooling, convolve, normalized, pool


class Chain(nn.Module):
    """The convolutions up to the deepest layer that is asked for."""

    architecture: str
    layers: tuple[str, ...]
    pooling: Pooling
    padding: Padding

    @nn.compact
    def __call__(self, image: Float[Array, "h w 3"]) -> dict[str, Float[Array, "_h _w _c"]]:
        """The features at each of the layers."""
        x = normalized(self, image)
        found: dict[str, Float[Array, "_h _w _c"]] = {}
        for each in convolutions(self.architecture):
            if found.keys() >= {*self.layers}:
                break
            if each.pooled:
                x = pool(x, self.pooling, self.padding, size=each.pooled)
            before = convolve(each, x, self.padding)
            x = jax.nn.relu(before)
            steps = {each.name: before, each.name.replace("conv", "relu"): x}
            found |= {layer: value for layer, value in steps.items() if layer in self.layers}
        return found
