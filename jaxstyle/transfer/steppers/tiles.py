"""Large pictures: features tile by tile, and their gradient, exactly those of the whole picture.

A step's memory is updated by the network's activations, not by the features that are compared. So
the network runs on one tile at a time, and the features that terms need are assembled: every
metric, whatever it does with them, gets those of the whole picture. The backward pass runs each
tile again with its part of the features' cotangents. Tiles overlap by the layers' receptive field,
so nothing is approximated: features and gradient are those of the untiled picture to rounding.

The host iterates over tiles. The programs are compiled for a tile, whatever the picture's size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxstyle._util.programs import program
from jaxstyle.backbones.extractor import Extractor
from jaxstyle.metrics.wrapping import surrounded
from jaxstyle.specs import OPEN

Features = dict[str, Float[Array, "_h _w _c"]]


class Span(NamedTuple):
    """A tile along one axis: its first pixel, its length, and the pixels that it owns."""

    start: int
    length: int
    first: int
    end: int


def spans(side: int, tile: int, before: int, after: int, stride: int) -> list[Span]:
    """Divide one axis into tiles; all but the last have one length.

    >>> spans(100, 64, 8, 8, 4)
    [Span(start=0, length=60, first=0, end=52), Span(start=44, length=56, first=52, end=100)]

    Args:
        side: Length of the picture.
        tile: Longest that a tile may be.
        before: Pixels of the receptive field before a position's own.
        after: And after it.
        stride: All tiles start at a multiple of it.

    Raises:
        ValueError: A tile would be all overlap.
    """
    if side <= tile:
        return [Span(0, side, 0, side)]
    before, after = (math.ceil(reach / stride) * stride for reach in (before, after))
    inner = (tile - before - after) // stride * stride
    if inner < stride:
        raise ValueError(
            f"tiles of {tile} pixels are too small for these layers: a receptive field "
            f"reaches {before + after} pixels; at least {before + after + stride} are needed"
        )
    count = math.ceil((side - before - after) / inner)
    inner = math.ceil((side - before - after) / count / stride) * stride
    tiles = []
    for number in range(count):
        start = number * inner
        last = start + before + inner + after >= side
        end = side if last else start + before + inner
        length = side - start if last else before + inner + after
        tiles.append(Span(start, length, start + before if number else 0, end))
        if last:
            break
    return tiles


class Tiling(NamedTuple):
    """How a picture is cut.

    Attributes:
        shapes: Every shape of a tile, most frequent first.
        tiles: For each its shape, where it starts, and the rows and columns that it owns:
            `(first row, end row, first column, end column)`.
    """

    shapes: tuple[tuple[int, int], ...]
    tiles: tuple[tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]], ...]


def tiling(extract: Extractor, shape: tuple[int, ...], tile: int) -> Tiling:
    """Cut a picture into tiles that overlap enough."""
    fields = extract.receptive_fields().values()
    reach = (
        max((-field.first for field in fields), default=0),
        max((field.last for field in fields), default=0),
        max((field.stride for field in fields), default=1),
    )
    rows, columns = (spans(side, tile, *reach) for side in shape[:2])
    tiles = tuple(
        (
            (row.length, column.length),
            (row.start, column.start),
            (row.first, row.end, column.first, column.end),
        )
        for row in rows
        for column in columns
    )
    counts: dict[tuple[int, int], int] = {}
    for tile_shape, *_ in tiles:
        counts[tile_shape] = counts.get(tile_shape, 0) + 1
    return Tiling(tuple(sorted(counts, key=counts.__getitem__, reverse=True)), tiles)


def _margin(extract: Extractor) -> int:
    """Return the pixels that a picture which wraps gets on each side: what a position sees."""
    fields = extract.receptive_fields().values()
    stride = max((field.stride for field in fields), default=1)
    reach = max((max(-field.first, field.last) for field in fields), default=0)
    return math.ceil(reach / stride) * stride


def features(extract: Extractor, params: Any, image: Float[Array, "h w 3"], tile: int) -> Features:
    """Compute the features of a picture from tiles.

    One that wraps is continued over its edges by what its positions see; then it has ends.
    """
    if extract.around == OPEN:
        return _features(extract, params, image, tile)
    margin = _margin(extract)
    around = surrounded(image, margin, margin, extract.around)
    whole = _features(extract.unwrapped, params, around, tile)
    return {name: grid[_inside(extract, name, margin, image.shape)] for name, grid in whole.items()}


def _inside(
    extract: Extractor, name: str, margin: int, shape: tuple[int, ...]
) -> tuple[slice, ...]:
    """Return where the features of a picture lie in those of it continued over its edges."""
    stride = extract.receptive_fields()[name].stride
    return tuple(
        slice(margin // stride, (margin + side) // stride) if wraps else slice(None)
        for side, wraps in zip(shape[:2], extract.around, strict=True)
    )


def _features(extract: Extractor, params: Any, image: Float[Array, "h w 3"], tile: int) -> Features:
    whole: Features = {
        name: jnp.zeros(layer.shape, layer.dtype)
        for name, layer in jax.eval_shape(extract, params, image).items()
    }
    for shape, start, owned in tiling(extract, image.shape, tile).tiles:
        whole = forward_tile(
            params, image, whole, _leaf(start), _leaf(owned), extract=extract, shape=shape
        )
    return whole


def pull_back(
    extract: Extractor,
    params: Any,
    image: Float[Array, "h w 3"],
    cotangents: Features,
    gradient: Float[Array, "h w 3"],
    tile: int,
) -> Float[Array, "h w 3"]:
    """Pull cotangents of features back to the picture, from tiles."""
    if extract.around != OPEN:
        margin = _margin(extract)
        around, fold = jax.vjp(lambda x: surrounded(x, margin, margin, extract.around), image)
        zeros = jax.eval_shape(extract.unwrapped, params, around)
        cotangents = {
            name: jnp.zeros(grid.shape, grid.dtype)
            .at[_inside(extract, name, margin, image.shape)]
            .set(cotangents[name])
            for name, grid in zeros.items()
        }
        pulled = pull_back(
            extract.unwrapped, params, around, cotangents, jnp.zeros_like(around), tile
        )
        return gradient + fold(pulled)[0]
    for shape, start, owned in tiling(extract, image.shape, tile).tiles:
        gradient = backward_tile(
            params,
            image,
            cotangents,
            gradient,
            _leaf(start),
            _leaf(owned),
            extract=extract,
            shape=shape,
        )
    return gradient


def _leaf(numbers: tuple[int, ...]) -> Int[np.ndarray, " n"]:
    return np.array(numbers, np.int32)


@program(static_argnames=("extract", "shape"), donate_argnames="whole")
def forward_tile(
    params: Any,
    image: Float[Array, "h w 3"],
    whole: Features,
    start: Int[Array, 2],
    owned: Int[Array, 4],
    *,
    extract: Extractor,
    shape: tuple[int, int],
) -> Features:
    """Put the features of one tile where they belong."""
    features = extract(params, _cut(image, start, shape))
    fields = extract.receptive_fields()
    updated = {}
    for name, part in features.items():
        stride = fields[name].stride
        at = start // stride
        old = _cut(whole[name], at, part.shape[:2])
        mine = _owned(part.shape, at, owned, stride)
        updated[name] = _put(whole[name], jnp.where(mine, part, old), at)
    return updated


@program(static_argnames=("extract", "shape"), donate_argnames="gradient")
def backward_tile(
    params: Any,
    image: Float[Array, "h w 3"],
    cotangents: Features,
    gradient: Float[Array, "h w 3"],
    start: Int[Array, 2],
    owned: Int[Array, 4],
    *,
    extract: Extractor,
    shape: tuple[int, int],
) -> Float[Array, "h w 3"]:
    """Add one tile's part to the gradient with respect to the picture."""
    features, pull = jax.vjp(partial(extract, params), _cut(image, start, shape))
    fields = extract.receptive_fields()
    parts: Mapping[str, Any] = {
        name: _owned_part(cotangents[name], part.shape, start, owned, fields[name].stride)
        for name, part in features.items()
    }
    (gradient_of_tile,) = pull(parts)
    return _put(gradient, _cut(gradient, start, shape) + gradient_of_tile, start)


def _owned_part(
    cotangents: Float[Array, "_h _w _c"],
    shape: tuple[int, ...],
    start: Int[Array, 2],
    owned: Int[Array, 4],
    stride: int,
) -> Float[Array, "_k _l _c"]:
    at = start // stride
    return jnp.where(_owned(shape, at, owned, stride), _cut(cotangents, at, shape[:2]), 0)


def _owned(
    shape: tuple[int, ...], at: Int[Array, 2], owned: Int[Array, 4], stride: int
) -> Float[Array, "h w 1"]:
    """Mark the positions of a layer that a tile owns: each position has one tile."""
    rows, columns = ((jnp.arange(shape[k]) + at[k]) * stride for k in range(2))
    inside = (rows >= owned[0]) & (rows < owned[1])
    return inside[:, None, None] & ((columns >= owned[2]) & (columns < owned[3]))[None, :, None]


def _cut(
    grid: Float[Array, "_h _w _c"], at: Int[Array, 2], shape: tuple[int, ...]
) -> Float[Array, "_k _l _c"]:
    return jax.lax.dynamic_slice(grid, jnp.append(at, 0), (*shape[:2], grid.shape[2]))


def _put(
    grid: Float[Array, "_h _w _c"], part: Float[Array, "_k _l _c"], at: Int[Array, 2]
) -> Float[Array, "_h _w _c"]:
    return jax.lax.dynamic_update_slice(grid, part, jnp.append(at, 0))
