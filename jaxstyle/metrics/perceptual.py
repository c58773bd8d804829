"""Distances fitted to what people see: LPIPS and DISTS.

Each belongs to one network, run as it was when the distance was fitted, and to numbers that come
from its authors (`Metric.weights`). Pictures are sRGB in [0, 1] here as everywhere; LPIPS's own
input, [−1, 1], is shifted and scaled to the same ImageNet statistics. Both pictures have the same
size, and no distance resizes them: DISTS's authors shrink the shorter side to 256 pixels first,
LPIPS's data were 64 pixels wide.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import Metric
from jaxstyle.metrics.pairwise import safe_sqrt

Grid = Float[Array, "_h _w _c"]
Fitted = Mapping[str, Mapping[str, Float[Array, " _n"]]]

LPIPS_LAYERS: Mapping[str, tuple[str, ...]] = {
    "alexnet": ("relu1", "relu2", "relu3", "relu4", "relu5"),
    "vgg16": ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"),
}


def lpips(x: tuple[Grid, ...], target: tuple[Grid, ...], *, fitted: Fitted) -> Float[Array, ""]:
    """Learned perceptual image patch similarity, version 0.1; 0 if equal.

    Args:
        x: Features of the picture at each of the network's five layers.
        target: Likewise of the reference.
        fitted: `"conv1"` to `"conv5"`, each with `"heads"`: a number from 0 a channel.

    References:
        Zhang, Isola, Efros, Shechtman & Wang, "The Unreasonable Effectiveness of Deep Features as
        a Perceptual Metric" (CVPR 2018), equation 1: features of unit length at each position
        (ε 1e-10 added to the length, as in the authors' code), squared differences weighted by
        channel, mean over positions, sum over layers.
    """
    total = jnp.zeros(())
    for number, (one, other) in enumerate(zip(x, target, strict=True), start=1):
        difference = _unit(one) - _unit(other)
        total += jnp.mean(difference**2 @ fitted[f"conv{number}"]["heads"])
    return total


def _unit(grid: Grid) -> Grid:
    return grid / (safe_sqrt(jnp.sum(grid**2, axis=2, keepdims=True)) + 1e-10)


_C = 1e-6


def dists(x: tuple[Grid, ...], target: tuple[Grid, ...], *, fitted: Fitted) -> Float[Array, ""]:
    """Deep image structure and texture similarity; 0 if equal.

    Args:
        x: The picture, and its features at VGG16's last layer of each block, with Hanning pooling.
        target: Likewise of the reference.
        fitted: `"shares"` with `"alpha"` (texture: means) and `"beta"` (structure: covariances), a
            number from 0 for each of the 1475 channels; their sum need not be 1.

    References:
        Ding, Ma, Wang & Simoncelli, "Image Quality Assessment: Unifying Structure and Texture
        Similarity" (IEEE TPAMI 44, 2022), equations 5 to 7, c₁ = c₂ = 1e-6. The same number by
        another way: shares times 1 − similarity, so that nothing cancels where pictures are alike.
    """
    alpha, beta = fitted["shares"]["alpha"], fitted["shares"]["beta"]
    unlike_means, unlike_structure = [], []
    for one, other in zip(x, target, strict=True):
        mean, other_mean = jnp.mean(one, (0, 1)), jnp.mean(other, (0, 1))
        one, other = one - mean, other - other_mean
        variances = jnp.mean(one**2, (0, 1)) + jnp.mean(other**2, (0, 1))
        unlike_means.append((mean - other_mean) ** 2 / (mean**2 + other_mean**2 + _C))
        unlike_structure.append(jnp.mean((one - other) ** 2, (0, 1)) / (variances + _C))
    total = jnp.vdot(alpha, jnp.concatenate(unlike_means))
    total += jnp.vdot(beta, jnp.concatenate(unlike_structure))
    return total / (jnp.sum(alpha) + jnp.sum(beta))


METRICS = (
    *(
        Metric(
            name=name,
            kind="content",
            summarize=lambda layers: layers,
            distance=lpips,
            expects="layers",
            layers=tuple(f"{network}/max/zeros:{layer}" for layer in LPIPS_LAYERS[network]),
            meaning=f"what people see as alike, by {title}",
            cost="n C",
            paper="Zhang et al., CVPR 2018",
            symmetric=True,
            weights=weights,
        )
        for name, network, title, weights in (
            ("lpips", "alexnet", "AlexNet", "lpips-alex"),
            ("lpips_vgg", "vgg16", "VGG16", "lpips-vgg"),
        )
    ),
    Metric(
        name="dists",
        kind="content",
        summarize=lambda layers: layers,
        distance=dists,
        expects="layers",
        layers=("image", *(f"vgg16/hanning/zeros:{layer}" for layer in LPIPS_LAYERS["vgg16"])),
        meaning="what people see as alike, textures resampled",
        cost="n C",
        paper="Ding et al., IEEE TPAMI 2022",
        symmetric=True,
        weights="dists",
    ),
)
