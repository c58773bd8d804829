"""The objective: terms, their targets, one unit for their weights, and the weighted sum.

A `Term` says what to compare, `prepare` computes its targets once, `calibrate` puts all terms into
one unit, and `evaluate` is the number that the optimizer lowers. All are pure functions; weights,
targets and calibration constants are array leaves, so that changing one never recompiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxstyle._util.names import nearest
from jaxstyle.metrics import Metric, find
from jaxstyle.metrics.metric import Kind
from jaxstyle.metrics.smoothing import Smoothing, check, smooth, spread
from jaxstyle.objective.regions import Picks

Features = Mapping[str, Float[Array, "_h _w _c"]]
Extract = Callable[[Float[Array, "h w 3"]], Features]
"""From a picture to its features at every layer that the terms name."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Term:
    """One thing that the picture should match.

    Attributes:
        metric: How to compare (static).
        layers: Where to compare (static), by the names that `Extract` uses; `"image"` is the
            picture itself.
        weight: How hard the term pulls, a leaf. In a calibrated objective, weight 1 is a gradient
            of unit root mean square at the reference picture, whatever the metric or the layers.
        layer_weights: A leaf for each layer: the share of each in the term.
        smoothing: What is done to features first (static): see `jaxstyle.metrics.smoothing`.
        temperature: Of the smoothing's softmax, a leaf.
        parameters: The metric's own numbers (a temperature, a key), leaves.
        styles: Which of the style pictures a style term compares with (static); the targets of
            several are mixed.
        shares: How much of each of them, leaves.
        region: Number of the region that the term speaks of (static), None for all.
    """

    metric: Metric = field(metadata={"static": True})
    layers: tuple[str, ...] = field(metadata={"static": True})
    weight: Any = 1.0
    layer_weights: Any = None
    smoothing: Smoothing = field(default="none", metadata={"static": True})
    temperature: Any = 1.0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    styles: tuple[int, ...] = field(default=(0,), metadata={"static": True})
    shares: tuple[Any, ...] = (1.0,)
    region: int | None = field(default=None, metadata={"static": True})


def term(
    metric: str | Metric,
    weight: float = 1.0,
    layers: Sequence[str] = (),
    layer_weights: Sequence[float] = (),
    kind: Kind | None = None,
    smoothing: str = "none",
    temperature: float = 1.0,
    **parameters: Any,
) -> Term:
    """A term by the name of its metric.

    >>> term("gram", 2.0).layers
    ('relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1')

    Args:
        metric: Its name, or a `Metric` of your own.
        weight: How hard it pulls.
        layers: Where; the metric's usual layers if empty.
        layer_weights: One for each layer; equal shares if empty. Only their ratios matter in a
            calibrated objective.
        kind: Among which metrics to look for the name, where style and content share one.
        smoothing: `"softmax"` or `"scaled"` flattens the peaks of a ResNet's features.
        temperature: Of the softmax; the higher, the flatter.
        parameters: The metric's own numbers.

    Raises:
        ValueError: An unknown metric, smoothing or parameter, or another number of layer weights
            than of layers.
    """
    found = find(metric, kind) if isinstance(metric, str) else metric
    layers = tuple(layers) or found.layers
    groups = 1 if found.expects == "layers" else len(layers)
    shares = tuple(layer_weights) or (1 / groups,) * groups
    if layer_weights and len(shares) != groups:
        raise ValueError(
            f"expected {groups} layer weights for {found.name} on {', '.join(layers)}, "
            f"got {len(shares)}"
        )
    for name in parameters:
        if not (found.weights and name == "fitted"):
            check_parameter(found, name)
    return Term(found, layers, weight, shares, check(smoothing), temperature, parameters)


def check_parameter(metric: Metric, name: str) -> None:
    """Raise a `ValueError` that names the nearest if a metric has no number of that name."""
    known = metric.parameters
    if name not in known:
        raise ValueError(
            f"{metric.name} has no parameter {name!r}{nearest(name, known)}; "
            f"it has {', '.join(known) or 'none'}"
        )


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Objective:
    """Terms with their targets and calibration constants, ready to be evaluated.

    Attributes:
        terms: What is compared.
        targets: For each term a tuple of targets, one a layer (one in all where the metric takes
            all layers at once).
        scales: For each term an array of calibration constants, one a layer. Their product with
            weight and layer weight multiplies the distance; all ones means uncalibrated.
        spreads: For each term an array, one a layer: what `"relative"` smoothing divides features
            by, the standard deviation of the reference's; ones for other terms.
        picks: For each term and layer which positions it sees, None for all.
    """

    terms: tuple[Term, ...]
    targets: tuple[tuple[Any, ...], ...]
    scales: tuple[Float[Array, _layers], ...]
    spreads: tuple[Float[Array, _layers], ...]
    picks: tuple[tuple[Any, ...], ...]


class Losses(NamedTuple):
    """What `evaluate` found.

    Attributes:
        total: The weighted sum that the optimizer lowers.
        terms: Each term's loss without its weight, calibrated if the objective is.
    """

    total: Float[Array, ""]
    terms: Float[Array, terms]


def layers_of(terms: Sequence[Term]) -> tuple[str, ...]:
    """The networks' layers that the terms need, each once."""
    names = (layer for each in terms for layer in each.layers if layer != "image")
    return tuple(dict.fromkeys(names))


def _spreads(part: Term, features: Features) -> Float[Array, _layers]:
    """What the smoothing of a term takes from the reference's features."""
    if part.smoothing != "relative":
        return jnp.ones(len(part.layers))
    return jnp.stack(
        [
            jnp.ones(()) if layer == "image" else spread(features[layer].astype(jnp.float32))
            for layer in part.layers
        ]
    )


def _views(
    part: Term,
    image: Float[Array, "h w 3"],
    features: Features,
    spreads: Float[Array, _layers],
    picks: Sequence[Any],
) -> list[Any]:
    """The features of one term in the form that its metric expects."""

    def seen(layer: str, own: Any) -> Float[Array, "_h _w _c"]:
        if layer == "image":
            return image
        found = features[layer]
        if not part.metric.bfloat16_safe or part.smoothing != "none":
            found = found.astype(jnp.float32)
        return smooth(found, part.smoothing, layer, part.temperature * own)

    grids = [seen(*each) for each in zip(part.layers, spreads, strict=True)]
    grids = [
        grid if pick is None else grid.reshape(-1, grid.shape[-1])[pick]
        for grid, pick in zip(grids, picks, strict=True)
    ]
    if part.metric.expects == "layers":
        return [tuple(grids)]
    if part.metric.expects == "positions":
        return [grid.reshape(-1, grid.shape[-1]) for grid in grids]
    return grids


def prepare(
    extract: Extract,
    terms: Sequence[Term],
    content: Float[Array, "h w 3"],
    style: Float[Array, "k l 3"] | Sequence[Float[Array, "_k _l 3"]],
    key: Array | None = None,
    picks: Sequence[tuple[Picks, tuple[Picks, ...]]] | None = None,
) -> Objective:
    """Compute every term's targets from the two pictures; the result is not calibrated.

    Args:
        extract: Features of a picture.
        terms: What is compared.
        content: The content picture.
        style: The style picture, or several.
        picks: For each term what it sees of the content, and of each of its styles, layer by layer
            (`jaxstyle.regions.picks`); everything if not given.
        key: What random metrics draw from; `jax.random.key(0)` if not given.
    """
    styles = style if isinstance(style, (list, tuple)) else (style,)
    wanted = {each.metric.kind for each in terms}
    return remember(
        terms,
        (content, extract(content) if "content" in wanted else {}),
        [(each, extract(each) if "style" in wanted else {}) for each in styles],
        key,
        picks,
    )


def remember(
    terms: Sequence[Term],
    content: tuple[Float[Array, "h w 3"], Features],
    styles: Sequence[tuple[Float[Array, "_k _l 3"], Features]],
    key: Array | None = None,
    picks: Sequence[tuple[Picks, tuple[Picks, ...]]] | None = None,
) -> Objective:
    """As `prepare`, from pictures that come with their features, where terms of their kind look."""
    sources = {"content": [content], "style": styles, "image": [content]}
    key = jax.random.key(0) if key is None else key
    everything = [
        ((None,) * len(each.layers), ((None,) * len(each.layers),) * len(each.styles))
        for each in terms
    ]
    picks = picks or everything

    def summaries(number: int, part: Term, own: int, spreads: Any) -> Iterator[Any]:
        seen = picks[number][1][own] if part.metric.kind == "style" else picks[number][0]
        source = sources[part.metric.kind][part.styles[own] if part.metric.kind == "style" else 0]
        for layer, view in enumerate(_views(part, *source, spreads, seen)):
            if part.metric.random:
                draw = jax.random.fold_in(jax.random.fold_in(key, number), layer)
                yield part.metric.summarize(view, draw)
            else:
                yield part.metric.summarize(view)

    spreads, targets = [], []
    for number, part in enumerate(terms):
        kind = part.metric.kind
        first = sources[kind][part.styles[0] if kind == "style" else 0]
        spreads.append(_spreads(part, first[1]))
        each = [tuple(summaries(number, part, k, spreads[-1])) for k in range(len(part.styles))]
        targets.append(each[0] if len(each) == 1 else _mixed(part, each))
    scales = tuple(jnp.ones(len(target)) for target in targets)
    seen = tuple(tuple(each) for each, _ in picks)
    return Objective(tuple(terms), tuple(targets), scales, tuple(spreads), seen)


def _mixed(part: Term, targets: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The mean of several pictures' targets, by their shares."""

    def mean(*leaves: Any) -> Any:
        weighted = [share * leaf for share, leaf in zip(part.shares, leaves, strict=True)]
        return jnp.sum(jnp.stack(weighted), axis=0)

    found: tuple[Any, ...] = jax.tree.map(mean, *targets)
    return found


def distances(
    extract: Extract, objective: Objective, image: Float[Array, "h w 3"]
) -> tuple[Float[Array, _layers], ...]:
    """For each term the bare distance at each of its layers."""
    features = extract(image)
    return tuple(
        jnp.stack(
            [
                part.metric.distance(view, target, **part.parameters)
                for view, target in zip(
                    _views(part, image, features, spreads, picks), targets, strict=True
                )
            ]
        )
        for part, targets, spreads, picks in zip(
            objective.terms,
            objective.targets,
            objective.spreads,
            objective.picks,
            strict=True,
        )
    )


def _shares(objective: Objective) -> list[Float[Array, _layers]]:
    return [
        scale * jnp.asarray(part.layer_weights)
        for part, scale in zip(objective.terms, objective.scales, strict=True)
    ]


def evaluate(extract: Extract, objective: Objective, image: Float[Array, "h w 3"]) -> Losses:
    """The objective at a picture: Σ weight · Σ layer weight · scale · distance."""
    found = distances(extract, objective, image)
    losses = jnp.stack(
        [jnp.vdot(share, each) for share, each in zip(_shares(objective), found, strict=True)]
    )
    weights = jnp.stack([jnp.asarray(part.weight, losses.dtype) for part in objective.terms])
    return Losses(jnp.vdot(weights, losses), losses)


TOGETHER = 16
"""Gradients of a calibration at a time."""


def calibrate(
    extract: Extract, objective: Objective, reference: Float[Array, "h w 3"]
) -> Objective:
    """Scale every term so that its gradient has unit root mean square at `reference`.

    First each layer of a term, so that layers share by their layer weights alone; then the term as
    a whole, so that weight 1 pulls equally hard whatever the metric, the layers or the size.

    Args:
        extract: Features of a picture.
        objective: What `prepare` gave; its scales are replaced.
        reference: A picture where no term's gradient vanishes: see `calibration_reference`.

    Returns:
        The calibrated objective. A layer whose gradient does vanish there (two identical pictures,
        a dead layer) keeps scale 1 instead of an infinite one.
    """
    sizes = [len(targets) for targets in objective.targets]
    total = sum(sizes)

    def size_of(gradients: Float[Array, "n h w 3"]) -> Float[Array, " n"]:
        return jnp.sqrt(jnp.mean(gradients**2, axis=(1, 2, 3)))

    def unit(size: Float[Array, _n]) -> Float[Array, _n]:
        usable = jnp.isfinite(size) & (size > 1e-20)
        return jnp.where(usable, 1 / jnp.where(usable, size, 1.0), 1.0)

    def each(image: Float[Array, "h w 3"]) -> Float[Array, " all"]:
        return jnp.concatenate(distances(extract, objective, image))

    # Features once; a gradient for each layer, not too many at a time.
    seen, pull_back = jax.vjp(each, reference)
    gradients = jax.lax.map(
        lambda row: pull_back(row)[0], jnp.eye(total, dtype=seen.dtype), batch_size=TOGETHER
    )
    layer_scales = unit(size_of(gradients))
    shares = jnp.concatenate([jnp.asarray(part.layer_weights) for part in objective.terms])
    member = jnp.repeat(jnp.arange(len(sizes)), jnp.array(sizes), total_repeat_length=total)
    rows = jax.nn.one_hot(member, len(sizes)).T * (shares * layer_scales)
    # A term's gradient is the sum of its layers'.
    term_scales = unit(size_of(jnp.tensordot(rows, gradients, 1, precision="highest")))
    scales = layer_scales * term_scales[member]
    ends = [sum(sizes[: k + 1]) for k in range(len(sizes) - 1)]
    return replace(objective, scales=tuple(jnp.split(scales, ends)))


def calibration_reference(
    content: Float[Array, "h w 3"],
    style: Float[Array, "k l 3"] | Sequence[Float[Array, "_k _l 3"]],
) -> Float[Array, "h w 3"]:
    """The mean of the content and the style stretched to its shape: the calibration's reference.

    Of several styles the first.

    The content term's gradient is zero at the content picture, a style term's at the style. Halfway
    between, both pull; and it has the detail of a real picture, as the result will.
    """
    first = style[0] if isinstance(style, (list, tuple)) else style
    return (content + jax.image.resize(first, content.shape, "linear")) / 2
