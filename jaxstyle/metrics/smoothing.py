"""Smoothing of activations before they are compared, which makes a ResNet as useful as a VGG."""

from __future__ import annotations

from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle._util.names import nearest

Smoothing = Literal["none", "softmax", "relative", "scaled"]

SCALE = 0.001
_DEEP_STAGES = (4, 5)


def smooth(
    features: Float[Array, "h w c"], smoothing: Smoothing, stage: int | None, temperature: Any = 1.0
) -> Float[Array, "h w c"]:
    """Flatten the peaks of features.

    `"softmax"` is the paper's form: one softmax over all positions and channels of the layer. It
    needs features of about unit size: with Keras's ResNet-50 (standard deviation 1 to 2, peaks of
    15 to 30) all of its mass falls on a few peaks. `"relative"` first divides the features by the
    standard deviation of the reference's, which means the same for every network; temperatures from
    5 work. `"scaled"` is what the authors' code does instead of the softmax (which is commented out
    there): it multiplies the features of a ResNet's stages 4 and 5 by 0.001. A calibrated objective
    gives every layer its share whatever its scale, so there `"scaled"` changes nothing.

    Args:
        features: Of one layer.
        smoothing: The form; `"none"` returns the features.
        stage: The layer's block or stage (`LayerRef.stage`); only `"scaled"` uses it.
        temperature: Divisor of the features before the softmax; the paper has 1. For `"relative"`
            in units of the reference's standard deviation.

    References:
        Wang, Li & Vasconcelos, "Rethinking and Improving the Robustness of Image Style Transfer"
        (CVPR 2021), equations 9 to 11, and their repository. Deviation: the softmax is multiplied
        by the number of features, so that their mean is 1 and pictures of different sizes can be
        compared; the paper's sum is 1.

    >>> import jax.numpy as jnp
    >>> smooth(jnp.zeros((2, 2, 3)), "softmax", stage=4)[0, 0].tolist()
    [1.0, 1.0, 1.0]
    """
    if smoothing in ("softmax", "relative"):
        return jax.nn.softmax(features / temperature, axis=(0, 1, 2)) * features.size
    if smoothing == "scaled" and stage in _DEEP_STAGES:
        return SCALE * features
    return features


def spread(features: Float[Array, "h w c"]) -> Float[Array, ""]:
    """Compute the standard deviation of all features of a layer; 1 where they are all equal."""
    deviation = jnp.std(features)
    return jnp.where(deviation > 1e-6, deviation, 1.0)


def check(smoothing: str) -> Smoothing:
    """Return the name of a smoothing, or raise a `ValueError` that names the nearest."""
    known = get_args(Smoothing)
    if smoothing not in known:
        raise ValueError(
            f"expected smoothing to be one of {', '.join(known)}, got {smoothing!r}"
            f"{nearest(smoothing, known)}"
        )
    return smoothing  # type: ignore[return-value]
