"""Calibration: constants that put all terms into one unit, at every size."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle._util.forms import NUMBERS_OR_ROWS, mapping
from jaxstyle._util.inputs import read_input
from jaxstyle.objective.objective import Extract, Features, Objective, term_distances
from jaxstyle.objective.term import Term

Image = Float[Array, "h w 3"]
Constants = tuple[Float[Array, "_layers"], ...]
"""For each term a calibration constant for each of its layers."""

GRADIENTS_AT_ONCE = 4
"""Gradients that pass through the network at a time, at 128 pixels; fewer of larger pictures."""

POSITIONS = 4096
"""Positions that terms which draw some draw while they are measured."""

ALIKE = 1e-4
"""Pictures whose root mean square difference is smaller are the same but for rounding."""

WINDOW, PER_SIDE = 128, 2
"""Side of the windows, in pixels, that stand for a larger picture, and how many to a side."""

ALIGNED = 32
"""Windows begin where every network's coarsest layer has a position."""


def calibrate(extract: Extract, objective: Objective, reference: Image) -> Objective:
    """Scale every term so that its gradient has unit root mean square at `reference`.

    First each layer of a term, so that layers share by their layer weights alone; then the term as
    a whole, so that weight 1 pulls equally hard whatever the metric or the layers.

    A layer's gradient with respect to features is computed for the whole picture. What the network
    makes of its length (a backward pass for each layer of each term) is measured on the whole of a
    picture of up to 65,536 pixels, of a larger one in four windows in its corners, which is within
    about 10% (benchmarks/calibration.md); of a picture under masks in windows that cover it.

    Args:
        extract: Features of a picture.
        objective: The result of `prepare`; its scales are replaced.
        reference: A picture where no term's gradient vanishes: see `calibration_reference`.

    Returns:
        The calibrated objective. A layer that has no gradient there (a dead one) keeps its share of
        scale 1.
    """

    def with_image(image: Image) -> Features:
        return {**extract(image), "image": image}

    features, pull_back = jax.vjp(with_image, reference)
    terms = [replace(term, positions=POSITIONS) if term.draws else term for term in objective.terms]
    gradients = _gradients(replace(objective, terms=tuple(terms)), features)
    masked = any(one is not None for term in objective.positions for one in term)
    starts, shape = _windows(reference.shape[:2], masked)
    if len(starts) == 1:
        products, squares = _products(gradients, features, pull_back)
    else:
        cropped = [_crops(gradient, reference.shape[0], starts, shape) for gradient in gradients]

        def in_window(window: Any) -> tuple[Array, Array]:
            start, gradients = window
            at = jax.lax.dynamic_slice(reference, (*start, 0), (*shape, 3))
            return _products(gradients, *jax.vjp(with_image, at))

        by_window = jax.lax.map(in_window, (jnp.array(starts), cropped))
        products, squares = jax.tree.map(partial(jnp.sum, axis=0), by_window)

    lengths = jnp.sqrt(_squares(gradients) / reference.size)
    lengths *= jnp.sqrt(jnp.array(_drawn(objective, features)))
    return replace(objective, scales=_scales(objective, lengths, products, squares))


def _scales(
    objective: Objective,
    lengths: Float[Array, " all"],
    products: Float[Array, "all all"],
    squares: Float[Array, " all"],
) -> Constants:
    """Compute the constants.

    Args:
        objective: The terms.
        lengths: Of each layer's gradient with respect to features.
        products, squares: See `_products`; of the whole picture or of a part of it.
    """
    sizes = jnp.sqrt(jnp.diag(products))
    through = sizes * _reciprocal(jnp.sqrt(squares))
    layers = _reciprocal(jnp.where(through > 0, through, 1.0) * lengths)
    # A term's gradient is the sum of its layers', each at unit length times its share.
    shares = jnp.concatenate([jnp.asarray(term.layer_weights) for term in objective.terms])
    shares *= _reciprocal(sizes)
    scales, first = [], 0
    for targets in objective.targets:
        part = slice(first, first + len(targets))
        total = shares[part] @ products[part, part] @ shares[part]
        scales.append(layers[part] * _reciprocal(jnp.sqrt(total)))
        first += len(targets)
    return tuple(scales)


def _windows(shape: Sequence[int], masked: bool) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Return where the windows of a picture begin, and their shape; one where it is small."""
    height, width = shape
    if height * width <= (PER_SIDE * WINDOW) ** 2:
        return [(0, 0)], (height, width)
    begins = []
    for side in shape:
        count = -(-side // WINDOW) if masked or side <= WINDOW else PER_SIDE
        last = max(0, side - WINDOW)
        begins.append([int(y) // ALIGNED * ALIGNED for y in np.linspace(0, last, count)])
    window = (min(height, WINDOW), min(width, WINDOW))
    return [(y, x) for y in begins[0] for x in begins[1]], window


def _crops(
    gradient: Features, height: int, starts: Sequence[tuple[int, int]], shape: tuple[int, int]
) -> Features:
    """Return what of a gradient lies in each window, stacked."""

    def crops(grid: Float[Array, "_h _w _c"]) -> Float[Array, "windows _k _l _c"]:
        stride = round(height / grid.shape[0])
        size = [-(-side // stride) for side in shape]
        corners = [(y // stride, x // stride) for y, x in starts]
        slices = [
            jax.lax.dynamic_slice(grid, (*corner, 0), (*size, grid.shape[-1])) for corner in corners
        ]
        return jnp.stack(slices)

    return {name: crops(grid) for name, grid in gradient.items()}


def _drawn(objective: Objective, features: Features) -> list[float]:
    """Return for each layer of each term which share of its positions is drawn.

    The mean over n positions, estimated from k of them, has n/k times as long a gradient at k of n
    positions: together √(n/k) times as long.
    """
    numbers = range(len(objective.terms))
    counts = [n for number in numbers for n in _counts(objective, number, features)]
    return [min(1.0, POSITIONS / count) for count in counts]


def _counts(objective: Objective, number: int, features: Features) -> list[int]:
    """Return from how many positions a term draws at each of its layers; 1 if it draws none."""
    term, targets = objective.terms[number], objective.targets[number]
    if not term.draws:
        return [1] * len(targets)
    grids = [features[str(ref)] for ref in term.layers]
    counts = [
        grid.shape[0] * grid.shape[1] if indices is None else indices.size
        for grid, indices in zip(grids, objective.positions[number], strict=True)
    ]
    return counts if len(targets) == len(counts) else [counts[len(counts) // 2]]


def _gradients(objective: Objective, features: Features) -> list[Features]:
    """Compute the gradient of the distance at each layer of each term, by the layers it needs."""
    gradients: list[Features] = []
    for number, term in enumerate(objective.terms):
        names = [str(ref) for ref in term.layers]

        def total(grids: Features, number: int = number) -> Array:
            image = grids.get("image", features["image"])
            return jnp.sum(jnp.stack(term_distances(objective, number, image, grids)))

        gradient = jax.grad(total)({name: features[name] for name in names})
        # The distance at a layer depends on that layer alone, or there is one of all layers.
        whole = term.metric.expects == "layers"
        gradients += [gradient] if whole else [{name: gradient[name]} for name in names]
    return gradients


def _squares(gradients: Sequence[Features]) -> Float[Array, " all"]:
    """Compute each gradient's sum of squares."""
    sums = [
        sum(jnp.sum(jnp.square(leaf.astype(jnp.float32))) for leaf in gradient.values())
        for gradient in gradients
    ]
    return jnp.stack([jnp.asarray(total) for total in sums])


def _products(
    gradients: Sequence[Features], features: Features, pull_back: Callable[[Features], Any]
) -> tuple[Float[Array, "all all"], Float[Array, " all"]]:
    """Pass each gradient back to the pixels.

    Returns:
        The inner products of all gradients with respect to the pixels, and the squared length of
        each with respect to features.
    """
    through = [number for number, gradient in enumerate(gradients) if set(gradient) != {"image"}]
    stacks, places = {}, {}  # of each layer zeros and the gradients, and which of them in which row
    for name, grid in features.items():
        members = [number for number in through if name in gradients[number]]
        stacks[name] = jnp.stack([jnp.zeros_like(grid), *(gradients[k][name] for k in members)])
        rows = [members.index(k) + 1 if k in members else 0 for k in through]
        places[name] = jnp.array(rows, jnp.int32)

    def to_pixels(places: Any) -> Image:
        pixels: Image = pull_back({name: stacks[name][place] for name, place in places.items()})[0]
        return pixels

    most = max(1, round(GRADIENTS_AT_ONCE * 128**2 * 3 / features["image"].size))
    pulls = dict(zip(through, _map_in_batches(to_pixels, places, len(through), most), strict=True))
    pixels = [pulls[k] if k in pulls else grad["image"] for k, grad in enumerate(gradients)]
    table = jnp.stack(pixels).reshape(len(gradients), -1)
    return jnp.matmul(table, table.T, precision="highest"), _squares(gradients)


def _map_in_batches(function: Callable[[Any], Array], rows: Any, count: int, most: int) -> Array:
    """Apply a function to `count` rows, at most so many at a time.

    Zeros behind the last make all batches equal, so that the function is compiled once.
    """
    batches = max(1, -(-count // most))
    width = -(-count // batches)
    if batches == 1:
        return jax.vmap(function)(rows)
    padded = jax.tree.map(lambda row: jnp.pad(row, (0, batches * width - count)), rows)
    return jax.lax.map(function, padded, batch_size=width)[:count]


def _reciprocal(size: Float[Array, _n]) -> Float[Array, _n]:
    usable = jnp.isfinite(size) & (size > 0)
    return jnp.where(usable, 1 / jnp.where(usable, size, 1.0), 1.0)


def calibration_reference(
    content: Image, style: Float[Array, "k l 3"] | Sequence[Float[Array, "_k _l 3"]]
) -> Image:
    """Average the content and the styles stretched to its shape.

    The content term's gradient is zero at the content picture, a style term's at the style. Halfway
    between, both pull; and it has the detail of a real picture, as the result will. Where the
    content is the style, it is averaged with itself in reverse order (rows, columns and channels).
    """
    styles = style if isinstance(style, (list, tuple)) else [style]
    stretched = [jax.image.resize(picture, content.shape, "linear") for picture in styles]
    other = sum(stretched[1:], stretched[0]) / len(stretched)
    is_alike = jnp.mean((content - other) ** 2) < ALIKE**2
    return (content + jnp.where(is_alike, content[::-1, ::-1, ::-1], other)) / 2


def given_constants(
    given: Mapping[str, Any], names: Sequence[str], terms: Sequence[Term], scales: int = 1
) -> list[Constants]:
    """Return calibration constants given by hand for each scale, checked against their terms.

    Args:
        given: For each term a number for each layer, the same at every scale; or such a list for
            each scale.
        names: The terms' names.
        terms: The terms.
        scales: The number of scales.

    Raises:
        ValueError: A term lacks constants, or has another number of layers or scales.
    """
    columns = []
    for name, term in zip(names, terms, strict=True):
        layers = len(term.layer_weights)
        try:
            values = np.atleast_1d(np.asarray(given.get(name, []), np.float32))
        except (ValueError, TypeError, OverflowError):  # rows of unlike lengths; no numbers
            values = np.empty(0, np.float32)
        if values.shape not in ((layers,), (scales, layers)) or not np.isfinite(values).all():
            raise ValueError(
                f"expected {layers} finite calibration constants for {name}, or as many for each "
                f"of {scales} scales; got {given.get(name)}"
            )
        columns.append(np.broadcast_to(values, (scales, layers)))
    return [tuple(map(jnp.asarray, row)) for row in zip(*columns, strict=True)]


def read_constants(path: str) -> Mapping[str, Any]:
    """Read calibration constants by term from a JSON file, or from a run's manifest.

    Raises:
        ValueError: The file is not JSON, or holds no constants.
        OSError: It cannot be read.
    """
    try:
        data = json.loads(read_input(path))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"expected JSON in {path}: {error}") from None
    except OSError as error:
        raise OSError(f"cannot read the constants in {path}: {error.strerror}") from None
    constants = data.get("calibration", data) if isinstance(data, dict) else data
    try:
        mapping(NUMBERS_OR_ROWS)("calibration", constants)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return cast("Mapping[str, Any]", constants)
