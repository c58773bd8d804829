"""Calibration: constants that put all terms into one unit, at every size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle.objective.objective import Extract, Features, Objective, term_distances
from jaxstyle.objective.term import Term

Image = Float[Array, "h w 3"]
Constants = tuple[Float[Array, "_layers"], ...]
"""For each term a calibration constant for each of its layers."""

GRADIENTS_AT_ONCE = 4
"""Gradients that a measurement computes at a time, at 128 pixels; fewer of larger pictures."""

POSITIONS = 4096
"""Positions that terms which draw some draw while they are measured."""

VANISHING = 1e-4
"""A gradient this much shorter than at reversed features is rounding."""


class Gains(NamedTuple):
    """What the network makes of the terms' gradients: hardly changes from one size to the next.

    Attributes:
        through: For each layer of each term the length of its gradient with respect to the pixels,
            divided by the length of that with respect to features.
        together: For each layer the reciprocal of the length of its term's gradient, in which each
            layer has its share of one.
        instead: The length of the gradient at reversed features, where that at the picture is
            rounding; 0 elsewhere.
    """

    through: Float[Array, " all"]
    together: Float[Array, " all"]
    instead: Float[Array, " all"]


def calibrate(extract: Extract, objective: Objective, reference: Image) -> Objective:
    """Scale every term so that its gradient has unit root mean square at `reference`.

    First each layer of a term, so that layers share by their layer weights alone; then the term as
    a whole, so that weight 1 pulls equally hard whatever the metric or the layers.

    Args:
        extract: Features of a picture.
        objective: The result of `prepare`; its scales are replaced.
        reference: A picture where no term's gradient vanishes: see `calibration_reference`.

    Returns:
        The calibrated objective. A layer whose gradient is rounding there (of two identical
        pictures) is calibrated at the features in reverse order (rows, columns and channels), which
        are as unlike; one that has none there either (a dead layer) keeps its share of scale 1.
    """
    gains = measure(extract, objective, reference)
    return calibrate_by(extract, objective, reference, gains)


def measure(extract: Extract, objective: Objective, reference: Image) -> Gains:
    """Measure the gains, by a backward pass through the network for each layer of each term."""
    features, pull_back = jax.vjp(extract, reference)
    gradients = _gradients(objective, reference, features)

    def to_pixels(row: Float[Array, " all"]) -> Image:
        direct, of_features = _chosen(row, gradients, features)
        return direct + pull_back(of_features)[0]

    total = len(gradients)
    at_once = max(1, round(GRADIENTS_AT_ONCE * 128**2 * 3 / reference.size))
    pulls = jax.lax.map(to_pixels, jnp.eye(total), batch_size=at_once)
    sizes = jnp.sqrt(jnp.mean(pulls**2, axis=(1, 2, 3)))
    lengths = _lengths(gradients, reference)
    unlike, unlike_features = jax.tree.map(_reversed, (reference, dict(features)))
    others = _lengths(_gradients(objective, unlike, unlike_features), unlike)
    through = sizes * _reciprocal(lengths)
    member = [number for number, targets in enumerate(objective.targets) for _ in targets]
    # A term's gradient is the sum of its layers'.
    shares = jnp.concatenate([jnp.asarray(term.layer_weights) for term in objective.terms])
    parts = jax.nn.one_hot(jnp.array(member), len(objective.terms)).T
    sums = jnp.tensordot(parts * (shares * _reciprocal(sizes)), pulls, 1, precision="highest")
    together = _reciprocal(jnp.sqrt(jnp.mean(sums**2, axis=(1, 2, 3))))
    return Gains(
        jnp.where(through > 0, through, 1.0),
        together[jnp.array(member)],
        jnp.where(lengths > VANISHING * others, 0.0, others),
    )


def calibrate_by(
    extract: Extract, objective: Objective, reference: Image, gains: Gains
) -> Objective:
    """Calibrate by gains that were measured here or at another size, by a forward pass.

    Gradients with respect to features are measured at this size. They change by orders of magnitude
    from one size to another, gains mostly by less than a quarter where sizes differ by a factor of
    two (benchmarks/calibration.py).
    """
    features = extract(reference)
    lengths = _lengths(_gradients(objective, reference, features), reference)
    lengths *= jnp.sqrt(jnp.array(_drawn(objective, reference, features)))
    lengths = jnp.where(gains.instead > 0, gains.instead, lengths)
    scales = gains.together * _reciprocal(gains.through * lengths)
    sizes = [len(targets) for targets in objective.targets]
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes) - 1)]
    return replace(objective, scales=tuple(jnp.split(scales, ends)))


def _reversed(grid: Float[Array, "_h _w _c"]) -> Float[Array, "_h _w _c"]:
    return grid[::-1, ::-1, ::-1]


def _drawn(objective: Objective, image: Image, features: Features) -> list[float]:
    """Return for each layer of each term which share of its positions is drawn.

    The mean over n positions, estimated from k of them, has n/k times as long a gradient at k of n
    positions: together √(n/k) times as long.
    """
    numbers = range(len(objective.terms))
    counts = [n for number in numbers for n in _counts(objective, number, image, features)]
    return [min(1.0, POSITIONS / count) for count in counts]


def _counts(objective: Objective, number: int, image: Image, features: Features) -> list[int]:
    """Return from how many positions a term draws at each of its layers; 1 if it draws none."""
    term, targets = objective.terms[number], objective.targets[number]
    if not term.draws:
        return [1] * len(targets)
    grids = [image if ref.is_image else features[str(ref)] for ref in term.layers]
    counts = [
        grid.shape[0] * grid.shape[1] if indices is None else indices.size
        for grid, indices in zip(grids, objective.positions[number], strict=True)
    ]
    return counts if len(targets) == len(counts) else [counts[len(counts) // 2]]


_Gradient = tuple[Image, dict[str, Any]]
"""With respect to the picture itself, and to the features that are compared."""


def _gradients(objective: Objective, image: Image, features: Features) -> list[_Gradient]:
    """Compute the gradient of the distance at each layer of each term."""
    terms = tuple(
        replace(term, positions=POSITIONS) if term.draws else term for term in objective.terms
    )
    objective, gradients = replace(objective, terms=terms), []
    for number, term in enumerate(terms):
        for layer in range(len(objective.targets[number])):
            whole = term.metric.expects == "layers"
            compared = term.layers if whole else term.layers[layer : layer + 1]
            used = {str(ref): features[str(ref)] for ref in compared if not ref.is_image}

            def distance(image: Image, used: Any, number: int = number, layer: int = layer) -> Any:
                return term_distances(objective, number, image, {**features, **used})[layer]

            gradients.append(jax.grad(distance, argnums=(0, 1))(image, used))
    return gradients


def _lengths(gradients: Sequence[_Gradient], image: Image) -> Float[Array, " all"]:
    """Compute the root of each gradient's sum of squares over the number of the picture's values.

    Of a gradient with respect to the picture it is the root mean square.
    """
    sums = [
        sum(jnp.sum(jnp.square(leaf.astype(jnp.float32))) for leaf in jax.tree.leaves(gradient))
        for gradient in gradients
    ]
    return jnp.sqrt(jnp.stack([jnp.asarray(total) for total in sums]) / image.size)


def _chosen(
    row: Float[Array, " all"], gradients: Sequence[_Gradient], features: Features
) -> _Gradient:
    """Return the sum of the gradients by a row of weights, with zeros where there is none.

    A row of zeros and a one chooses a gradient, and no two of them are in memory side by side.
    """
    direct = sum(weight * gradient[0] for weight, gradient in zip(row, gradients, strict=True))
    sums = {name: jnp.zeros_like(leaf) for name, leaf in features.items()}
    for weight, (_, of_features) in zip(row, gradients, strict=True):
        for name, leaf in of_features.items():
            sums[name] += (weight * leaf).astype(leaf.dtype)
    return jnp.asarray(direct), sums


def _reciprocal(size: Float[Array, _n]) -> Float[Array, _n]:
    usable = jnp.isfinite(size) & (size > 0)
    return jnp.where(usable, 1 / jnp.where(usable, size, 1.0), 1.0)


def calibration_reference(
    content: Image, style: Float[Array, "k l 3"] | Sequence[Float[Array, "_k _l 3"]]
) -> Image:
    """Average the content and the styles stretched to its shape.

    The content term's gradient is zero at the content picture, a style term's at the style. Halfway
    between, both pull; and it has the detail of a real picture, as the result will.
    """
    styles = style if isinstance(style, (list, tuple)) else [style]
    stretched = [jax.image.resize(picture, content.shape, "linear") for picture in styles]
    return (content + sum(stretched[1:], stretched[0]) / len(stretched)) / 2


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
        except ValueError:  # rows of unlike lengths
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
        ValueError: The file is not JSON.
        OSError: It cannot be read.
    """
    try:
        data = json.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"expected JSON in {path}: {error}") from None
    except OSError as error:
        raise OSError(f"cannot read the constants in {path}: {error.strerror}") from None
    constants: Mapping[str, Any] = {}
    if isinstance(data, dict):
        constants = data.get("calibration", data)
    return constants
