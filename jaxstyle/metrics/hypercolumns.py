"""Hypercolumns, the features of all layers at one place as one long vector, and their metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxstyle.metrics.gram import Mixable, gram_matrix, mixed_covariance
from jaxstyle.metrics.metric import Grid, Metric, Positions, Scalar, Vector
from jaxstyle.metrics.pairwise import Key, drawn
from jaxstyle.metrics.self_similarity import self_similarity, self_similarity_target
from jaxstyle.specs import OPEN, Wrap

At = Sequence[Int[Array, " _n"] | None]


def _finest(layers: tuple[Grid, ...]) -> tuple[int, int]:
    heights, widths = zip(*(layer.shape[:2] for layer in layers), strict=True)
    return max(heights), max(widths)


def _sample(
    layers: tuple[Grid, ...], places: Sequence[Int[Array | np.ndarray, " k"]], wrap: Wrap
) -> tuple[Float[Array, "k _c"], ...]:
    """Sample all layers at rows and columns of the finest, bilinearly between four positions each.

    Each layer's grid covers the whole picture, and features are at the centers of its cells: row r
    of H in the finest layer lies at (r + ½) h / H − ½ in one of h rows. Before the first and after
    the last row is the edge again, or where it wraps the opposite one.
    """
    finest = _finest(layers)
    shapes = dict.fromkeys(layer.shape[:2] for layer in layers)  # which many layers share
    corners = {shape: _corners(shape, finest, places, wrap) for shape in shapes if shape != finest}

    def sample(layer: Grid) -> Float[Array, "k _c"]:
        if layer.shape[:2] == finest:
            return layer[tuple(places)]
        indices, shares = corners[layer.shape[:2]]
        # One gather, and in the gradient one scatter, which are slow and long to compile.
        near = layer.reshape(-1, layer.shape[2])[indices]
        return jnp.sum(near * shares[..., None].astype(layer.dtype), axis=0)

    return tuple(map(sample, layers))


def _corners(
    shape: tuple[int, ...],
    finest: tuple[int, int],
    places: Sequence[Int[Array | np.ndarray, " k"]],
    wrap: Wrap,
) -> tuple[Int[Array, "4 k"], Float[Array, "4 k"]]:
    """Return the four positions of a grid around each place in the finest, and their shares."""
    axes: list[Any] = []
    for place, size, of, wraps in zip(places, shape, finest, wrap, strict=True):
        at = (jnp.asarray(place, jnp.float32) + 0.5) * (size / of) - 0.5
        at = at if wraps else jnp.clip(at, 0, size - 1)
        low = jnp.floor(at).astype(jnp.int32)
        high = (low + 1) % size if wraps else jnp.minimum(low + 1, size - 1)
        axes.append((low % size if wraps else low, high, at - low))
    (top, bottom, down), (left, right, across) = axes
    pairs = [(row, column) for row in (top, bottom) for column in (left, right)]
    indices = jnp.stack([row * shape[1] + column for row, column in pairs])
    vertical, horizontal = (jnp.stack([1 - share, share]) for share in (down, across))
    return indices, (vertical[:, None] * horizontal[None]).reshape(4, -1)


def _counted(layers: tuple[Grid, ...], at: At) -> Int[Array, " n"] | None:
    """Return which positions of the finest layer count, None for all."""
    for layer, inside in zip(layers, at, strict=False):
        if inside is not None and layer.shape[:2] == _finest(layers):
            return jnp.asarray(inside)
    return None


def draw_hypercolumns(
    layers: tuple[Grid, ...], key: Key, count: int, at: At = (), wrap: Wrap = OPEN
) -> tuple[Grid, ...]:
    """Sample all layers at `count` positions of the finest drawn at random, all if fewer.

    Args:
        layers: Features, in any order.
        key: Of `jax.random`.
        count: How many.
        at: Of each layer the positions to draw from, None for all. The finest layer's decide.
        wrap: Along which axes layers are interpolated over the edge.

    Returns:
        For each layer a grid of count × 1 positions, which `hypercolumns` concatenates.
    """
    (height, width), counted = _finest(layers), _counted(layers, at)
    places = drawn(height * width if counted is None else len(counted), key, count)
    places = places if counted is None else counted[places]
    return tuple(sample[:, None] for sample in _sample(layers, jnp.divmod(places, width), wrap))


def hypercolumns(layers: tuple[Grid, ...], at: At = (), wrap: Wrap = OPEN) -> Positions:
    """Concatenate the features of all layers at one place in each cell of the middle layer's grid.

    The place is a position of the finest layer, fixed for a grid's size. Places are spread evenly
    within the cells (the additive recurrence of the plastic number), so that no pattern of the
    finest layer is in step with them. Layers of one size are concatenated position by position.

    Args:
        layers: Features, in any order.
        at: Of each layer the positions to choose from, None for all. Of the finest layer's one
            in as many is chosen as lie in a cell: from equal parts of them in their order, at
            random but always the same. Coarser layers are interpolated as without a mask, between
            positions outside too.
        wrap: Along which axes layers are interpolated over the edge. The places then repeat from
            one cell of the coarsest layer to the next, so that no edge is a particular one.

    References:
        Hariharan et al., "Hypercolumns" (CVPR 2015); Kolkin et al. 2019, section 2.1: bilinear
        samples of unfiltered layers, as in the authors' code. Deviations: coordinates are aligned
        at the centers of cells (theirs are halved at each pooling, so that deep layers are sampled
        up to half a cell to the lower right); the picture's colors are no layer unless they are
        named as one.
    """
    finest, counted = _finest(layers), _counted(layers, at)
    height, width = layers[len(layers) // 2].shape[:2]
    ratios = np.divide(finest, (height, width))[:, None]
    places: Any
    if counted is None:
        cells = np.arange(height * width)
        numbers = cells
        if wrap != OPEN:
            coarsest = (min(layer.shape[axis] for layer in layers) for axis in (0, 1))
            down, across = (
                side // least for side, least in zip((height, width), coarsest, strict=True)
            )
            numbers = cells // width % down * across + cells % width % across
        shifts = (0.5 + np.outer((0.7548776662466927, 0.5698402909980532), numbers)) % 1
        places = ((np.divmod(cells, width) + shifts) * ratios).astype(int)
    else:
        count = max(1, round(len(counted) / np.prod(ratios)))
        parts = np.arange(count) + np.random.default_rng(0).random(count)
        chosen = counted[(parts * (len(counted) / count)).astype(int)]
        places = jnp.divmod(chosen, finest[1])
    return jnp.concatenate(_sample(layers, tuple(places), wrap), axis=1)


def _moments(
    layers: tuple[Grid, ...], at: At = (), wrap: Wrap = OPEN
) -> tuple[Vector, Float[Array, "c c"]]:
    """Compute the mean and the covariance, with divisor n."""
    columns = hypercolumns(layers, at, wrap)
    mean = jnp.mean(columns, axis=0)
    return mean, gram_matrix(columns - mean)


def absolute_moments(
    layers: tuple[Grid, ...],
    target: tuple[Vector, Float[Array, "c c"]],
    at: At = (),
    wrap: Wrap = OPEN,
) -> Scalar:
    """Compute the mean absolute difference of the means, plus that of the covariances' entries.

    References:
        Kolkin, Salavon & Shakhnarovich (STROTSS, CVPR 2019), equation 6, with the means over
        channels and over pairs of them, and the divisor n, of the authors' code.
    """
    mean, covariance = _moments(layers, at, wrap)
    means = jnp.mean(jnp.abs(mean - target[0]))
    return means + jnp.mean(jnp.abs(covariance - target[1]))


def _mixable(layers: tuple[Grid, ...], at: At = ()) -> Mixable:
    mean, covariance = _moments(layers, at)
    return mean, covariance, jnp.outer(mean, mean)


def hypercolumn_similarity(
    layers: tuple[Grid, ...],
    target: tuple[Positions, Float[Array, " n"]],
    at: At = (),
    wrap: Wrap = OPEN,
) -> Scalar:
    """Compute `self_similarity` of hypercolumns.

    References:
        Kolkin, Salavon & Shakhnarovich (STROTSS, CVPR 2019), equation 8, with the hypercolumns of
        the style terms, as in the authors' code.
    """
    return self_similarity(hypercolumns(layers, at, wrap), target)


METRICS = (
    Metric(
        name="absolute_moments",
        summarize=_mixable,
        finish=lambda averages: (averages[0], mixed_covariance(averages)),
        distance=absolute_moments,
        expects="layers",
        meaning="mean and covariance of all layers together, by absolute differences",
        cost="n C²",
        paper="Kolkin, Salavon & Shakhnarovich, CVPR 2019",
        symmetric=True,
        averageable=True,
        draw=draw_hypercolumns,
        select=np.flatnonzero,
    ),
    Metric(
        name="hypercolumn_similarity",
        kind="content",
        summarize=lambda layers, at=(), wrap=OPEN: self_similarity_target(
            hypercolumns(layers, at, wrap)
        ),
        distance=hypercolumn_similarity,
        expects="layers",
        meaning="the same positions resemble each other, in all layers together",
        cost="n² C",
        paper="Kolkin, Salavon & Shakhnarovich, CVPR 2019",
        symmetric=True,
        draw=draw_hypercolumns,
        select=np.flatnonzero,
    ),
)
