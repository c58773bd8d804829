"""From specifications to terms: which metric, of which features, of which network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jaxstyle.backbones import Backbone
from jaxstyle.backbones.extractor import Extractor, Parameters, extractor
from jaxstyle.metrics import KINDS, find
from jaxstyle.metrics.metric import Kind, Metric
from jaxstyle.objective.regions import ContentAssignment, StyleAssignment
from jaxstyle.objective.term import Term, check_parameter, layers_of, term
from jaxstyle.settings import DEFAULT_CONTENT_METRIC, DEFAULT_METRIC, PrecisionName, Settings
from jaxstyle.specs import (
    OPEN,
    LayerRef,
    MetricSpec,
    PaddingName,
    PoolingName,
    Wrap,
    as_layers,
    wrap_of,
)
from jaxstyle.weights.network_cache import NetworkCache


def build_term(
    spec: MetricSpec,
    kind: Kind | None,
    networks: NetworkCache,
    *,
    backbone: str,
    layers: str | Sequence[str | LayerRef] = (),
    weight: float = 1.0,
    parameters: Mapping[str, float] | None = None,
) -> Term:
    """Build the term that a specification stands for.

    Args:
        spec: The metric, its weight, its layers and its smoothing.
        kind: Among which metrics to look for the name.
        networks: Where weights come from.
        backbone: The network of layers that name none.
        layers: Where to compare if the specification does not say; else the metric's usual layers.
        weight: Multiplies the specification's.
        parameters: The metric's hyperparameters.

    Raises:
        ValueError: A name that does not exist; the message says which is nearest.
        OSError: Weights that are not installed and cannot be fetched.
    """
    given = spec.value
    metric: Metric = find(spec.name, kind) if given is None else _metric_of(given)
    if kind and metric.kind != kind:
        raise ValueError(
            f"expected a metric of kind {kind}, {metric.name} is of kind {metric.kind}"
        )
    hyperparameters: dict[str, Any] = dict(parameters or {})
    if metric.weights:
        hyperparameters["fitted"] = dict(networks[metric.weights].tensors)
    if isinstance(given, Term):
        if spec.layers:
            raise ValueError(f"the term of {metric.name} has its own layers")
        return replace(
            given,
            layers=_checked(given.layers, networks, backbone),
            weight=weight * spec.weight * given.weight,
            parameters={**given.parameters, **hyperparameters},
        )
    usual = as_layers(metric.layers)
    if all(ref.is_fixed for ref in usual):
        if spec.layers or spec.smoothing != "none":
            what = "layers to choose" if spec.layers else "features to smooth"
            raise ValueError(f"{metric.name} has no {what}")
        layers = ()
    chosen = spec.layers or as_layers(layers)
    if chosen:
        named = _named(chosen, networks, backbone, Backbone.own_or_counterpart)
    else:  # two of a VGG's layers may have one counterpart
        named = tuple(dict.fromkeys(_named(usual, networks, backbone, Backbone.counterpart)))
    made = term(
        metric,
        weight * spec.weight,
        _checked(named, networks, backbone),
        smoothing=spec.smoothing,
        temperature=spec.temperature,
        **hyperparameters,
    )
    return replace(made, window=spec.window)


def _metric_of(given: Any) -> Metric:
    """Return the metric that a `Metric` or a `Term` is of."""
    metric: Metric = getattr(given, "metric", given)
    return metric


def _named(
    layers: tuple[LayerRef, ...],
    networks: NetworkCache,
    backbone: str,
    name: Callable[[Backbone, str], str],
) -> tuple[LayerRef, ...]:
    """Return layers by what the network calls them; it is looked up only where one needs it."""
    if all(ref.is_fixed for ref in layers):
        return layers
    record = networks.backbone(backbone)
    return tuple(r if r.is_fixed else replace(r, layer=name(record, r.layer)) for r in layers)


def _checked(
    layers: Iterable[LayerRef], networks: NetworkCache, backbone: str
) -> tuple[LayerRef, ...]:
    """Name each layer's network, and check that the network has it."""
    refs = tuple(ref.on(backbone) for ref in layers)
    for ref in refs:
        if ref.backbone is not None:
            networks.backbone(ref.backbone).check_layers([ref.layer])
    return refs


def terms_from_settings(
    settings: Settings,
    networks: NetworkCache,
    assignments: Sequence[StyleAssignment] = (StyleAssignment(),),
    contents: ContentAssignment | None = None,
) -> tuple[Term, ...]:
    """Build all terms of a run; those without weight are left out.

    Raises:
        ValueError: A name that does not exist, or no term has any weight.
        OSError: Weights that are not installed and cannot be fetched.
    """
    names = [settings.backbone, settings.style_backbone, settings.content_backbone]
    default, *others = (networks.name_of(name) if name else None for name in names)
    assert default is not None
    style, content = (name or default for name in others)
    groups: tuple[tuple[tuple[MetricSpec, ...], float, tuple[str, ...], Kind, str], ...] = (
        (settings.metric, settings.style_weight, settings.style_layers, "style", style),
        (
            settings.content_metric,
            settings.content_weight,
            settings.content_layers,
            "content",
            content,
        ),
        (settings.regularizer, settings.smoothness, (), "image", style),
    )
    parameters = _parameters(settings)
    terms: list[Term] = []
    for specs, weight, layers, kind, backbone in groups:
        is_default = specs in (DEFAULT_METRIC, DEFAULT_CONTENT_METRIC)
        for spec in specs:
            part = build_term(
                _of_default(spec, layers, networks, backbone) if is_default else spec,
                kind,
                networks,
                backbone=backbone,
                layers=layers,
                weight=weight,
                parameters=parameters.get((None, spec.name), {})
                | parameters.get((kind, spec.name), {}),
            )
            if kind == "style":
                terms += [one for assignment in assignments for one in _assigned(part, assignment)]
            elif kind == "content" and contents is not None and contents.region is not None:
                weight_there = part.weight * contents.weight
                terms.append(replace(part, weight=weight_there, region=contents.region))
            else:
                terms.append(part)
    for of_kind, name in parameters:
        if all(name != t.metric.name or of_kind not in (None, t.metric.kind) for t in terms):
            metric = f"{of_kind}.{name}" if of_kind else name
            raise ValueError(f"a parameter is given for {metric}, which is in no term")
    used = tuple(_as_settings_say(term, settings) for term in terms if term.weight > 0)
    if not used:
        raise ValueError("every weight is zero: there is nothing to optimize")
    return used


def _of_default(
    spec: MetricSpec, chosen: Sequence[str], networks: NetworkCache, backbone: str
) -> MetricSpec:
    """Return a metric of the default, at its usual layers if others were chosen, or if it must.

    Nobody chose the layers of the default, and not every network has them.
    """
    layers = [ref.layer for ref in spec.layers if not ref.is_fixed]
    if not layers:
        return spec
    if not chosen:
        record = networks.backbone(backbone)
        if all(record.own_or_counterpart(layer) in record.layers for layer in layers):
            return spec
    return replace(spec, layers=())


def _as_settings_say(part: Term, settings: Settings) -> Term:
    """Fill in what a term leaves to the settings."""
    if part.positions is None:
        positions = settings.positions, settings.style_positions
        part = replace(part, positions=positions[0], style_positions=positions[1])
    is_factor = settings.combination == "product" and part.metric.kind != "image"
    return replace(part, is_factor=is_factor, wrap=wrap_of(settings.padding, settings.tile))


def _parameters(settings: Settings) -> dict[tuple[Kind | None, str], dict[str, float]]:
    """Group the hyperparameters by kind, None for any, and metric, checked."""
    groups = (settings.metric, settings.content_metric, settings.regularizer)
    given = {
        (of_kind, spec.name): _metric_of(spec.value)
        for kind, group in zip(KINDS, groups, strict=True)
        for spec in group
        if spec.value is not None
        for of_kind in (None, kind)
    }
    parameters: dict[tuple[Kind | None, str], dict[str, float]] = {}
    for name, value in settings.parameter:
        kind, metric, parameter = _parts(name)
        check_parameter(given.get((kind, metric)) or find(metric, kind), parameter)
        parameters.setdefault((kind, metric), {})[parameter] = value
    return parameters


def _parts(name: str) -> tuple[Kind | None, str, str]:
    """Split `"METRIC.PARAMETER"` or `"KIND.METRIC.PARAMETER"`.

    Raises:
        ValueError: There is no such kind.
    """
    first, _, rest = name.partition(".")
    if "." not in rest:
        return None, first, rest
    for kind in KINDS:
        if first == kind:
            metric, _, parameter = rest.partition(".")
            return kind, metric, parameter
    raise ValueError(f"expected {name} to begin with one of {', '.join(KINDS)}")


def _assigned(part: Term, assignment: StyleAssignment) -> list[Term]:
    """Return the terms of one assignment: one for each style of what has no common target."""
    styles, shares, region, weight = assignment
    whole = replace(part, weight=part.weight * weight, region=region)
    if len(styles) == 1 or part.metric.averageable or part.metric.joins:
        return [replace(whole, styles=styles, shares=shares)]
    return [
        replace(whole, weight=whole.weight * share, styles=(style,), shares=(1.0,))
        for style, share in zip(styles, shares, strict=True)
    ]


def extractor_for(
    terms: Iterable[Term],
    networks: NetworkCache,
    *,
    pooling: PoolingName = "max",
    padding: PaddingName = "zeros",
    precision: PrecisionName = "tensorfloat32",
    wrap: Wrap = OPEN,
) -> tuple[Extractor, dict[str, Parameters]]:
    """Make the extractor of all features that the terms need, and load the weights it takes.

    Returns:
        The `Extractor`, a function of the weights and a picture; and the weights.
    """
    layers = layers_of(tuple(terms))
    used: dict[str, list[str]] = {}
    for ref in layers:
        used.setdefault(str(ref.backbone), []).append(ref.layer)
    extract = extractor(
        layers,
        {name: networks.backbone(name) for name in used},
        pooling=pooling,
        padding=padding,
        precision=precision,
        wrap=wrap,
    )
    return extract, {name: networks.on_device(name, names) for name, names in used.items()}


LEAST_UNIT = 16
"""Sides of a picture that wraps are multiples of this: metrics of pixels halve it up to four
times."""


def tile_unit(extract: Extractor) -> int:
    """Return what the sides of a picture that wraps are multiples of; 1 if it ends at its edges.

    At the deepest layer, too, it then has a whole number of positions.
    """
    return 1 if extract.wrap == OPEN else max(LEAST_UNIT, extract.stride)


def min_side(terms: Iterable[Term], extract: Extractor) -> int:
    """Return the shortest side, in pixels, of a picture that every term can compare."""
    backbones = dict(extract.backbones)
    refs = layers_of(tuple(terms))
    sides = (backbones[str(ref.backbone)].min_side([ref.layer]) << ref.octave for ref in refs)
    return max(sides, default=1)
