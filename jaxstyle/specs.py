"""Metrics and layers as people write them, parsed once into values.

    gram~softmax/3@relu1_1,vgg16/max/zeros:relu3_1=0.5

is a `MetricSpec` with two `LayerRef`s; `str` gives the text back. Nothing else takes such strings
apart. Nothing heavy is imported here.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import total_ordering
from typing import Any, Literal, get_args

from jaxstyle._util import arguments
from jaxstyle._util.arguments import shown

PoolingName = Literal["max", "average", "hanning"]
PaddingName = Literal["zeros", "reflect", "edge", "edge_first", "wrap"]
TileName = Literal["both", "x", "y"]
Wrap = tuple[bool, bool]
"""Whether rows, and whether columns, continue at the opposite edge."""
OPEN: Wrap = (False, False)
"""Of a picture that ends at its edges."""
INITS = ("content", "noise", "style", "patches", "style_mean", "imagenet_mean", "adain")
"""Words for the picture that a run starts from; everything else is a file, or holds a picture."""
RANDOM_INITS = ("noise", "style", "patches", "imagenet_mean")

IMAGE = "image"
"""The layer that is the picture itself."""
_STAGE = re.compile(r"(?:conv|relu)(\d)")
_OCTAVES = 15
"""A picture of 32,768 pixels is halved to one by so many."""
_DIGITS = 9
"""The most of a whole number in a text."""


def wrap_of(padding: str, tile: str | None = None) -> Wrap:
    """Return along which axes a picture continues at its opposite edge.

    >>> wrap_of("edge", "x"), wrap_of("wrap"), wrap_of("edge")
    ((False, True), (True, True), (False, False))

    Args:
        padding: A `PaddingName`.
        tile: A `TileName`: along which directions copies of the picture fit together.
    """
    if padding == "wrap":
        return True, True
    return tile in ("both", "y"), tile in ("both", "x")


def is_init(value: object, names: Collection[str] = INITS) -> bool:
    """Whether it is one of `INITS`, or of some of them; `"./noise"` is a file, an array a picture.

    >>> is_init("noise"), is_init("./noise"), is_init("noise", ("patches",))
    (True, False, False)
    """
    return isinstance(value, str) and value in names


@total_ordering
@dataclass(frozen=True)
class LayerRef:
    """A layer of a network that runs with some pooling and padding.

    >>> LayerRef.parse("relu3_1")
    LayerRef(layer='relu3_1', backbone=None, pooling=None, padding=None, octave=0)
    >>> str(LayerRef.parse("alexnet/max/zeros:relu1"))
    'alexnet/max/zeros:relu1'
    >>> LayerRef.parse("relu3_1^2").octave
    2

    Attributes:
        layer: Its name in the network; `"image"` is the picture itself.
        backbone: The network's name, or None for the run's.
        pooling: Pooling of this network, or None for the run's.
        padding: Padding of this network, or None for the run's.
        octave: How many times the picture is blurred and halved before the network.
    """

    layer: str
    backbone: str | None = None
    pooling: PoolingName | None = None
    padding: PaddingName | None = None
    octave: int = 0

    def __post_init__(self) -> None:
        """Check the names; `ValueError` of those that do not exist whatever the network."""
        arguments.text("a layer", self.layer)
        if self.backbone is not None:
            arguments.text("a layer's network", self.backbone)
        for name, known in (("pooling", PoolingName), ("padding", PaddingName)):
            value, choices = getattr(self, name), get_args(known)
            if value is not None and not (isinstance(value, str) and value in choices):
                raise ValueError(
                    f"expected {name} to be one of {', '.join(choices)}, got {shown(value)}"
                )
        arguments.number(f"the octave of {self.layer}", self.octave, int, low=0, high=_OCTAVES)

    @classmethod
    def parse(cls, text: str | LayerRef) -> LayerRef:
        """Parse `LAYER[^OCTAVE]`, after `NETWORK:` or `NETWORK/POOLING/PADDING:`.

        Raises:
            ValueError: The text has another form.
        """
        if isinstance(text, LayerRef):
            return text
        network, colon, layer = arguments.text("a layer", text).rpartition(":")
        layer, caret, octave = layer.partition("^")
        if caret and (not _is_count(octave) or layer == IMAGE):
            raise ValueError(f"expected a layer such as relu3_1^2, got {shown(text)}")
        if not colon:
            return cls(layer, octave=int(octave or 0))
        name, *how = network.split("/")
        known = (get_args(PoolingName), get_args(PaddingName))
        if how and not (len(how) == 2 and all(h in k for h, k in zip(how, known, strict=True))):
            raise ValueError(
                f"expected a layer such as relu3_1, resnet50:relu3_4 or vgg16/max/zeros:relu3_1, "
                f"got {shown(text)}"
            )
        ref = cls(layer, name, *how)  # type: ignore[arg-type]
        return replace(ref, octave=int(octave or 0))

    def __str__(self) -> str:
        how = f"/{self.pooling}/{self.padding}" if self.pooling else ""
        layer = f"{self.layer}^{self.octave}" if self.octave else self.layer
        return layer if self.backbone is None else f"{self.backbone}{how}:{layer}"

    def __lt__(self, other: LayerRef) -> bool:
        return str(self) < str(other)

    @property
    def is_image(self) -> bool:
        """Whether it is the picture itself."""
        return self.layer == IMAGE and self.backbone is None

    @property
    def is_fixed(self) -> bool:
        """Whether it names its network, or is the picture: nothing is left to choose."""
        return self.is_image or self.backbone is not None

    @property
    def stage(self) -> int | None:
        """The network's block or stage by the field's names: 3 of `relu3_1`; None of others."""
        match = _STAGE.match(self.layer)
        return int(match[1]) if match else None

    def on(self, backbone: str) -> LayerRef:
        """The same layer of `backbone` if it names no network itself."""
        return self if self.is_fixed else replace(self, backbone=backbone)


def as_layers(layers: str | LayerRef | Iterable[str | LayerRef]) -> tuple[LayerRef, ...]:
    """Return layers as they are written: one, several with commas between, or a sequence.

    >>> as_layers("relu1_1") == as_layers(["relu1_1"]) == (LayerRef("relu1_1"),)
    True

    Raises:
        ValueError: One has another form.
    """
    given = (layers,) if isinstance(layers, LayerRef) else arguments.names("layers", layers)
    return tuple(map(LayerRef.parse, given))


FORM = "NAME[~SMOOTHING][@LAYER,…][#BEGIN-END][=WEIGHT]"
Window = tuple[int, int | None]
"""The steps of each scale in which a term counts: from one to before the other, None for no end."""
ALWAYS: Window = (0, None)


@dataclass(frozen=True)
class MetricSpec:
    """A metric with its weight, its layers and its smoothing.

    >>> spec = MetricSpec.parse("gram~softmax/3@relu1_1,relu2_1=0.5")
    >>> spec.name, spec.weight, spec.smoothing, spec.temperature, len(spec.layers)
    ('gram', 0.5, 'softmax', 3.0, 2)
    >>> str(spec)
    'gram~softmax/3@relu1_1,relu2_1=0.5'

    Attributes:
        name: The metric's name.
        weight: Its share in a mixture; at least 0, finite.
        layers: Where to compare; empty for the metric's usual layers.
        smoothing: How features are smoothed first: see `jaxstyle.metrics.smoothing`.
        temperature: Of the smoothing's softmax, above 0.
        window: The steps of each scale in which it counts.
        value: The `Metric` or `Term` that was given in place of a name, or None. A specification
            with a value cannot be written into a manifest.
    """

    name: str
    weight: float = 1.0
    layers: tuple[LayerRef, ...] = ()
    smoothing: str = "none"
    temperature: float = 1.0
    window: Window = ALWAYS
    value: Any = None

    def __post_init__(self) -> None:
        """Check the numbers, and give layers one form: `"relu1_1"` is `(LayerRef("relu1_1"),)`."""
        changed = {
            "name": arguments.text("a metric", self.name),
            "smoothing": arguments.text(f"the smoothing of {self.name}", self.smoothing),
            "weight": arguments.number(f"the weight of {self.name}", self.weight, low=0),
            "layers": as_layers(self.layers),
            "temperature": arguments.number(
                f"the temperature of {self.name}", self.temperature, low=0, above=True
            ),
            "window": _as_window(self.window),
        }
        for name, value in changed.items():
            object.__setattr__(self, name, value)

    @classmethod
    def parse(cls, text: str) -> MetricSpec:
        """Parse `NAME[~SMOOTHING[/TEMPERATURE]][@LAYER,…][#BEGIN-END][=WEIGHT]`.

        Raises:
            ValueError: The text has another form.
        """
        head, equals, share = arguments.text("a metric", text).strip().partition("=")
        head, _, steps = head.partition("#")
        label, at, layers = head.partition("@")
        try:
            weight = float(share) if equals else 1.0
        except ValueError:
            raise ValueError(f"expected {FORM}, got {shown(text)}") from None
        return cls.of(label, weight, layers.split(",") if at and layers else (), steps)

    @classmethod
    def of(
        cls, label: str, weight: float, layers: Iterable[str | LayerRef] = (), steps: str = ""
    ) -> MetricSpec:
        """From a label (`"gram~softmax/3"`), a weight, layers, and steps (`"0-50"`)."""
        name, _, how = arguments.text("a metric", label).partition("~")
        smoothing, _, temperature = (how or "none").partition("/")
        return cls(
            name,
            weight,
            as_layers(layers),
            smoothing,
            _temperature(temperature) if temperature else 1.0,
            _window(steps) if steps else ALWAYS,
        )

    @property
    def label(self) -> str:
        """Name and smoothing without weight and layers: `gram~softmax/3`."""
        if self.smoothing == "none":
            return self.name
        how = "" if self.temperature == 1 else f"/{self.temperature:.6g}"
        return f"{self.name}~{self.smoothing}{how}"

    def __str__(self) -> str:
        at = f"@{','.join(map(str, self.layers))}" if self.layers else ""
        weight = "" if self.weight == 1 else f"={self.weight:.6g}"
        steps = f"#{self.steps}" if self.steps else ""
        return f"{self.label}{at}{steps}{weight}"

    @property
    def steps(self) -> str:
        """The window as text: `0-50`; nothing for all steps."""
        begin, end = self.window
        return "" if self.window == ALWAYS else f"{begin}-{'' if end is None else end}"

    def plain(self) -> tuple[Any, ...]:
        """As manifests write it: label, weight, and layers and steps if there are any."""
        more = (tuple(map(str, self.layers)),) if self.layers or self.steps else ()
        return (self.label, self.weight, *more, *((self.steps,) if self.steps else ()))


def _temperature(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ValueError(f"expected a temperature above 0, as in gram~softmax/3, got {text!r}")
    return value


def _window(text: str) -> Window:
    begin, dash, end = arguments.text("steps", text).partition("-")
    if dash and _is_count(begin) and (_is_count(end) or not end):
        with contextlib.suppress(ValueError):
            return _as_window((int(begin), int(end) if end else None))
    raise ValueError(f"expected steps such as #0-50 or #50-, got {shown(text)}")


def _as_window(window: Any) -> Window:
    if isinstance(window, (tuple, list)) and len(window) == 2:
        begin, end = window
        begin = arguments.number("the first step", begin, int, low=0)
        if end is None:
            return begin, None
        end = arguments.number("the step after the last", end, int, low=0)
        if begin < end:
            return begin, end
    raise ValueError(f"expected steps such as (0, 50) or (50, None), got {shown(window)}")


def _is_count(text: str) -> bool:
    """Whether a text is a whole number that is not too large, without a sign."""
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS


def parse_mixture(text: str) -> tuple[MetricSpec, ...]:
    """Parse several metrics with a plus between.

    >>> [str(spec) for spec in parse_mixture("gram=0.5+histogram")]
    ['gram=0.5', 'histogram']
    """
    return tuple(MetricSpec.parse(part) for part in text.split("+"))


def as_specs(value: Any, setting: str = "metric") -> tuple[MetricSpec, ...]:
    """Specifications from whatever people hold.

    Args:
        value: A text (`"gram=0.5+histogram"`), a `MetricSpec`, a `Metric` or `Term`, a tuple
            `(name, weight[, layers])`, or a sequence of them; or a mapping from names to weights.
        setting: The name of the setting, for messages.

    Raises:
        ValueError: It is none of these.
    """
    if isinstance(value, str):
        return parse_mixture(value)
    if isinstance(value, Mapping):
        value = tuple(value.items())
    if isinstance(value, MetricSpec) or _is_value(value):
        return (_as_spec(value, setting),)
    if not isinstance(value, Sequence) or isinstance(value, (bytes, bytearray)):
        raise ValueError(_expected(setting, value))
    return tuple(_as_spec(part, setting) for part in value)


def _as_spec(part: Any, setting: str) -> MetricSpec:
    if isinstance(part, MetricSpec):
        return part
    if isinstance(part, str):
        return MetricSpec.parse(part)
    if hasattr(part, "summarize"):
        return MetricSpec(part.name, value=part)
    if hasattr(part, "metric"):
        return MetricSpec(part.metric.name, value=part)
    if not isinstance(part, Sequence) or not 2 <= len(part) <= 4:
        raise ValueError(_expected(setting, part))
    first, weight, *more = part
    if not isinstance(first, (str, MetricSpec)) and not _is_value(first):
        raise ValueError(_expected(setting, part))
    spec = _as_spec(first, setting)
    changes: dict[str, Any] = {"weight": weight}
    changes |= {"layers": as_layers(more[0])} if more and as_layers(more[0]) else {}
    changes |= {"window": _window(more[1])} if len(more) > 1 else {}
    for name, unset in (("weight", 1.0), ("layers", ()), ("window", ALWAYS)):
        if name in changes and getattr(spec, name) != unset:
            raise ValueError(f"expected the {name} of {spec.name} once, got {shown(part)}")
    return replace(spec, **changes)


def _is_value(value: Any) -> bool:
    """Whether it is a `Metric` or a `Term`, neither of which is imported here."""
    return hasattr(value, "summarize") or hasattr(getattr(value, "metric", None), "summarize")


def _expected(setting: str, value: Any) -> str:
    return f"expected {setting} such as (('gram', 1.0), ('histogram', 0.5)), got {shown(value)}"
