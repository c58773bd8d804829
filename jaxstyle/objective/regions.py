"""Regions: which part of the content takes which style, and which positions a metric compares.

A mask is a density of positions. At every layer it is resized to the layer's size, and positions
are chosen from the grid as densely as the mask is there. A metric then gets a set of features, so
every metric can be guided, those that draw or sort positions too: under a mask of ones it gets all
positions in their order, under a binary mask exactly those inside.

Metrics that need the grid say themselves which of its patches or blocks they count where the mask
is a half or more (`Metric.select`); one that does not gets the rectangle around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int
from PIL import Image

from jaxstyle.image.masks import Mask
from jaxstyle.metrics import Metric
from jaxstyle.metrics.metric import Inside
from jaxstyle.specs import LayerRef

PositionIndices = tuple[Any, ...]
"""For each layer the positions that a metric compares, counted row by row, or what its `select`
returns; None for all."""


class Region(NamedTuple):
    """Part of the content, and the part of the style that it takes; None for all of it."""

    content: Mask | None = None
    style: Mask | None = None


class StyleAssignment(NamedTuple):
    """What one copy of the style terms compares with, where, and how much it counts."""

    styles: tuple[int, ...] = (0,)  # which style pictures; the targets of several are averaged
    shares: tuple[float, ...] = (1.0,)  # how much of each; they add up to 1
    region: int | None = None  # number of the region that takes them; None for the whole picture
    weight: float = 1.0  # multiplies the style terms' weights


class ContentAssignment(NamedTuple):
    """Where the content terms count, and how much."""

    region: int | None = None  # number of a region; None for the whole picture
    weight: float = 1.0  # multiplies the content terms' weights


def assign_styles(
    shares: Sequence[float], variants: int, regions: Sequence[Region], blend: str
) -> tuple[StyleAssignment, ...]:
    """Assign several styles and their variants to the picture or its regions.

    Args:
        shares: How much each style counts; they are divided by their sum. With regions each style
            belongs to its own, or the only one to all, and shares do not count.
        variants: Pictures of each style (its scales and rotations), in equal shares.
        regions: Empty for the whole picture.
        blend: `"sum"` adds the losses of all pictures, `"mix"` compares with the mean of their
            targets.

    Raises:
        ValueError: Another number of styles than of regions.

    >>> assign_styles((3.0, 1.0), 1, (), "mix")
    (StyleAssignment(styles=(0, 1), shares=(0.75, 0.25), region=None, weight=1.0),)
    """
    if regions and len(shares) not in (1, len(regions)):
        raise ValueError(f"expected one style or one for each of {len(regions)} regions")
    if not regions:
        parts = [share / sum(shares) / variants for share in shares for _ in range(variants)]
        return _blended(range(len(parts)), parts, blend, None, 1.0)
    assignments: tuple[StyleAssignment, ...] = ()
    for number, region in enumerate(regions):
        first = number * variants if len(shares) > 1 else 0
        # Calibrated terms pull with unit root mean square over the whole picture: so a region's
        # pixels are pulled as hard as they would be without regions.
        weight = 1.0 if region.content is None else float(np.sqrt(region.content.mean()))
        pictures = range(first, first + variants)
        assignments += _blended(pictures, [1 / variants] * variants, blend, number, weight)
    return assignments


def _blended(
    pictures: Sequence[int], shares: Sequence[float], blend: str, region: int | None, weight: float
) -> tuple[StyleAssignment, ...]:
    if blend == "mix":
        return (StyleAssignment(tuple(pictures), tuple(shares), region, weight),)
    return tuple(
        StyleAssignment((picture,), (1.0,), region, weight * share)
        for picture, share in zip(pictures, shares, strict=True)
    )


def place_styles(
    assignments: Sequence[StyleAssignment],
    regions: Sequence[Region],
    weights: Mask | None,
    calibrated: bool,
) -> tuple[tuple[StyleAssignment, ...], tuple[Region, ...]]:
    """Weight the style terms of each region, or of the whole picture, by place.

    Args:
        assignments: Which styles go where.
        regions: That they name; their masks are as large as `weights`.
        weights: A map; None for 1 everywhere.
        calibrated: Whether terms are in one unit: see `weigh`.
    """
    if weights is None:
        return tuple(assignments), tuple(regions)
    weighed = [weigh(region.content, weights, calibrated) for region in regions or (Region(),)]
    placed = tuple(
        assignment._replace(
            region=assignment.region or 0,
            weight=assignment.weight * weighed[assignment.region or 0][1],
        )
        for assignment in assignments
    )
    pairs = zip(regions or (Region(),), weighed, strict=True)
    return placed, tuple(region._replace(content=mask) for region, (mask, _) in pairs)


def weigh(where: Mask | None, weights: Mask, calibrated: bool) -> tuple[Mask, float]:
    """Multiply a region's density by weights.

    Args:
        where: The density; None for 1 everywhere.
        weights: As large.
        calibrated: Whether terms have gradients of unit root mean square, whatever their positions.

    Returns:
        The density, and what multiplies the term's weight, so that the gradient at each place is
        that of the region without weights, times the weight there.

    >>> weigh(None, np.full((2, 2), 0.25), calibrated=True)[1]
    0.25
    """
    density = weights if where is None else where * weights
    whole = 1.0 if where is None else float(where.mean())
    if not whole:
        return density, 0.0
    if calibrated:
        return density, float(np.sqrt((density * weights).mean() / whole))
    return density, float(density.mean() / whole)


def multiplied(masks: Sequence[Mask | None], shape: tuple[int, int]) -> Mask | None:
    """Multiply masks; several of them are resized to one shape, a single one stays as it is."""
    given = [mask for mask in masks if mask is not None]
    if len(given) < 2:
        return given[0] if given else None
    product = np.ones(shape, np.float32)
    for mask in given:
        product = product * resize_mask(mask, shape)
    return product


def union(masks: Sequence[Mask], shape: tuple[int, int]) -> Mask:
    """Add masks, up to 1, each resized: so two whose soft edges meet leave no gap.

    Where a mask is 0, and next to nothing else, it stays exactly 0.
    """
    total = np.zeros(shape, np.float32)
    for mask in masks:
        total = total + resize_mask(mask, shape, smooth=True)
    # What rounding leaves of 1 is 1.
    return np.where(total > 1 - 1e-5, np.float32(1), np.maximum(total, 0))


def select_positions(
    mask: Mask | None,
    metric: Metric,
    layers: Sequence[LayerRef],
    shapes: Mapping[str, tuple[int, int]],
    *,
    repeats: bool = False,
) -> PositionIndices:
    """Select the positions of each layer that a metric compares under a mask.

    Args:
        mask: None for all positions.
        metric: That compares them.
        layers: Of its term.
        shapes: Height and width of each layer.
        repeats: Repeat what is selected until it is as many as without a mask, of metrics that
            `can_repeat`: so masks of different contents share their programs.
    """
    if mask is None:
        return (None,) * len(layers)
    chosen, repeats = metric.select or rectangle_around, repeats and can_repeat(metric)

    def select(shape: tuple[int, int]) -> Any:
        if metric.expects == "positions":
            indices = positions_under(mask, shape)
            if repeats:
                return repeated(indices, shape[0] * shape[1])
            return None if len(indices) == shape[0] * shape[1] else indices
        inside = inside_under(mask, shape)
        if repeats:
            return repeated(chosen(inside), len(chosen(np.ones_like(inside))))
        return None if inside.all() else chosen(inside)

    return tuple(select(shapes[str(layer)]) for layer in layers)


def can_repeat(metric: Metric) -> bool:
    """Whether what a metric compares is a set, of which anything may come more than once.

    A rectangle is none, nor are blocks of several sizes.
    """
    if metric.expects == "positions":
        return True
    return metric.select is not None and isinstance(
        metric.select(np.ones((8, 8), bool)), np.ndarray
    )


def repeated(rows: Int[np.ndarray, "n ..."], count: int) -> Int[np.ndarray, "count ..."]:
    """Repeat rows until they are `count`, all of them as often as others, or once more.

    >>> repeated(np.array([3, 5, 8]), 7).tolist()
    [3, 3, 3, 5, 5, 8, 8]
    """
    return rows[np.arange(count) * len(rows) // count]


def resize_mask(mask: Mask, shape: tuple[int, int], smooth: bool = False) -> Mask:
    """Resize a mask: the mean of what each position covers.

    Args:
        mask: Of any size.
        shape: Height and width.
        smooth: Interpolate where it is enlarged.
    """
    height, width = shape
    if mask.shape == shape:
        return np.asarray(mask, np.float32)
    image = Image.fromarray(np.ascontiguousarray(mask, dtype=np.float32))
    enlarges = height > mask.shape[0] or width > mask.shape[1]
    method = Image.Resampling.BILINEAR if smooth and enlarges else Image.Resampling.BOX
    return np.asarray(image.resize((width, height), method))


def positions_under(mask: Mask, shape: tuple[int, int]) -> Int[np.ndarray, " n"]:
    """Select positions of a grid where the mask is dense; at least the densest one.

    Ordered dithering: a position is selected if its density exceeds its threshold, and thresholds
    are spread evenly over any neighborhood (the additive recurrence of the plastic number). So all
    positions of density 1 are selected, none of density 0, and of a half every other.

    >>> positions_under(np.array([[0.0, 1.0], [1.0, 1.0]]), (2, 2)).tolist()
    [1, 2, 3]
    """
    density = resize_mask(mask, shape)
    rows, columns = np.indices(shape)
    thresholds = (0.5 + 0.7548776662466927 * rows + 0.5698402909980532 * columns) % 1
    indices = np.flatnonzero(density > thresholds)
    return indices if len(indices) else np.array([density.argmax()])


def inside_under(mask: Mask, shape: tuple[int, int]) -> Inside:
    """Return which positions of a grid lie inside: where the density is a half, or the highest."""
    density = resize_mask(mask, shape)
    inside: Inside = density >= min(0.5, density.max())
    return inside


def rectangle_around(inside: Inside) -> Int[np.ndarray, "k l"]:
    """Select the rectangle around what is inside, for metrics of grids that select nothing.

    Where it is not inside, the nearest position inside stands in: of the same row, or of the
    nearest row that has any. If what is inside is a rectangle, it is exactly the crop.
    """
    rows = np.flatnonzero(inside.any(1))
    columns = np.flatnonzero(inside.any(0))
    grid = []
    for row in range(rows[0], rows[-1] + 1):
        source_row = rows[np.abs(rows - row).argmin()]
        usable = np.flatnonzero(inside[source_row])
        wanted = np.arange(columns[0], columns[-1] + 1)
        nearest = usable[np.abs(usable[None, :] - wanted[:, None]).argmin(1)]
        grid.append(source_row * inside.shape[1] + nearest)
    return np.stack(grid)
