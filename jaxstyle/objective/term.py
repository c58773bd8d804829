"""Terms: which metric compares which features, and how hard it pulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import jax
from jaxtyping import Array, Float

from jaxstyle._util import arguments
from jaxstyle._util.names import nearest
from jaxstyle.metrics import Metric, find
from jaxstyle.metrics.metric import Kind
from jaxstyle.metrics.smoothing import Smoothing, check
from jaxstyle.specs import ALWAYS, OPEN, LayerRef, MetricSpec, Window, Wrap, as_layers

Scalar = float | Float[Array, ""]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Term:
    """One thing that the picture should match.

    Attributes:
        metric: How to compare (static).
        layers: Where to compare (static), the metric's usual layers if empty; features are looked
            up by `str` of these.
        weight: How hard the term pulls, a leaf. In a calibrated objective, weight 1 is a gradient
            of unit root mean square at the reference picture, whatever the metric or the layers.
        layer_weights: A leaf for each layer: the share of each in the term; equal if empty.
        smoothing: How features are smoothed first (static): see `jaxstyle.metrics.smoothing`.
        temperature: Of the smoothing's softmax, a leaf.
        parameters: The metric's hyperparameters (a bandwidth, a width), leaves.
        styles: Which of the style pictures a style term compares with (static); the targets of
            several are averaged.
        shares: How much of each of them, leaves.
        region: Number of the region that the term is restricted to (static), None for all.
        positions: How many positions a metric of pairs draws at each step, where it can
            (`Metric.draw`); 0 for all (static). None leaves it to the run's settings, and is all
            where there are none.
        style_positions: How many positions of the reference such a style term compares with, drawn
            once; 0 for as many as of the picture, others at each step (static).
        window: The steps of each scale in which the term counts (static): from the first to before
            the last, None for all that follow.
        is_factor: Whether the losses of such terms are summed by kind, and the sums multiplied
            (static).
        wrap: Along which axes the picture, and a content, continue at the opposite edge (static):
            for metrics that look at neighbors.
    """

    metric: Metric = field(metadata={"static": True})
    layers: tuple[LayerRef, ...] = field(metadata={"static": True})
    weight: Scalar = 1.0
    layer_weights: Sequence[Scalar] | Float[Array, _layers] = ()
    smoothing: Smoothing = field(default="none", metadata={"static": True})
    temperature: Scalar = 1.0
    parameters: Mapping[str, object] = field(default_factory=dict)
    styles: tuple[int, ...] = field(default=(0,), metadata={"static": True})
    shares: tuple[Scalar, ...] = (1.0,)
    region: int | None = field(default=None, metadata={"static": True})
    positions: int | None = field(default=None, metadata={"static": True})
    style_positions: int = field(default=0, metadata={"static": True})
    window: Window = field(default=ALWAYS, metadata={"static": True})
    is_factor: bool = field(default=False, metadata={"static": True})
    wrap: Wrap = field(default=OPEN, metadata={"static": True})

    def __post_init__(self) -> None:
        """Check what is static: leaves are whatever a transformation of JAX puts there."""
        arguments.instance("metric", self.metric, Metric)
        layers = as_layers(self.layers) or as_layers(self.metric.layers)
        object.__setattr__(self, "layers", layers)
        if isinstance(self.layer_weights, tuple) and not self.layer_weights:
            groups = 1 if self.metric.expects == "layers" else len(layers)
            object.__setattr__(self, "layer_weights", (1 / groups,) * groups)

    @property
    def draws(self) -> bool:
        """Whether each step compares other positions of the picture."""
        return bool(self.positions) and self.metric.draw is not None

    @property
    def draws_target(self) -> bool:
        """Whether each step also compares with other positions of the reference."""
        return self.draws and self.metric.draws_target and not self.draws_once

    @property
    def draws_once(self) -> bool:
        """Whether the positions of the reference are drawn once, where the target is computed."""
        return self.draws and self.metric.kind == "style" and bool(self.style_positions)


_One = str | MetricSpec | Metric | Term
Mixture = (
    _One
    | Sequence[_One | tuple[str | Metric, float] | tuple[str | Metric, float, Sequence[str]]]
    | Mapping[str, float]
)
"""A text (`"gram=0.5+histogram"`), a metric, a term, or a sequence of them, with weights; or a
mapping from names to weights."""


def term(
    metric: str | Metric,
    weight: float = 1.0,
    layers: str | LayerRef | Sequence[str | LayerRef] = (),
    layer_weights: Sequence[float] = (),
    kind: Kind | None = None,
    smoothing: str = "none",
    temperature: float = 1.0,
    **parameters: object,
) -> Term:
    """Make a term from a metric or its name.

    >>> [str(layer) for layer in term("gram", 2.0).layers]
    ['relu1_1', 'relu2_1', 'relu3_1', 'relu4_1', 'relu5_1']

    Args:
        metric: A `Metric` or the name of one.
        weight: How hard it pulls; at least 0.
        layers: Where to compare: one, or several; the metric's usual layers if empty.
        layer_weights: One for each layer; equal shares if empty. Only their ratios matter in a
            calibrated objective.
        kind: Among which metrics to look for the name, where style and content share one.
        smoothing: `"softmax"`, `"relative"` or `"scaled"` flattens a ResNet's peaks.
        temperature: Of the softmax; the higher, the flatter.
        parameters: The metric's hyperparameters.

    Raises:
        ValueError: An unknown metric, smoothing or parameter, a number out of its range, or another
            number of layer weights than of layers.
        TypeError: What is no metric.
    """
    metric = find(metric, kind) if isinstance(metric, str) else metric
    _check_leaf("weight", weight)
    _check_leaf("temperature", temperature, above=True)
    if isinstance(layer_weights, str):
        raise ValueError(f"expected layer_weights as numbers, got {layer_weights!r}")
    shares = tuple(layer_weights)
    for share in shares:
        _check_leaf("every layer weight", share)
    how = check(smoothing)
    made = Term(metric, as_layers(layers), weight, (), how, temperature, parameters)
    for name in parameters:
        if not (metric.weights and name == "fitted"):
            check_parameter(metric, name)
    if not shares:
        return made
    if len(shares) != (groups := len(made.layer_weights)):
        raise ValueError(
            f"expected {groups} layer weights for {metric.name} on "
            f"{', '.join(map(str, made.layers))}, got {len(shares)}"
        )
    return replace(made, layer_weights=shares)


def _check_leaf(name: str, value: object, above: bool = False) -> None:
    """Check a number from 0; of an array that JAX holds or traces the value is not asked for."""
    if not isinstance(value, jax.Array):
        arguments.number(name, value, low=0, above=above)


def check_parameter(metric: Metric, name: str) -> None:
    """Raise a `ValueError` that names the nearest if a metric has no parameter of that name."""
    known = metric.parameters
    if name not in known:
        raise ValueError(
            f"{metric.name} has no parameter {name!r}{nearest(name, known)}; "
            f"it has {', '.join(known) or 'none'}"
        )


def layers_of(terms: Sequence[Term]) -> tuple[LayerRef, ...]:
    """Return the networks' layers that the terms need, each once."""
    layers = (layer for term in terms for layer in term.layers if not layer.is_image)
    return tuple(dict.fromkeys(layers))


def term_names(terms: Sequence[Term]) -> tuple[str, ...]:
    """Return the metrics' names, numbered where two terms share one."""
    names: list[str] = []
    counts: dict[str, int] = {}
    for term in terms:
        name = term.metric.name
        counts[name] = counts.get(name, 0) + 1
        names.append(f"{name}#{counts[name]}" if counts[name] > 1 else name)
    return tuple(names)
