"""AdaIN: a stylized picture in one pass, to start from."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.backbones.architectures import ADAIN_DECODER
from jaxstyle.backbones.extractor import Parameters, features
from jaxstyle.backbones.ops import convolve

_LAYER = "relu4_1"
_STRIDE = 8
_ENLARGED_AFTER = ("conv1", "conv5", "conv7")


class _Decoder(nn.Module):
    """From features at relu4_1 back to a picture."""

    @nn.compact
    def __call__(self, x: Float[Array, "h w 512"]) -> Float[Array, "8*h 8*w 3"]:
        for each in ADAIN_DECODER:
            x = convolve(each, x, "reflect")
            x = x if each is ADAIN_DECODER[-1] else jax.nn.relu(x)
            if each.name in _ENLARGED_AFTER:
                x = jnp.repeat(jnp.repeat(x, 2, axis=0), 2, axis=1)
        return x


@jax.jit
def stylized(
    encoder: Parameters,
    decoder: Parameters,
    content: Float[Array, "h w 3"],
    style: Float[Array, "k l 3"],
    strength: Any = 1.0,
) -> Float[Array, "h w 3"]:
    """The content with its features given the style's means and deviations, decoded.

    Args:
        encoder: Weights of `vgg19-normalized`.
        decoder: Weights of `adain-decoder`.
        content: sRGB picture in [0, 1].
        style: Likewise, of any size from 8 pixels.
        strength: 1 is the paper's; 0 decodes the content's own features.

    Returns:
        A picture in [0, 1] of the content's size.

    References:
        Huang & Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance
        Normalization" (ICCV 2017), equations 8 and 14; weights and details (unbiased variance plus
        1e-5, reflection padding, nearest enlargement) as in pytorch-AdaIN. Deviation: sides that 8
        does not divide are continued by copies of the edge first and cut off again.
    """
    height, width, _ = content.shape
    rest = ((0, -height % _STRIDE), (0, -width % _STRIDE), (0, 0))
    own, other = (
        features(encoder, image, (_LAYER,), architecture="vgg19", padding="reflect")[_LAYER]
        for image in (jnp.pad(content, rest, mode="edge"), style)
    )
    (own_mean, own_spread), (mean, spread) = map(_statistics, (own, other))
    changed = (own - own_mean) / own_spread * spread + mean
    mixed = strength * changed + (1 - strength) * own
    decoded = _Decoder().apply({"params": decoder}, mixed)
    return jnp.clip(jnp.asarray(decoded)[:height, :width], 0, 1)


def _statistics(grid: Float[Array, "h w c"]) -> tuple[Float[Array, " c"], Float[Array, " c"]]:
    positions = grid.reshape(-1, grid.shape[2])
    several = min(1, positions.shape[0] - 1)  # of a single position there is no unbiased variance
    return positions.mean(0), jnp.sqrt(positions.var(0, ddof=several) + 1e-5)
