"""AlexNet as torchvision has it (Krizhevsky, arXiv 1404.5997), without its classifier."""

from __future__ import annotations

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from jaxstyle.backbones.architectures import ALEXNET
from jaxstyle.backbones.building import Padding, Pooling, convolve, normalized, pool


class AlexNet(nn.Module):
    """The five convolutions, up to the deepest layer that is asked for."""

    architecture: str
    layers: tuple[str, ...]
    pooling: Pooling
    padding: Padding

    @nn.compact
    def __call__(self, image: Float[Array, "h w 3"]) -> dict[str, Float[Array, "_h _w _c"]]:
        """The features at each of the layers."""
        x = normalized(self, image)
        found: dict[str, Float[Array, "_h _w _c"]] = {}
        for each in ALEXNET:
            if found.keys() >= {*self.layers}:
                break
            if each.name in ("conv2", "conv3"):
                x = pool(x, self.pooling, self.padding, size=3)
            before = convolve(each, x, self.padding)
            x = jax.nn.relu(before)
            steps = {each.name: before, f"relu{each.name[-1]}": x}
            found |= {layer: value for layer, value in steps.items() if layer in self.layers}
        return found
