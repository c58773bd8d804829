"""Nearest neighbors as Neural Neighbor Style Transfer has them: chosen once, and centered."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle.image.geometry import bilinear
from jaxstyle.metrics.hypercolumns import At
from jaxstyle.metrics.matching import closest, nearest_neighbor
from jaxstyle.metrics.metric import Grid, Metric, Positions, Scalar
from jaxstyle.metrics.pairwise import rows, unit
from jaxstyle.specs import OPEN, Wrap

LAYERS = (
    *("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"),
    *("relu3_2", "relu3_3", "relu4_1", "relu4_2", "relu4_3"),
)


def balanced_hypercolumns(layers: tuple[Grid, ...], at: At = (), wrap: Wrap = OPEN) -> Positions:
    """Return hypercolumns of layers that are divided by their numbers of channels.

    All are resized to the middle layer's grid, bilinearly, with the corners at the corners.

    Args:
        layers: Features.
        at: Of each layer the positions to count, None for all. The middle layer's decide.
        wrap: Along which axes layers are interpolated over the edge; there edges are aligned.

    References:
        Kolkin et al. (arXiv 2203.13215), the authors' code (`featureExtract.py`).
    """
    middle = len(layers) // 2
    height, width, _ = layers[middle].shape

    def row(layer: Grid) -> Positions:
        rows, columns = (
            jnp.asarray(bilinear(old, new, corners=True, wraps=wraps), layer.dtype)
            for old, new, wraps in zip(layer.shape[:2], (height, width), wrap, strict=True)
        )
        if layer.shape[:2] != (height, width):
            layer = jnp.einsum("ij,jkc->ikc", rows, layer, precision="highest")
            layer = jnp.einsum("lk,ikc->ilc", columns, layer, precision="highest")
        return layer.reshape(height * width, -1) / layer.shape[2]

    columns = jnp.concatenate([row(layer) for layer in layers], axis=1)
    inside = at[middle] if at else None
    return columns if inside is None else columns[jnp.asarray(inside)]


def assigned(style: Positions, content: Positions) -> Positions:
    """Return for each position of the content the nearest of the style, as unit rows.

    Nearest by the cosine of features from each of which the mean over its own picture is taken.
    """
    centered, queries = (features - jnp.mean(features, axis=0) for features in (style, content))
    return unit(style)[closest(queries, unit(centered))]


def neural_neighbor(
    layers: tuple[Grid, ...], target: Positions, at: At = (), wrap: Wrap = OPEN
) -> Scalar:
    """Compute the mean cosine distance of hypercolumns to those that were assigned to their places.

    Each place of the picture gets the style's hypercolumn that is nearest to the content's there,
    once for all steps at a scale.

    References:
        Kolkin et al., "Neural Neighbor Style Transfer" (arXiv 2203.13215), and the authors' code
        (`stylize.py`, hypercolumn matching): layers divided by their channels, centered cosine
        distances for the assignment, distances that are not centered for the loss. Deviation: the
        content's mean is that of all its places, theirs that of each chunk of a large picture.
    """
    x = unit(balanced_hypercolumns(layers, at, wrap))
    return jnp.mean(jnp.sum((x - target) ** 2, axis=1)) / 2


def centered_nearest_neighbor(x: Positions, target: Float[Array, "m c"]) -> Scalar:
    """Compute the mean cosine distance to the nearest of the style's features, both centered.

    The mean over its own positions is taken from each. Drawn positions of x have their own mean.

    References:
        Kolkin et al. (arXiv 2203.13215), and the authors' code (`stylize.py`, feature splitting).
        Deviation: the style's positions are drawn once, theirs at each step.
    """
    return nearest_neighbor(x - jnp.mean(x, axis=0), target)


METRICS = (
    Metric(
        name="neural_neighbor",
        gathers=True,
        summarize=balanced_hypercolumns,
        finish=assigned,
        distance=neural_neighbor,
        expects="layers",
        layers=LAYERS,
        meaning="each place looks like the place of the style that is nearest to the content there",
        cost="n C",
        paper="Kolkin et al., arXiv 2203.13215",
        joins=True,
        guided=True,
    ),
    Metric(
        name="centered_nearest_neighbor",
        gathers=True,
        summarize=lambda features: features,
        finish=lambda features: unit(features - jnp.mean(features, axis=0)),
        distance=centered_nearest_neighbor,
        layers=LAYERS,
        meaning="each position differs from the mean as some position of the style does",
        cost="n m C",
        paper="Kolkin et al., arXiv 2203.13215",
        joins=True,
        draw=rows,
        draws_target=False,
    ),
)
