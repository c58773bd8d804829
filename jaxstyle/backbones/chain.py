"""VGG16, VGG19 and AlexNet: convolutions one after the other, with poolings between.

VGG: Simonyan & Zisserman, arXiv 1409.1556, configurations D and E. AlexNet: Krizhevsky, arXiv
1404.5997, as torchvision has it. Only the convolutions are here: style transfer never uses the
classifier. `jaxstyle.backbones.networks.features` is the pure function that everybody calls.
"""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from jaxstyle.backbones.architectures import Convolution, needed
from jaxstyle.backbones.ops import Grid, Padding, Pooling, convolve, normalized, pool, remembered


class Chain(nn.Module):
    """The convolutions up to the deepest layer that is asked for."""

    architecture: str
    layers: tuple[str, ...]
    pooling: Pooling
    padding: Padding
    recompute: bool = False
    dtype: str = "float32"

    @nn.compact
    def __call__(self, image: Float[Array, "h w 3"]) -> dict[str, Float[Array, "_h _w _c"]]:
        """The features at each of the layers."""
        x = normalized(self, image, self.dtype)
        found: dict[str, Float[Array, "_h _w _c"]] = {}
        blocks: list[list[Convolution]] = []
        for each in needed(self.architecture, self.layers):
            blocks = [*blocks, []] if each.pooled or not blocks else blocks
            blocks[-1].append(each)
        for block in blocks:
            x, seen = self._block(x, block)
            found |= seen
        return found

    def _block(self, x: Grid, block: Sequence[Convolution]) -> tuple[Grid, dict[str, Grid]]:
        """What a block of convolutions gives, and its layers among those that are asked for."""
        wanted = [each for each in self.layers if each[4:] in {spec.name[4:] for spec in block}]

        def run(module: nn.Module, x: Grid) -> tuple[Grid, dict[str, Grid]]:
            found: dict[str, Grid] = {}
            for each in block:
                if each.pooled:
                    x = pool(x, self.pooling, self.padding, size=each.pooled)
                before = convolve(each, x, self.padding)
                x = jax.nn.relu(before)
                steps = {each.name: before, each.name.replace("conv", "relu"): x}
                found |= {layer: value for layer, value in steps.items() if layer in wanted}
            return x, found

        return remembered(run, self.recompute)(self, x)
