"""Calibration: constants that put all terms into one unit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxstyle.objective.objective import Extract, Objective, distances
from jaxstyle.objective.term import Term

Constants = tuple[Float[Array, "_layers"], ...]
"""For each term a calibration constant for each of its layers."""

GRADIENTS_AT_ONCE = 16
"""Gradients that a calibration computes at a time."""


def calibrate(
    extract: Extract, objective: Objective, reference: Float[Array, "h w 3"]
) -> Objective:
    """Scale every term so that its gradient has unit root mean square at `reference`.

    First each layer of a term, so that layers share by their layer weights alone; then the term as
    a whole, so that weight 1 pulls equally hard whatever the metric, the layers or the size.

    Args:
        extract: Features of a picture.
        objective: The result of `prepare`; its scales are replaced.
        reference: A picture where no term's gradient vanishes: see `calibration_reference`.

    Returns:
        The calibrated objective. A layer whose gradient does vanish there (two identical pictures,
        a dead layer) keeps scale 1 instead of an infinite one.
    """
    sizes = [len(targets) for targets in objective.targets]
    total = sum(sizes)

    def rms(gradients: Float[Array, "n h w 3"]) -> Float[Array, " n"]:
        return jnp.sqrt(jnp.mean(gradients**2, axis=(1, 2, 3)))

    def reciprocal(size: Float[Array, _n]) -> Float[Array, _n]:
        usable = jnp.isfinite(size) & (size > 1e-20)
        return jnp.where(usable, 1 / jnp.where(usable, size, 1.0), 1.0)

    def all_distances(image: Float[Array, "h w 3"]) -> Float[Array, " all"]:
        return jnp.concatenate(distances(extract, objective, image))

    # Features once; a gradient for each layer, not too many at a time.
    values, pull_back = jax.vjp(all_distances, reference)
    gradients = jax.lax.map(
        lambda row: pull_back(row)[0],
        jnp.eye(total, dtype=values.dtype),
        batch_size=GRADIENTS_AT_ONCE,
    )
    layer_scales = reciprocal(rms(gradients))
    shares = jnp.concatenate([jnp.asarray(term.layer_weights) for term in objective.terms])
    member = jnp.repeat(jnp.arange(len(sizes)), jnp.array(sizes), total_repeat_length=total)
    rows = jax.nn.one_hot(member, len(sizes)).T * (shares * layer_scales)
    # A term's gradient is the sum of its layers'.
    term_scales = reciprocal(rms(jnp.tensordot(rows, gradients, 1, precision="highest")))
    scales = layer_scales * term_scales[member]
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes) - 1)]
    return replace(objective, scales=tuple(jnp.split(scales, ends)))


def calibration_reference(
    content: Float[Array, "h w 3"],
    style: Float[Array, "k l 3"] | Sequence[Float[Array, "_k _l 3"]],
) -> Float[Array, "h w 3"]:
    """Average the content and the style stretched to its shape; of several styles the first.

    The content term's gradient is zero at the content picture, a style term's at the style. Halfway
    between, both pull; and it has the detail of a real picture, as the result will.
    """
    first = style[0] if isinstance(style, (list, tuple)) else style
    return (content + jax.image.resize(first, content.shape, "linear")) / 2


def given_constants(
    given: Mapping[str, Sequence[float]], names: Sequence[str], terms: Sequence[Term]
) -> Constants:
    """Return calibration constants given by hand, checked against their terms.

    Raises:
        ValueError: A term lacks constants, or has another number of layers.
    """
    constants = []
    for name, term in zip(names, terms, strict=True):
        values = np.atleast_1d(np.asarray(given.get(name, []), np.float32))
        if values.shape != (len(term.layer_weights),) or not np.isfinite(values).all():
            raise ValueError(
                f"expected {len(term.layer_weights)} finite calibration constants for {name}, "
                f"got {given.get(name)}"
            )
        constants.append(jnp.asarray(values))
    return tuple(constants)


def read_constants(path: str) -> Mapping[str, Sequence[float]]:
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
    constants: Mapping[str, Sequence[float]] = {}
    if isinstance(data, dict):
        constants = data.get("calibration", data)
    return constants
