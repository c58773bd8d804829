"""Distances fitted to human judgments: LPIPS and DISTS.

Each belongs to one network, which runs as it did when the distance was fitted, and to weights from
its authors (`Metric.weights`). Pictures are sRGB in [0, 1] as everywhere; LPIPS's original input,
[−1, 1], is shifted and scaled to the same ImageNet statistics. Both pictures have the same size,
and neither distance resizes them: the authors of DISTS shrink the shorter side to 256 pixels first;
the data of LPIPS were 64 pixels wide.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.metrics.metric import Grid, Metric, Scalar
from jaxstyle.metrics.pairwise import safe_sqrt

Fitted = Mapping[str, Mapping[str, Float[Array, " _n"]]]

LPIPS_LAYERS: Mapping[str, tuple[str, ...]] = {
    "alexnet": ("relu1", "relu2", "relu3", "relu4", "relu5"),
    "vgg16": ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"),
}


def lpips(x: tuple[Grid, ...], target: tuple[Grid, ...], *, fitted: Fitted) -> Scalar:
    """Compute the learned perceptual image patch similarity, version 0.1; 0 if equal.

    Args:
        x: Features of the picture at each of the network's five layers.
        target: The same features of the reference.
        fitted: `"conv1"` to `"conv5"`, each with `"heads"`: one non-negative weight per channel.

    References:
        Zhang, Isola, Efros, Shechtman & Wang, "The Unreasonable Effectiveness of Deep Features as
        a Perceptual Metric" (CVPR 2018), equation 1: features of unit length at each position
        (ε 1e-10 added to the length, as in the authors' code), squared differences weighted by
        channel, mean over positions, sum over layers.
    """
    total = jnp.zeros(())
    for number, (features, reference) in enumerate(zip(x, target, strict=True), start=1):
        difference = _unit(features) - _unit(reference)
        total += jnp.mean(difference**2 @ fitted[f"conv{number}"]["heads"])
    return total


def _unit(grid: Grid) -> Grid:
    return grid / (safe_sqrt(jnp.sum(grid**2, axis=2, keepdims=True)) + 1e-10)


_C = 1e-6


def dists(x: tuple[Grid, ...], target: tuple[Grid, ...], *, fitted: Fitted) -> Scalar:
    """Compute the deep image structure and texture similarity; 0 if equal.

    Args:
        x: The picture, and its features at VGG16's last layer of each block, with Hanning pooling.
        target: The same of the reference.
        fitted: `"shares"` with `"alpha"` (texture: means) and `"beta"` (structure: covariances), a
            non-negative weight for each of the 1475 channels; their sum need not be 1.

    References:
        Ding, Ma, Wang & Simoncelli, "Image Quality Assessment: Unifying Structure and Texture
        Similarity" (IEEE TPAMI 44, 2022), equations 5 to 7, c₁ = c₂ = 1e-6. Computed as weights
        times 1 − similarity, which is the same number without cancellation near zero.
    """
    alpha, beta = fitted["shares"]["alpha"], fitted["shares"]["beta"]
    textures, structures = [], []
    for features, reference in zip(x, target, strict=True):
        mean, reference_mean = jnp.mean(features, (0, 1)), jnp.mean(reference, (0, 1))
        features, reference = features - mean, reference - reference_mean
        variances = jnp.mean(features**2, (0, 1)) + jnp.mean(reference**2, (0, 1))
        textures.append((mean - reference_mean) ** 2 / (mean**2 + reference_mean**2 + _C))
        structures.append(jnp.mean((features - reference) ** 2, (0, 1)) / (variances + _C))
    total = jnp.vdot(alpha, jnp.concatenate(textures))
    total += jnp.vdot(beta, jnp.concatenate(structures))
    return total / (jnp.sum(alpha) + jnp.sum(beta))


_perceptual = partial(
    Metric,
    kind="content",
    summarize=lambda layers: layers,
    expects="layers",
    cost="n C",
    symmetric=True,
)
METRICS = (
    *(
        _perceptual(
            name=name,
            distance=lpips,
            layers=tuple(f"{network}/max/zeros:{layer}" for layer in LPIPS_LAYERS[network]),
            meaning=f"perceptual similarity as people judge it, by {title}",
            paper="Zhang et al., CVPR 2018",
            weights=weights,
        )
        for name, network, title, weights in (
            ("lpips", "alexnet", "AlexNet", "lpips-alex"),
            ("lpips_vgg", "vgg16", "VGG16", "lpips-vgg"),
        )
    ),
    _perceptual(
        name="dists",
        distance=dists,
        layers=("image", *(f"vgg16/hanning/zeros:{layer}" for layer in LPIPS_LAYERS["vgg16"])),
        meaning="perceptual similarity as people judge it, tolerant of resampled textures",
        paper="Ding et al., IEEE TPAMI 2022",
        weights="dists",
    ),
)
