"""AdaIN: a stylized picture in one pass, to start from."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.backbones.extractor import Parameters, features
from jaxstyle.backbones.extras import ADAIN_DECODER
from jaxstyle.backbones.ops import convolve

_LAYER = "relu4_1"
_STRIDE = 8
_ENLARGED_AFTER = ("conv1", "conv5", "conv7")


class _Decoder(nn.Module):
    """From features at relu4_1 back to a picture."""

    @nn.compact
    def __call__(self, x: Float[Array, "h w 512"]) -> Float[Array, "8*h 8*w 3"]:
        for spec in ADAIN_DECODER:
            x = convolve(spec, x, "reflect")
            x = x if spec is ADAIN_DECODER[-1] else jax.nn.relu(x)
            if spec.name in _ENLARGED_AFTER:
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
    """Decode the content's features with the means and deviations of the style's.

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
        does not divide are continued by copies of the edge first and cropped afterwards.
    """
    height, width, _ = content.shape
    missing = ((0, -height % _STRIDE), (0, -width % _STRIDE), (0, 0))
    content_features, style_features = (
        features(encoder, image, (_LAYER,), architecture="vgg19", padding="reflect")[_LAYER]
        for image in (jnp.pad(content, missing, mode="edge"), style)
    )
    mean, deviation = _statistics(content_features)
    style_mean, style_deviation = _statistics(style_features)
    transferred = (content_features - mean) / deviation * style_deviation + style_mean
    mixed = strength * transferred + (1 - strength) * content_features
    decoded = _Decoder().apply({"params": decoder}, mixed)
    return jnp.clip(jnp.asarray(decoded)[:height, :width], 0, 1)


def _statistics(grid: Float[Array, "h w c"]) -> tuple[Float[Array, " c"], Float[Array, " c"]]:
    positions = grid.reshape(-1, grid.shape[2])
    correction = min(1, positions.shape[0] - 1)  # a single position has no unbiased variance
    return positions.mean(0), jnp.sqrt(positions.var(0, ddof=correction) + 1e-5)
