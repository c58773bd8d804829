"""The objective: terms with their targets, and the weighted sum that the optimizer lowers.

A `Term` says what to compare, `prepare` computes its targets once, `calibrate` puts all terms into
one unit, and `evaluate` is the number that the optimizer lowers. All are pure functions; weights,
targets and calibration constants are array leaves, so that changing one never recompiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from jaxstyle.metrics.metric import Metric
from jaxstyle.metrics.pairwise import Key
from jaxstyle.metrics.smoothing import smooth, spread
from jaxstyle.objective.regions import PositionIndices
from jaxstyle.objective.term import Term
from jaxstyle.specs import ALWAYS, OPEN, Wrap

Features = Mapping[str, Float[Array, "_h _w _c"]]
Extract = Callable[[Float[Array, "h w 3"]], Features]
"""From a picture to its features at every layer that the terms name, by `str` of the layer."""
Selection = Sequence[tuple[PositionIndices, tuple[PositionIndices, ...]]]
"""For each term the positions of the content, and of each of its styles, layer by layer."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Objective:
    """Terms with their targets and calibration constants, ready to be evaluated.

    Attributes:
        terms: What is compared.
        targets: For each term a tuple of targets, one a layer (one in all where the metric takes
            all layers at once); for terms that draw the reference's positions at each step, the
            features that they draw from.
        scales: For each term an array of calibration constants, one a layer. Their product with
            weight and layer weight multiplies the distance; all ones means uncalibrated.
        spreads: For each term an array, one a layer: what `"relative"` smoothing divides features
            by, the standard deviation of the reference's; ones for other terms.
        positions: For each term and layer which positions it compares
            (`jaxstyle.objective.regions.select_positions`), None for all.
        key: What terms that draw positions draw from, as data of a key of `jax.random`; at each
            step others.
    """

    terms: tuple[Term, ...]
    targets: tuple[tuple[Any, ...], ...]
    scales: tuple[Float[Array, _layers], ...]
    spreads: tuple[Float[Array, _layers], ...]
    positions: tuple[tuple[Any, ...], ...]
    key: UInt32[Array, _words]


class Losses(NamedTuple):
    """The value of an objective at a picture.

    Attributes:
        total: The weighted sum that the optimizer lowers.
        terms: Each term's loss without its weight, calibrated if the objective is.
    """

    total: Float[Array, ""]
    terms: Float[Array, terms]


def _spreads(term: Term, references: Sequence[Features]) -> Float[Array, _layers]:
    """Compute what the smoothing of a term divides by, from the references' features.

    Of several references it is their mean by their shares, in whatever order they come.
    """
    if term.smoothing != "relative":
        return jnp.ones(len(term.layers))
    rows = [
        jnp.stack(
            [
                jnp.ones(()) if layer.is_image else spread(features[str(layer)].astype(jnp.float32))
                for layer in term.layers
            ]
        )
        for features in references
    ]
    if len(rows) == 1:
        return rows[0]
    weighted = [share * row for share, row in zip(term.shares, rows, strict=True)]
    return jnp.sum(jnp.stack(weighted), axis=0)


class _View(NamedTuple):
    """Features in the form that a metric expects, and what it counts of them."""

    features: Any
    at: Any = None  # what the metric's `select` returned; None for all
    # Which axes continue at the opposite edge; () of what is kept, whose leaves are arrays.
    wrap: Wrap | tuple[()] = OPEN

    def given(self, metric: Metric, function: Callable[..., Any]) -> dict[str, Any]:
        """Return what else one of the metric's functions takes of these features, by name."""
        return {
            **({} if self.at is None else {"at": self.at}),
            **metric.around(function, self.wrap),
        }


def _views(
    term: Term,
    image: Float[Array, "h w 3"],
    features: Features,
    spreads: Float[Array, _layers],
    positions: Sequence[Any],
    wrap: Wrap,
) -> list[_View]:
    """Arrange the features of one term in the form that its metric expects."""
    selects = term.metric.select is not None and term.metric.expects != "positions"
    grids = []
    for layer, scale, indices in zip(term.layers, spreads, positions, strict=True):
        if layer.is_image:
            grid = image
        else:
            grid = features[str(layer)]
            if not term.metric.bfloat16_safe or term.smoothing != "none":
                grid = grid.astype(jnp.float32)
            grid = smooth(grid, term.smoothing, layer.stage, term.temperature * scale)
        whole = selects or indices is None
        grids.append(grid if whole else grid.reshape(-1, grid.shape[-1])[indices])
    at = positions if selects else (None,) * len(grids)
    if term.metric.expects == "layers":
        return [_View(tuple(grids), None if all(one is None for one in at) else tuple(at), wrap)]
    if term.metric.expects == "positions":
        return [_View(grid.reshape(-1, grid.shape[-1])) for grid in grids]
    return [_View(grid, where, wrap) for grid, where in zip(grids, at, strict=True)]


def prepare(
    extract: Extract,
    terms: Sequence[Term],
    content: Float[Array, "h w 3"],
    style: Float[Array, "k l 3"] | Sequence[Float[Array, "_k _l 3"]],
    key: Array | None = None,
    selection: Selection | None = None,
    guide: Float[Array, "h w 3"] | None = None,
    extract_style: Extract | None = None,
) -> Objective:
    """Compute every term's targets from the pictures; the result is not calibrated.

    Args:
        extract: Features of a picture.
        terms: What is compared.
        content: The content picture.
        style: The style picture, or several.
        key: What metrics draw from at random; `jax.random.key(0)` if not given.
        selection: The positions that each term compares
            (`jaxstyle.objective.regions.select_positions`); all if not given.
        guide: The picture by which guided metrics choose positions of the style; the content if not
            given.
        extract_style: Features of a style, if they are computed in another way: `extract` may be of
            pictures that wrap.
    """
    extract_style = extract_style or extract
    styles = style if isinstance(style, (list, tuple)) else (style,)
    is_guided = any(term.metric.guided for term in terms)
    needs_content = any(term.metric.kind == "content" for term in terms)
    needs_content |= is_guided and guide is None
    needs_style = any(term.metric.kind == "style" for term in terms)
    return prepare_from_features(
        terms,
        (content, extract(content) if needs_content else {}),
        [(picture, extract_style(picture) if needs_style else {}) for picture in styles],
        key,
        selection,
        None if guide is None or not is_guided else (guide, extract(guide)),
    )


def prepare_from_features(
    terms: Sequence[Term],
    content: tuple[Float[Array, "h w 3"], Features],
    styles: Sequence[tuple[Float[Array, "_k _l 3"], Features]],
    key: Array | None = None,
    selection: Selection | None = None,
    guide: tuple[Float[Array, "h w 3"], Features] | None = None,
) -> Objective:
    """As `prepare`, of pictures whose features are known."""
    key = jax.random.key(0) if key is None else key
    if not selection:
        selection = [
            ((None,) * len(term.layers), ((None,) * len(term.layers),) * len(term.styles))
            for term in terms
        ]
    spreads, targets = [], []
    for number, (term, (of_content, of_styles)) in enumerate(zip(terms, selection, strict=True)):
        if term.metric.kind == "style":
            references = [(styles[k], of) for k, of in zip(term.styles, of_styles, strict=True)]
        else:
            references = [(content, of_content)] * len(term.styles)
        spreads.append(_spreads(term, [features for (_, features), _ in references]))
        of_term = jax.random.fold_in(key, number)
        summaries = [
            _summaries(term, reference, positions, spreads[-1], of_term)
            for reference, positions in references
        ]
        combined = summaries[0] if len(summaries) == 1 else _combined(term, summaries)
        finish = term.metric.finish
        if finish and not _is_summarized_later(term):
            guides = []
            if term.metric.guided:
                of = of_content, spreads[-1], of_term
                guides.append(_summaries(term, guide or content, *of, drawing=False))
            combined = tuple(map(finish, combined, *guides))
        targets.append(combined)
    scales = tuple(jnp.ones(len(target)) for target in targets)
    positions = tuple(tuple(of_content) for of_content, _ in selection)
    data = jax.random.key_data(key)
    return Objective(tuple(terms), tuple(targets), scales, tuple(spreads), positions, data)


def _summaries(
    term: Term,
    reference: tuple[Float[Array, "h w 3"], Features],
    positions: PositionIndices,
    spreads: Float[Array, _layers],
    key: Key,
    drawing: bool = True,
) -> tuple[Any, ...]:
    """Summarize a reference picture at each layer; features that are drawn later stay."""
    wrap = _wrap_of_reference(term) if drawing else term.wrap
    views = _views(term, *reference, spreads, positions, wrap)
    if _is_summarized_later(term):
        return tuple(view._replace(wrap=()) for view in views)
    summaries = []
    for layer, view in enumerate(views):
        of_layer = jax.random.fold_in(key, layer)
        if term.draws_once and drawing:
            view = _drawn(term, view, of_layer, term.style_positions)
        random = (of_layer,) if term.metric.random else ()
        given = view.given(term.metric, term.metric.summarize)
        summaries.append(term.metric.summarize(view.features, *random, **given))
    return tuple(summaries)


def _is_summarized_later(term: Term) -> bool:
    """Whether each step summarizes the reference anew, so that its features stay."""
    return term.draws_target or term.metric.redraws


def _wrap_of_reference(term: Term) -> Wrap:
    """Return which axes of what a term compares with continue: never those of a style."""
    return OPEN if term.metric.kind == "style" else term.wrap


def _drawn(term: Term, view: _View, key: Key, count: int | None) -> _View:
    """Return the features at positions drawn at random, of a term that can."""
    assert term.metric.draw
    given = view.given(term.metric, term.metric.draw)
    return _View(term.metric.draw(view.features, key, count, **given))


def _combined(term: Term, targets: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Join several pictures' targets, or average them by their shares."""

    def combine(*leaves: Any) -> Any:
        if term.metric.joins:
            return jnp.concatenate(leaves)
        weighted = [share * leaf for share, leaf in zip(term.shares, leaves, strict=True)]
        return jnp.sum(jnp.stack(weighted), axis=0)

    combined: tuple[Any, ...] = jax.tree.map(combine, *targets)
    return combined


def distances(
    extract: Extract,
    objective: Objective,
    image: Float[Array, "h w 3"],
    step: int | Int[Array, ""] = 0,
) -> tuple[Float[Array, _layers], ...]:
    """Compute for each term the bare distance at each of its layers.

    Args:
        extract: Features of a picture.
        objective: The targets.
        image: The picture.
        step: Terms that draw positions (`Term.positions`) draw others at each step.
    """
    features = extract(image)

    def of_term(number: int, image: Any, features: Any) -> Float[Array, _layers]:
        return jnp.stack(term_distances(objective, number, image, features, step))

    def if_counted(number: int, term: Term) -> Float[Array, _layers]:
        begin, end = term.window
        if term.window == ALWAYS:
            return of_term(number, image, features)
        counts = (step >= begin) & (True if end is None else step < end)
        zeros = jnp.zeros_like(objective.scales[number])
        run = partial(of_term, number)
        distances: Array = jax.lax.cond(counts, run, lambda *_: zeros, image, features)
        return distances

    return tuple(if_counted(number, term) for number, term in enumerate(objective.terms))


def term_distances(
    objective: Objective,
    number: int,
    image: Float[Array, "h w 3"],
    features: Features,
    step: int | Int[Array, ""] = 0,
) -> list[Float[Array, ""]]:
    """Compute one term's bare distance at each of its layers, from a picture and its features."""
    term, key = objective.terms[number], jax.random.wrap_key_data(objective.key)
    key = jax.random.fold_in(jax.random.fold_in(key, step), number)
    positions = objective.positions[number]
    views = _views(term, image, features, objective.spreads[number], positions, term.wrap)
    keys = [jax.random.fold_in(key, layer) for layer in range(len(views))]
    return list(map(partial(_distance, term), views, objective.targets[number], keys))


def _distance(term: Term, view: _View, target: Any, key: Key) -> Float[Array, ""]:
    """Compute a term's distance at one layer."""
    metric = term.metric
    if _is_summarized_later(term):
        target = target._replace(wrap=_wrap_of_reference(term))
    if metric.redraws:
        given = target.given(metric, metric.summarize)
        target = metric.summarize(target.features, key, **given)
    if term.draws:
        # Of a content the same positions as of the picture: a content metric compares them.
        other = key if metric.kind == "content" else jax.random.fold_in(key, 1)
        view = _drawn(term, view, key, term.positions)
        if term.draws_target:
            target = metric.target(_drawn(term, target, other, term.positions).features)
    distance: Float[Array, ""] = metric.distance(
        view.features, target, **view.given(metric, metric.distance), **term.parameters
    )
    return distance


def evaluate(
    extract: Extract,
    objective: Objective,
    image: Float[Array, "h w 3"],
    step: int | Int[Array, ""] = 0,
) -> Losses:
    """Evaluate the objective at a picture: Σ weight · Σ layer weight · scale · distance.

    Of terms that are factors the sum of each kind is multiplied with those of other kinds.
    """
    by_term = distances(extract, objective, image, step)
    shares = [
        scale * jnp.asarray(term.layer_weights)
        for term, scale in zip(objective.terms, objective.scales, strict=True)
    ]
    losses = jnp.stack([jnp.vdot(*pair) for pair in zip(shares, by_term, strict=True)])
    weights = jnp.stack([jnp.asarray(term.weight, losses.dtype) for term in objective.terms])
    if not any(term.is_factor for term in objective.terms):
        return Losses(jnp.vdot(weights, losses), losses)
    kinds = [term.metric.kind if term.is_factor else None for term in objective.terms]
    sums = {
        kind: jnp.sum((weights * losses)[np.array([k == kind for k in kinds])])
        for kind in dict.fromkeys(kinds)
    }
    added = sums.pop(None, jnp.zeros((), losses.dtype))
    return Losses(added + jnp.prod(jnp.stack(list(sums.values()))), losses)
