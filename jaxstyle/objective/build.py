"""From names to terms: which metric, of which features, of which network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from jaxstyle.backbones import architectures, winograd
from jaxstyle.backbones import extractor as networks
from jaxstyle.backbones.ops import Padding, Pooling
from jaxstyle.metrics import find
from jaxstyle.metrics.metric import Kind, Metric, is_fixed
from jaxstyle.objective.objective import Term, check_parameter, layers_of, term
from jaxstyle.objective.regions import StyleAssignment
from jaxstyle.settings import Choice, PrecisionName, Settings
from jaxstyle.weights import registry as weights


class Networks(Mapping[str, weights.Weights]):
    """Weights by name, each loaded (and fetched, if it is not here) when it is first asked for."""

    def __init__(
        self, *, offline: bool = False, report: Callable[[str], None] | None = None
    ) -> None:
        self._how: dict[str, Any] = {"offline": offline, "report": report}
        self._loaded: dict[str, weights.Weights] = {}
        self._placed: dict[str, networks.Parameters] = {}
        self._numbers: dict[tuple[str, str], jax.Array] = {}

    def on_device(self, name: str, layers: Iterable[str]) -> networks.Parameters:
        """A network's weights on the device, once for all who ask."""
        if name not in self._placed:
            self._placed[name] = jax.device_put(self[name].tensors)
        found = dict(self._placed[name])
        if jax.default_backend() == "cpu":
            for layer in networks.deep(self.architecture(name), layers):
                if (name, layer) not in self._numbers:
                    kernel = np.asarray(self[name].tensors[layer]["kernel"])
                    self._numbers[name, layer] = jax.device_put(winograd.transformed(kernel))
                found[layer] = {**found[layer], "winograd": self._numbers[name, layer]}
        return found

    def __getitem__(self, name: str) -> weights.Weights:
        if name not in self._loaded:
            self._loaded[name] = weights.load(name, **self._how)
        return self._loaded[name]

    def __iter__(self) -> Any:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)

    def sums(self) -> dict[str, str]:
        """The SHA-256 of all that were asked for so far, by name."""
        return {name: self[name].sha256 for name in self}

    def architecture(self, name: str) -> str:
        """The architecture of a network.

        Raises:
            ValueError: There are no such weights, or they are no network.
        """
        found = self[name].architecture
        if found not in architectures.NAMES:
            raise ValueError(f"{name} is no network that features could be taken from")
        return found


def build(
    choice: Choice,
    kind: Kind | None,
    networks_: Networks,
    *,
    backbone: str,
    layers: Sequence[str] = (),
    weight: float = 1.0,
    parameters: Mapping[str, float] | None = None,
) -> Term:
    """The term that a choice stands for.

    Args:
        choice: `("gram", 1.0)`; `("gram~softmax/3", 1.0)` with features smoothed by a softmax of
            temperature 3 (1 if it does not say); or with layers of its own, such as
            `("gram", 0.5, ("relu1_1", "resnet50:relu3_4"))`.
        kind: Among which metrics to look for the name.
        networks_: Where weights come from.
        backbone: The network of layers that name none.
        layers: Where to compare if the choice does not say; else the metric's usual layers.
        weight: Multiplies the choice's.
        parameters: The metric's own numbers.

    Raises:
        ValueError: A name that does not exist; the message says which is nearest.
        OSError: Weights that are not here and cannot be fetched.
    """
    name, share, *chosen = choice
    name, _, smoothing = name.partition("~")
    metric = find(name, kind)
    if all(map(is_fixed, metric.layers)) and (chosen or smoothing):
        what = "layers to choose" if chosen else "features to smooth"
        raise ValueError(f"{name} has no {what}")
    at = _places(metric, chosen[0] if chosen else layers, networks_, backbone)
    smoothing, _, temperature = (smoothing or "none").partition("/")
    numbers: dict[str, Any] = dict(parameters or {})
    if metric.weights:
        numbers["fitted"] = dict(networks_[metric.weights].tensors)
    return term(
        metric,
        weight * share,
        at,
        smoothing=smoothing,
        temperature=_temperature(temperature),
        **numbers,
    )


def _temperature(text: str) -> float:
    try:
        value = float(text or 1)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"expected a temperature above 0, as in gram~softmax/3, got {text!r}")
    return value


def _places(
    metric: Metric, layers: Sequence[str], networks_: Networks, backbone: str
) -> tuple[str, ...]:
    """Full names of the layers, each checked."""
    if all(map(is_fixed, metric.layers)) or not layers:
        usual = [
            layer
            if is_fixed(layer)
            else architectures.counterpart(networks_.architecture(backbone), layer)
            for layer in metric.layers
        ]
        # Two of a VGG's layers may have one counterpart.
        layers = tuple(dict.fromkeys(usual))
    found = []
    for layer in layers:
        if layer == "image":
            found.append(layer)
            continue
        place = networks.place(layer, backbone)
        architectures.check_layers(networks_.architecture(place.backbone), [place.layer])
        found.append(str(place))
    return tuple(found)


def from_settings(
    settings: Settings, networks_: Networks, looks: Sequence[StyleAssignment] = (StyleAssignment(),)
) -> tuple[Term, ...]:
    """All terms of a run; those without weight are left out.

    Args:
        settings: What is compared and how much it counts.
        networks_: Where weights come from.
        looks: The style terms are there once for each.

    Raises:
        ValueError: A name that does not exist, or no term has any weight.
        OSError: Weights that are not here and cannot be fetched.
    """
    style = settings.style_backbone or settings.backbone
    content = settings.content_backbone or settings.backbone
    groups: tuple[tuple[Sequence[Choice], float, tuple[str, ...], Kind, str], ...] = (
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
    found: list[Term] = []
    for choices, weight, layers, kind, backbone in groups:
        for choice in choices:
            part = build(
                choice,
                kind,
                networks_,
                backbone=backbone,
                layers=layers,
                weight=weight,
                parameters=parameters.get(choice[0].partition("~")[0]),
            )
            found += [part] if kind != "style" else [_seen(part, look) for look in looks]
    for name in parameters:
        if name not in {each.metric.name for each in found}:
            raise ValueError(f"a parameter is given for {name}, which is in no term")
    kept = tuple(each for each in found if each.weight > 0)
    if not kept:
        raise ValueError("every weight is zero: there is nothing to optimize")
    return kept


def _parameters(settings: Settings) -> dict[str, dict[str, float]]:
    """Each metric's own numbers, checked."""
    found: dict[str, dict[str, float]] = {}
    for name, value in settings.parameter:
        metric, _, own = name.partition(".")
        check_parameter(find(metric), own)
        found.setdefault(metric, {})[own] = value
    return found


def _seen(part: Term, look: StyleAssignment) -> Term:
    if len(look.styles) > 1 and not part.metric.averageable:
        raise ValueError(
            f"the targets of {part.metric.name} cannot be mixed; add the losses instead: blend sum"
        )
    weight = part.weight * look.weight
    return replace(part, weight=weight, styles=look.styles, shares=look.shares, region=look.region)


def names(terms: Sequence[Term]) -> tuple[str, ...]:
    """The metrics' names, told apart where two terms share one."""
    found: list[str] = []
    for each in terms:
        count = sum(name.split("#")[0] == each.metric.name for name in found)
        found.append(f"{each.metric.name}#{count + 1}" if count else each.metric.name)
    return tuple(found)


def extractor(
    terms: Iterable[Term],
    networks_: Networks,
    *,
    pooling: Pooling = "max",
    padding: Padding = "zeros",
    precision: PrecisionName = "tensorfloat32",
) -> tuple[networks.Extractor, dict[str, networks.Parameters]]:
    """What gives all features that the terms need, and the weights that it takes.

    Args:
        terms: What is compared.
        networks_: Where weights come from.
        pooling: Of networks whose layers do not say, see `jaxstyle.backbones.networks.features`.
        padding: Likewise.
        precision: What a device other than a CPU may round to.

    Returns:
        The `Extractor`, a function of the weights and a picture; and the weights.
    """
    layers = layers_of(tuple(terms))
    used: dict[str, set[str]] = {}
    for layer in layers:
        where = networks.place(layer, "")
        used.setdefault(where.backbone, set()).add(where.layer)
    extract = networks.extractor(
        layers,
        {name: networks_.architecture(name) for name in used},
        pooling=pooling,
        padding=padding,
        precision=precision,
    )
    return extract, {name: networks_.on_device(name, used[name]) for name in used}


def smallest_side(terms: Iterable[Term], networks_: Networks) -> int:
    """The shortest side, in pixels, of a picture that every term can look at."""
    places = [networks.place(layer, "") for layer in layers_of(tuple(terms))]
    return max(
        (
            architectures.smallest_side(networks_.architecture(each.backbone), [each.layer])
            for each in places
        ),
        default=1,
    )
