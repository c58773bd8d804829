"""VGG16 and VGG19 (Simonyan & Zisserman, arXiv 1409.1556), configurations D and E.

Only the convolutions are here: style transfer never uses the classifier. The network is a linen
module; `jaxstyle.backbones.networks.features` is the pure function that everybody calls.
"""

from __future__ import annotations

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from jaxstyle.backbones.architectures import convolutions
from jaxstyle.backbones.building import Padding, Pooling, convolve, normalized, pool


class VGG(nn.Module):
    """The convolutions of a VGG up to the deepest layer that is asked for."""

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
            name = each.name.removeprefix("conv")
            if name.endswith("_1") and name != "1_1":
                x = pool(x, self.pooling, self.padding)
            before = convolve(each, x, self.padding)
            x = jax.nn.relu(before)
            steps = {f"conv{name}": before, f"relu{name}": x}
            found |= {layer: value for layer, value in steps.items() if layer in self.layers}
        return found
