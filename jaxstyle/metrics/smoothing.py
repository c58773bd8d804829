"""Smoothing of activations before they are compared: what lets a ResNet do what a VGG does."""

from __future__ import annotations

from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle._util.names import nearest

Smoothing = Literal["none", "softmax", "relative", "scaled"]

SCALE = 0.001
_DEEP = ("4", "5")


def smooth(
    features: Float[Array, "h w c"], smoothing: Smoothing, layer: str, temperature: Any = 1.0
) -> Float[Array, "h w c"]:
    """Features with their peaks flattened.

    `"softmax"` is the paper's: one softmax over all positions and channels of the layer. It needs
    features of about unit size: of Keras's ResNet-50 (deviation 1 to 2, peaks of 15 to 30) all of
    it falls on a few peaks. `"relative"` is the same of features divided by the standard deviation
    of the reference's, which means the same for every network; temperatures from 5 work.
    `"scaled"` is what the authors' code does in place of the softmax (there it is commented out):
    the features of ResNet's stages 4 and 5 are multiplied by 0.001, the others left alone. A
    calibrated objective gives every layer its share whatever its scale, so there `"scaled"`
    changes nothing.

    Args:
        features: Of one layer.
        smoothing: Which form; `"none"` returns the features.
        layer: Its name, of which `"scaled"` needs the stage.
        temperature: What features are divided by before the softmax; the paper has 1. For
            `"relative"` times the reference's deviation.

    References:
        Wang, Li & Vasconcelos, "Rethinking and Improving the Robustness of Image Style Transfer"
        (CVPR 2021), equations 9 to 11, and their repository. Deviation: the softmax is multiplied
        by the number of features, so that their mean is 1 and pictures of different sizes can be
        compared; the paper's sum is 1.

    >>> import jax.numpy as jnp
    >>> smooth(jnp.zeros((2, 2, 3)), "softmax", "relu4_6")[0, 0].tolist()
    [1.0, 1.0, 1.0]
    """
    if smoothing in ("softmax", "relative"):
        return jax.nn.softmax(features / temperature, axis=(0, 1, 2)) * features.size
    if smoothing == "scaled" and layer.rpartition(":")[2][4:5] in _DEEP:
        return SCALE * features
    return features


def spread(features: Float[Array, "h w c"]) -> Float[Array, ""]:
    """Standard deviation of all features of a layer; 1 where they are all equal."""
    found = jnp.std(features)
    return jnp.where(found > 1e-6, found, 1.0)


def check(smoothing: str) -> Smoothing:
    """The name itself, or a `ValueError` that names the nearest."""
    known = get_args(Smoothing)
    if smoothing not in known:
        raise ValueError(
            f"expected smoothing to be one of {', '.join(known)}, got {smoothing!r}"
            f"{nearest(smoothing, known)}"
        )
    return smoothing  # type: ignore[return-value]
