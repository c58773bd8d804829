"""The space of mixtures that a search explores, as data.

A `Space` asks whatever draws values (an Optuna trial, or `Draw` here) which metrics a mixture has,
and with which weights and layers. Weights are shares, divided by their sum, so that only the style
and content weights say how hard all of them pull. Choices (which metrics, layers, smoothing) decide
the program that runs; numbers do not, so trials that differ by numbers alone run side by side.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from jaxstyle._util import arguments
from jaxstyle._util.arguments import shown
from jaxstyle.kinds import is_list
from jaxstyle.metrics import find
from jaxstyle.settings import MIXTURES, Settings, check_names
from jaxstyle.specs import MetricSpec, as_layers

SHARE = 0.25
"""The probability of each metric in a mixture that is drawn without any knowledge."""
_GROUPS = ("metric", "content_metric")


class Drawer(Protocol):
    """What draws values by name, as an Optuna trial does."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of the choices."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Return a number in a range, uniform or uniform in its logarithm."""


class Draw:
    """Draw values at random, few metrics at a time, and record them.

    >>> draw = Draw(np.random.default_rng(0), {"metric.gram": True})
    >>> draw.suggest_categorical("metric.gram", [False, True])
    True
    >>> draw.choices, 1 <= draw.suggest_float("weight", 1, 2) <= 2
    ({'metric.gram': True}, True)
    """

    def __init__(self, random: np.random.Generator, fixed: Mapping[str, Any] | None = None) -> None:
        """Draw with a generator, but for choices that are fixed."""
        self._random, self._fixed = random, fixed or {}
        self.choices: dict[str, Any] = {}
        self.numbers: dict[str, float] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of the choices; True, of whether or not, with the probability `SHARE`."""
        chance = self._random.random()
        if name in self._fixed:
            value = self._fixed[name]
        elif list(choices) == [False, True]:
            value = bool(chance < SHARE)
        else:
            value = choices[int(chance * len(choices))]
        self.choices[name] = value
        return value

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Return a number in a range, uniform or uniform in its logarithm."""
        ends = np.log((low, high)) if log else (low, high)
        drawn = self._random.uniform(*ends)
        value = float(np.clip(np.exp(drawn) if log else drawn, low, high))
        self.numbers[name] = value
        return value


class _Known:
    """Answers what is known, and records it; `LookupError` where that is not among the choices."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self.parameters: dict[str, Any] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        value = self.parameters[name] = self._answers.get(name, choices[0])
        if value not in choices:
            raise LookupError(name)
        return value

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        value: float = self._answers[name]
        if not low <= value <= high:
            raise LookupError(name)
        self.parameters[name] = value
        return value


def _ends(name: str, given: Any) -> tuple[float, float]:
    """Return the ends of a range above 0."""
    if not is_list(given) or len(given) != 2:
        raise ValueError(f"expected {name} with two ends, got {shown(given)}")
    low, high = (arguments.number(name, end, low=0, above=True) for end in given)
    if low >= high:
        raise ValueError(f"expected {name} with its lower end first, got {shown(given)}")
    return low, high


def _short(value: float) -> float:
    """Round to two digits, which a command line says in full."""
    return float(f"{value:.2g}")


@dataclass(frozen=True)
class MetricChoice:
    """How a metric may occur in a mixture.

    Attributes:
        weight: The ends of the range of its weight, above 0; uniform in the logarithm. Zero is a
            value besides: the metric is then left out.
        layers: Sets of layers, each a text with commas; `""` for the metric's usual layers.
        smoothing: Ways to smooth features first, such as `"softmax/3"`.
    """

    weight: tuple[float, float] = (0.1, 3.0)
    layers: tuple[str, ...] = ("",)
    smoothing: tuple[str, ...] = ("none",)

    def __post_init__(self) -> None:
        """Check the values; lists become tuples."""
        object.__setattr__(self, "weight", _ends("a metric's weight", self.weight))
        for name in ("layers", "smoothing"):
            values = getattr(self, name)
            if not is_list(values) or not len(values):
                raise ValueError(f"expected {name} as a list of texts, got {shown(values)}")
            for value in values:
                if not isinstance(value, str):
                    raise ValueError(f"expected {name} as a list of texts, got {shown(values)}")
            object.__setattr__(self, name, tuple(values))
        for layers in filter(None, self.layers):
            as_layers(layers)


@dataclass(frozen=True)
class NumberChoice:
    """The range of a setting that is a number above 0, uniform in the logarithm.

    Attributes:
        low: Its lower end, above 0.
        high: Its upper end.
        zero: Whether 0 is a value besides.
    """

    low: float
    high: float
    zero: bool = False

    def __post_init__(self) -> None:
        """Check the ends."""
        low, high = _ends("a range", (self.low, self.high))
        arguments.flags(zero=self.zero)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)


_LAYERS = ("", "relu1_1,relu2_1", "relu2_1,relu3_1", "relu3_1,relu4_1", "relu4_1,relu5_1")
_DEEP, _PIXELS = MetricChoice(layers=_LAYERS), MetricChoice()
_SMOOTHED = replace(_DEEP, smoothing=("none", "relative/5"))
# All pairs of patches of shallow layers would take most of a mixture's time: minutes at 256 pixels.
_PATCHES = MetricChoice(layers=("", "relu4_1", "relu4_1,relu5_1"))

# Without the sliced Wasserstein distance, the energy distance and their kin: these judge.
_STYLE: Mapping[str, MetricChoice] = {
    "gram": _SMOOTHED,
    "covariance": _DEEP,
    "moments": _SMOOTHED,
    "central_moments": _DEEP,
    "gaussian_wasserstein": _DEEP,
    "cross_layer_gram": _DEEP,
    "relaxed_emd": _DEEP,
    "nearest_neighbor": _DEEP,
    "neural_neighbor": _DEEP,
    "patch_stride_2": _PATCHES,
    "contextual": _DEEP,
    "power_spectrum": _DEEP,
    "gaussian_wasserstein@image": _PIXELS,
    "color_histogram": _PIXELS,
    "palette": _PIXELS,
}
_CONTENT_LAYERS = ("", "relu2_2", "relu3_2", "relu4_2", "relu5_2")
# Without LPIPS and MS-SSIM, which judge.
_CONTENT: Mapping[str, MetricChoice] = {
    "mse": MetricChoice(layers=_CONTENT_LAYERS),
    "self_similarity": MetricChoice(layers=("", "relu3_1", "relu4_1")),
    "edges": _PIXELS,
    "laplacian": _PIXELS,
}
_OF_STYLE = ("content_weight", "smoothness")
"""Only the ratios of these to the style weight matter."""
_SETTINGS: Mapping[str, NumberChoice | tuple[Any, ...]] = {
    "content_weight": NumberChoice(0.03, 10.0),
    "smoothness": NumberChoice(0.003, 0.3, zero=True),
    "content_decay": (1.0, 2.0),
}


@dataclass(frozen=True)
class Space:
    """Mixtures and settings among which a search looks.

    >>> space = Space(metric={"gram": MetricChoice(), "moments": MetricChoice()}, content_metric={})
    >>> changes = space.suggest(Draw(np.random.default_rng(1)))
    >>> sorted(changes)
    ['content_decay', 'content_weight', 'metric', 'smoothness']
    >>> sum(spec.weight for spec in changes["metric"])
    1.0

    Attributes:
        metric: Style metrics by name (`"gaussian_wasserstein@image"` has its layers with it), and
            how each may occur.
        content_metric: Content metrics likewise.
        settings: Other settings: a `NumberChoice`, or a tuple of values.
        single: Whether a mixture is always one style metric and one content metric.
    """

    metric: Mapping[str, MetricChoice] = field(default_factory=lambda: _STYLE)
    content_metric: Mapping[str, MetricChoice] = field(default_factory=lambda: _CONTENT)
    settings: Mapping[str, NumberChoice | tuple[Any, ...]] = field(
        default_factory=lambda: _SETTINGS
    )
    single: bool = False

    def __post_init__(self) -> None:
        """Check names: `ValueError` of a metric, `TypeError` of a setting that does not exist."""
        for group in _GROUPS:
            for name in getattr(self, group):
                find(MetricSpec.parse(name).name, MIXTURES[group])
        arguments.flags(single=self.single)
        check_names(self.settings)
        for name in self.settings:
            if name in MIXTURES:
                raise ValueError(f"expected {name} outside the settings of a space")

    @property
    def names(self) -> frozenset[str]:
        """The settings that it decides."""
        groups = (group for group in _GROUPS if getattr(self, group))
        return frozenset((*groups, *self.settings))

    def without(self, names: Sequence[str]) -> Space:
        """Return the space without settings that are given.

        >>> sorted(Space().without(["metric", "smoothness"]).names)
        ['content_decay', 'content_metric', 'content_weight']
        """
        mixtures = {group: {} if group in names else getattr(self, group) for group in _GROUPS}
        kept = {name: values for name, values in self.settings.items() if name not in names}
        return replace(self, **mixtures, settings=kept)

    def suggest(self, drawer: Drawer) -> dict[str, Any]:
        """Return settings that a drawer, such as an Optuna trial, chooses."""
        changes: dict[str, Any] = {
            group: _mixture(drawer, group, getattr(self, group), self.single)
            for group in _GROUPS
            if getattr(self, group)
        }
        for name, values in self.settings.items():
            if not isinstance(values, NumberChoice):
                changes[name] = drawer.suggest_categorical(name, list(values))
            elif values.zero and drawer.suggest_categorical(f"{name}.zero", [False, True]):
                changes[name] = 0.0
            else:
                changes[name] = _short(
                    drawer.suggest_float(name, values.low, values.high, log=True)
                )
        return changes

    def parameters(self, settings: Settings) -> dict[str, Any] | None:
        """Return the answers of a drawer that suggest these settings; None if nothing does.

        >>> settings = Settings(metric="gram", content_metric="mse")
        >>> known = Space(single=True).parameters(settings)
        >>> known["metric.alone"], known["content_weight"]
        ('gram', 0.3)
        """
        try:
            known = _Known(self._answers(settings))
            self.suggest(known)
        except LookupError:
            return None
        return known.parameters

    def _answers(self, settings: Settings) -> dict[str, Any]:
        """Return what a drawer of settings answers; `LookupError` of a metric that is not here."""
        answers: dict[str, Any] = {}
        for group in _GROUPS:
            choices, specs = getattr(self, group), getattr(settings, group)
            if choices and self.single and len(specs) > 1:
                raise LookupError(group)
            for spec in specs if choices else ():
                of_layers = {str(replace(spec, weight=1.0, smoothing="none", temperature=1.0))}
                name = next((name for name in choices if name in of_layers), spec.name)
                layers = "" if name in of_layers else ",".join(map(str, spec.layers))
                smoothing = spec.label.partition("~")[2] or "none"
                if name not in choices:
                    raise LookupError(name)
                answers |= {f"{group}.{name}": True, f"{group}.alone": name}
                answers |= {
                    f"{group}.{name}.{of}": value
                    for of, value in (
                        ("weight", spec.weight),
                        ("layers", layers),
                        ("smoothing", smoothing),
                    )
                }
        # The shares of the style metrics add up to 1.
        total = settings.style_weight * sum(spec.weight for spec in settings.metric)
        for name, values in self.settings.items():
            value = getattr(settings, name)
            if isinstance(values, NumberChoice):
                answers[f"{name}.zero"] = value == 0
                value = value / (total if name in _OF_STYLE and self.metric else 1)
            answers[name] = value
        return answers

    def plain(self) -> dict[str, Any]:
        """Return the space as JSON holds it, see `read_space`."""
        return json.loads(json.dumps(asdict(self)))


def _mixture(
    drawer: Drawer, group: str, choices: Mapping[str, MetricChoice], single: bool
) -> tuple[MetricSpec, ...]:
    """Draw a mixture of one metric or several."""
    names = list(choices)
    if len(names) > 1:
        used = [
            name
            for name in ([] if single else names)
            if drawer.suggest_categorical(f"{group}.{name}", [False, True])
        ]
        names = used or [drawer.suggest_categorical(f"{group}.alone", names)]
    specs = []
    for name in names:
        choice, key = choices[name], f"{group}.{name}"
        spec = MetricSpec.parse(name)
        weight = 1.0
        if len(names) > 1:
            weight = drawer.suggest_float(f"{key}.weight", *choice.weight, log=True)
        layers, smoothing = (
            values[0] if len(values) == 1 else drawer.suggest_categorical(f"{key}.{of}", [*values])
            for of, values in (("layers", choice.layers), ("smoothing", choice.smoothing))
        )
        how = MetricSpec.of(f"{spec.name}~{smoothing}", 1.0)
        spec = replace(spec, weight=weight, smoothing=how.smoothing, temperature=how.temperature)
        specs.append(replace(spec, layers=as_layers(layers)) if layers else spec)
    total = sum(spec.weight for spec in specs)
    return tuple(replace(spec, weight=_short(spec.weight / total)) for spec in specs)


def read_space(given: str | Path | Mapping[str, Any] | Space | None) -> Space:
    """Return a space, from a JSON file or what it holds.

    What the file does not name is as in the usual space.

    >>> space = read_space({"metric": ["gram", "moments"], "settings": {"smoothness": [0, 0.03]}})
    >>> sorted(space.metric), space.settings
    (['gram', 'moments'], {'smoothness': (0, 0.03)})

    Args:
        given: A path, or a mapping with some of `metric`, `content_metric`, `settings` and `single`
            (whether a mixture is always one style metric and one content metric). Metrics are a
            list of names, or a mapping from names to the fields of `MetricChoice`; settings a
            mapping from names to lists of values, or to the fields of `NumberChoice`.

    Raises:
        ValueError: It has another form, or a metric does not exist.
        TypeError: A setting does not exist.
        OSError: The file cannot be read.
    """
    if isinstance(given, Space):
        return given
    if isinstance(given, (str, Path)):
        path = arguments.path("space", given)
        try:
            given = json.loads(path.read_text("utf-8"))
        except ValueError:
            raise ValueError(f"expected {path} to hold JSON") from None
    given = {} if given is None else given
    names = (*_GROUPS, "settings", "single")
    if not isinstance(given, Mapping) or not {*given} <= {*names}:
        expected = ", ".join(names)
        raise ValueError(
            f"expected a space as a mapping with some of {expected}, got {shown(given)}"
        )
    parts: dict[str, Any] = {
        group: _metrics(group, given[group]) for group in _GROUPS if group in given
    }
    if "single" in given:
        parts["single"] = given["single"]
    if "settings" in given:
        if not isinstance(given["settings"], Mapping):
            raise ValueError(f"expected settings as a mapping, got {shown(given['settings'])}")
        parts["settings"] = {name: _values(name, v) for name, v in given["settings"].items()}
    return Space(**parts)


def _metrics(group: str, given: Any) -> dict[str, MetricChoice]:
    """Return metrics and how each may occur; those of the usual space as there, by their names."""
    usual = _STYLE if group == "metric" else _CONTENT
    if is_list(given):
        given = {name: {} for name in given}
    if not isinstance(given, Mapping):
        raise ValueError(f"expected {group} as names of metrics, got {shown(given)}")
    choices = {}
    for name, options in given.items():
        if isinstance(options, MetricChoice):
            choices[name] = options
            continue
        if not isinstance(options, Mapping) or not {*options} <= {"weight", "layers", "smoothing"}:
            raise ValueError(
                f"expected weight, layers and smoothing of {name}, got {shown(options)}"
            )
        choices[name] = replace(usual.get(name, MetricChoice()), **options)
    return choices


def _values(name: str, given: Any) -> NumberChoice | tuple[Any, ...]:
    if isinstance(given, NumberChoice):
        return given
    if isinstance(given, Mapping) and {"low", "high"} <= {*given} <= {"low", "high", "zero"}:
        return NumberChoice(**given)
    if is_list(given) and len(given):
        return tuple(given)
    raise ValueError(
        f"expected {name} as a list of values or with low and high, got {shown(given)}"
    )
