"""Large pictures: features tile by tile, and their gradient, exactly those of the whole picture.

What fills the memory of a step are the network's activations, not the features that are compared.
So the network sees one tile at a time and the features that terms need are put together: then every
metric, whatever it does with them, sees the whole picture. On the way back each tile is run
again, and takes its part of the features' gradient with it. Tiles overlap by what a position sees
(`architectures.receptive_field`), so nothing is approximated: features and gradient are those of the
untiled picture to rounding.

The host goes from tile to tile. The programs are compiled for a tile, whatever the picture's size.
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

from jaxstyle.backbones.extractor import Extractor

Features = dict[str, Float[Array, "_h _w _c"]]


class Span(NamedTuple):
    """A tile along one axis: its first pixel and its length; and the pixels that it answers for."""

    start: int
    length: int
    first: int
    end: int


def spans(side: int, tile: int, before: int, after: int, stride: int) -> list[Span]:
    """Tiles along one axis; all but the last have one length.

    >>> spans(100, 64, 8, 8, 4)
    [Span(start=0, length=60, first=0, end=52), Span(start=44, length=56, first=52, end=100)]

    Args:
        side: Length of the picture.
        tile: Longest that a tile may be.
        before: Pixels that a position sees before its own.
        after: And behind.
        stride: All tiles start at a multiple of it.

    Raises:
        ValueError: A tile would be all overlap.
    """
    if side <= tile:
        return [Span(0, side, 0, side)]
    before, after = (math.ceil(each / stride) * stride for each in (before, after))
    inner = (tile - before - after) // stride * stride
    if inner < stride:
        raise ValueError(
            f"tiles of {tile} pixels are too small for these layers: a position sees "
            f"{before + after} pixels; at least {before + after + stride} are needed"
        )
    count = math.ceil((side - before - after) / inner)
    inner = math.ceil((side - before - after) / count / stride) * stride
    found = []
    for number in range(count):
        start = number * inner
        last = start + before + inner + after >= side
        end = side if last else start + before + inner
        length = side - start if last else before + inner + after
        found.append(Span(start, length, start + before if number else 0, end))
        if last:
            break
    return found


class Tiling(NamedTuple):
    """How a picture is cut.

    Attributes:
        shapes: Every shape of a tile, most frequent first.
        tiles: For each its shape, where it starts, and the rows and columns it answers for:
            `(first row, end row, first column, end column)`.
    """

    shapes: tuple[tuple[int, int], ...]
    tiles: tuple[tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]], ...]


def tiling(extract: Extractor, shape: tuple[int, ...], tile: int) -> Tiling:
    """Cut a picture into tiles that see enough.

    Args:
        extract: Whose layers are needed.
        shape: Of the picture.
        tile: Longest side of a tile, pixels.
    """
    receptive_fields = extract.receptive_fields().values()
    reach = (
        max((-each.first for each in receptive_fields), default=0),
        max((each.last for each in receptive_fields), default=0),
        max((each.stride for each in receptive_fields), default=1),
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
    for own, *_ in tiles:
        counts[own] = counts.get(own, 0) + 1
    return Tiling(tuple(sorted(counts, key=counts.__getitem__, reverse=True)), tiles)


def features(extract: Extractor, params: Any, image: Float[Array, "h w 3"], tile: int) -> Features:
    """The features of a picture, from tiles."""
    whole: Features = {
        name: jnp.zeros(each.shape, each.dtype)
        for name, each in jax.eval_shape(extract, params, image).items()
    }
    for shape, start, own in tiling(extract, image.shape, tile).tiles:
        whole = look(params, image, whole, _leaf(start), _leaf(own), extract=extract, shape=shape)
    return whole


def pull_back(
    extract: Extractor,
    params: Any,
    image: Float[Array, "h w 3"],
    slopes: Features,
    gradient: Float[Array, "h w 3"],
    tile: int,
) -> Float[Array, "h w 3"]:
    """A gradient with respect to features as one with respect to the picture, from tiles.

    Args:
        extract: Whose features.
        params: Its weights.
        image: The picture.
        slopes: The gradient with respect to each layer's features.
        gradient: What the result is added to; given away.
        tile: Longest side of a tile, pixels.
    """
    for shape, start, own in tiling(extract, image.shape, tile).tiles:
        gradient = look_back(
            params,
            image,
            slopes,
            gradient,
            _leaf(start),
            _leaf(own),
            extract=extract,
            shape=shape,
        )
    return gradient


def _leaf(numbers: tuple[int, ...]) -> Int[np.ndarray, " n"]:
    return np.array(numbers, np.int32)


@partial(jax.jit, static_argnames=("extract", "shape"), donate_argnames="whole")
def look(
    params: Any,
    image: Float[Array, "h w 3"],
    whole: Features,
    start: Int[Array, 2],
    own: Int[Array, 4],
    *,
    extract: Extractor,
    shape: tuple[int, int],
) -> Features:
    """Put the features of one tile where they belong."""
    found = extract(params, _cut(image, start, shape))
    receptive_fields = extract.receptive_fields()
    filled = {}
    for name, part in found.items():
        stride = receptive_fields[name].stride
        at = start // stride
        old = _cut(whole[name], at, part.shape[:2])
        mine = _owned(part.shape, at, own, stride)
        filled[name] = _put(whole[name], jnp.where(mine, part, old), at)
    return filled


@partial(jax.jit, static_argnames=("extract", "shape"), donate_argnames="gradient")
def look_back(
    params: Any,
    image: Float[Array, "h w 3"],
    slopes: Features,
    gradient: Float[Array, "h w 3"],
    start: Int[Array, 2],
    own: Int[Array, 4],
    *,
    extract: Extractor,
    shape: tuple[int, int],
) -> Float[Array, "h w 3"]:
    """Add what one tile has to say to the gradient with respect to the picture."""
    found, pull = jax.vjp(partial(extract, params), _cut(image, start, shape))
    receptive_fields = extract.receptive_fields()
    parts: Mapping[str, Any] = {
        name: _mine(slopes[name], part.shape, start, own, receptive_fields[name].stride)
        for name, part in found.items()
    }
    (slope,) = pull(parts)
    return _put(gradient, _cut(gradient, start, shape) + slope, start)


def _mine(
    slopes: Float[Array, "_h _w _c"],
    shape: tuple[int, ...],
    start: Int[Array, 2],
    own: Int[Array, 4],
    stride: int,
) -> Float[Array, "_k _l _c"]:
    at = start // stride
    return jnp.where(_owned(shape, at, own, stride), _cut(slopes, at, shape[:2]), 0)


def _owned(
    shape: tuple[int, ...], at: Int[Array, 2], own: Int[Array, 4], stride: int
) -> Float[Array, "h w 1"]:
    """Which positions of a layer a tile answers for: each position has one tile."""
    rows, columns = ((jnp.arange(shape[k]) + at[k]) * stride for k in range(2))
    inside = (rows >= own[0]) & (rows < own[1])
    return inside[:, None, None] & ((columns >= own[2]) & (columns < own[3]))[None, :, None]


def _cut(
    grid: Float[Array, "_h _w _c"], at: Int[Array, 2], shape: tuple[int, ...]
) -> Float[Array, "_k _l _c"]:
    return jax.lax.dynamic_slice(grid, (at[0], at[1], 0), (*shape[:2], grid.shape[2]))


def _put(
    grid: Float[Array, "_h _w _c"], part: Float[Array, "_k _l _c"], at: Int[Array, 2]
) -> Float[Array, "_h _w _c"]:
    return jax.lax.dynamic_update_slice(grid, part, (at[0], at[1], 0))
