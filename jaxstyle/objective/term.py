"""Terms: which metric compares which features, and how hard it pulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import jax
from jaxtyping import Array, Float

from jaxstyle._util.names import nearest
from jaxstyle.metrics import Metric, find
from jaxstyle.metrics.metric import Kind
from jaxstyle.metrics.smoothing import Smoothing, check
from jaxstyle.specs import ALWAYS, LayerRef, MetricSpec, Window

Scalar = float | Float[Array, ""]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Term:
    """One thing that the picture should match.

    Attributes:
        metric: How to compare (static).
        layers: Where to compare (static); features are looked up by `str` of these.
        weight: How hard the term pulls, a leaf. In a calibrated objective, weight 1 is a gradient
            of unit root mean square at the reference picture, whatever the metric or the layers.
        layer_weights: A leaf for each layer: the share of each in the term.
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
    _One | Sequence[_One | tuple[str | Metric, float] | tuple[str | Metric, float, Sequence[str]]]
)
"""A text (`"gram=0.5+histogram"`), a metric, a term, or a sequence of them, with weights."""


def term(
    metric: str | Metric,
    weight: float = 1.0,
    layers: Sequence[str | LayerRef] = (),
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
        weight: How hard it pulls.
        layers: Where to compare; the metric's usual layers if empty.
        layer_weights: One for each layer; equal shares if empty. Only their ratios matter in a
            calibrated objective.
        kind: Among which metrics to look for the name, where style and content share one.
        smoothing: `"softmax"`, `"relative"` or `"scaled"` flattens a ResNet's peaks.
        temperature: Of the softmax; the higher, the flatter.
        parameters: The metric's hyperparameters.

    Raises:
        ValueError: An unknown metric, smoothing or parameter, or another number of layer weights
            than of layers.
    """
    metric = find(metric, kind) if isinstance(metric, str) else metric
    refs = tuple(map(LayerRef.parse, tuple(layers) or metric.layers))
    groups = 1 if metric.expects == "layers" else len(refs)
    shares = tuple(layer_weights) or (1 / groups,) * groups
    if layer_weights and len(shares) != groups:
        raise ValueError(
            f"expected {groups} layer weights for {metric.name} on {', '.join(map(str, refs))}, "
            f"got {len(shares)}"
        )
    for name in parameters:
        if not (metric.weights and name == "fitted"):
            check_parameter(metric, name)
    return Term(metric, refs, weight, shares, check(smoothing), temperature, parameters)


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
