"""Every setting of a run with its default: the one place from which library and command line read.

Nothing heavy is imported here, so that `jaxstyle --help` answers at once.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from jaxstyle._util.names import nearest

Choice = tuple[str, float] | tuple[str, float, tuple[str, ...]]
"""A metric's name, its share, and its layers if not the usual ones.

The name may say how features are smoothed first (`gram~softmax`), a layer its network
(`resnet50:relu3_4`)."""
BlendName = Literal["sum", "mix"]
ColorName = Literal["style", "luminance", "histogram", "covariance", "chroma"]
OptimizerName = Literal["lbfgs", "adam", "sgd", "momentum", "rmsprop"]
ParametrizationName = Literal["pixels", "laplacian", "fourier"]
PoolingName = Literal["max", "average", "hanning"]
PaddingName = Literal["zeros", "reflect", "edge"]
PrecisionName = Literal["float32", "tensorfloat32", "bfloat16"]

MIXTURES = {"metric": "style", "content_metric": "content", "regularizer": "image"}
"""Settings whose values are mixtures of metrics, and of which kind."""

LEARNING_RATES: dict[str, float] = {
    "lbfgs": 1.0,
    "adam": 0.03,
    "sgd": 0.02,
    "momentum": 0.005,
    "rmsprop": 0.01,
}
"""Found on four pairs at 128 px with the default terms; see benchmarks/default.md."""


CHECKPOINT_SECONDS = 30.0
"""Between two checkpoints of a run."""


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"help": meaning})


@dataclass(frozen=True)
class Settings:
    """What `stylize` does with two pictures. Every field is a flag of the command line."""

    size: int | None = _setting(
        None, "Longest side of the result in pixels (default: 256 on a CPU, 512 on an accelerator)."
    )
    steps: int = _setting(
        40, "Optimizer steps at full size; each coarser scale gets as many or more."
    )
    scales: int = _setting(4, "Sizes to work through, from coarse to full size.")
    scale_factor: float = _setting(1.4142135623730951, "From one size to the next: √2, or 2.")
    scale_steps: tuple[int, ...] = _setting(
        (), "Steps at each size, coarse to fine, in place of --scales and --steps."
    )
    style_weight: float = _setting(1.0, "How hard the style terms pull.")
    content_weight: float = _setting(0.3, "How hard the content terms pull.")
    smoothness: float = _setting(0.02, "How hard the regularizers pull.")
    metric: tuple[Choice, ...] = _setting(
        (("moments", 1.0),),
        "Style metric and its share, see `jaxstyle metrics`; may be given several times.",
    )
    content_metric: tuple[Choice, ...] = _setting(
        (("mse", 1.0),), "Content metric and its share; may be given several times."
    )
    regularizer: tuple[Choice, ...] = _setting(
        (("total_variation", 1.0),),
        "What makes it smooth, and its share; may be given several times.",
    )
    parameter: tuple[tuple[str, float], ...] = _setting(
        (), "A metric's own number, METRIC.PARAMETER=VALUE; may be given several times."
    )
    style_layers: tuple[str, ...] = _setting((), "Layers of the style terms.")
    content_layers: tuple[str, ...] = _setting((), "Layers of the content terms.")
    backbone: str = _setting("vgg16", "Pretrained network, see `jaxstyle weights list`.")
    style_backbone: str | None = _setting(
        None, "Network of the style terms (default: the same as --backbone)."
    )
    content_backbone: str | None = _setting(
        None, "Network of the content terms (default: the same as --backbone)."
    )
    style_shares: tuple[float, ...] = _setting(
        (), "How much each of several styles counts (default: all the same)."
    )
    blend: BlendName = _setting(
        "sum", "Several styles: add up the losses, or mix their targets into one (statistics only)."
    )
    style_scale: tuple[float, ...] = _setting(
        (1.0,), "Size of the style's strokes, relative; several are used at once."
    )
    style_rotation: tuple[float, ...] = _setting(
        (0.0,), "Degrees by which the style is turned; several are used at once."
    )
    content_mask: tuple[Any, ...] = _setting(
        (), "Mask of a region of the content, white inside; may be given several times."
    )
    style_mask: tuple[Any, ...] = _setting(
        (), "Mask of the part of the style that a region takes; once for each region, or never."
    )
    color: ColorName = _setting(
        "style",
        "Colors of the result: the style's, or the content's by luminance alone, by histogram or "
        "covariance matching of the style before, or by its chroma after.",
    )
    pooling: PoolingName = _setting("max", "Pooling between the network's blocks.")
    padding: PaddingName = _setting("edge", "What surrounds each convolution's input.")
    precision: PrecisionName = _setting(
        "tensorfloat32",
        "What an accelerator may round to where that is quicker: nothing, the factors of products, "
        "or all features. A CPU always computes in float32.",
    )
    optimizer: OptimizerName = _setting("lbfgs", "What moves the pixels.")
    parametrization: ParametrizationName = _setting(
        "pixels",
        "What it moves: pixels, a Laplacian pyramid, or decorrelated colors' frequencies.",
    )
    learning_rate: float | None = _setting(
        None, "Step size of the optimizer (default: one for each optimizer)."
    )
    init: str = _setting(
        "content",
        "Start from: content, noise, style (its color statistics), adain (a picture in one pass), "
        "or a picture file.",
    )
    seed: int = _setting(0, "Seed of everything random.")
    calibrate: bool = _setting(
        True, "Put all terms in one unit, so that weight 1 pulls equally hard."
    )
    calibration: str | Mapping[str, Sequence[float]] | None = _setting(
        None, "Calibration constants by term in place of computed ones: a run's .json, or your own."
    )
    memory: str = _setting(
        "auto",
        "How a step keeps within memory: whole, recompute, the side of tiles in pixels, or auto, "
        "the fastest that fits.",
    )
    recipe: str | None = _setting(
        None, "Settings of a paper, see `jaxstyle recipes`; other flags stand over it."
    )

    def __post_init__(self) -> None:
        """Check every value that can be checked without the pictures or the network.

        What means the same becomes the same: `metric="gram"` is `(("gram", 1.0),)`, and
        `style_scale=0.5` is `(0.5,)`.

        Raises:
            ValueError: A value of another kind or out of its range, or an unknown name.
        """
        for name, hint in hints().items():
            object.__setattr__(self, name, _plain(name, hint, getattr(self, name)))
        for name in ("backbone", "style_backbone", "content_backbone", "recipe", "init"):
            if getattr(self, name) == "":
                raise ValueError(f"expected a name for {name}, got nothing")
        _at_least("size", self.size, 1)
        _at_least("steps", self.steps, 0)
        _at_least("scales", self.scales, 1)
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"expected seed from 0 to {2**31 - 1}, got {self.seed}")
        for name in ("style_weight", "content_weight", "smoothness"):
            _at_least(name, getattr(self, name), 0)
        for name in MIXTURES:
            for metric, share, *_ in getattr(self, name):
                _at_least(f"the weight of {metric}", share, 0)
        for name, value in self.parameter:
            if not 0 < value < float("inf"):
                raise ValueError(f"expected {name} above 0 and finite, got {value}")
        for name in ("style_shares", "style_scale"):
            for value in getattr(self, name):
                if not 0 < value < float("inf"):
                    raise ValueError(f"expected every {name} above 0 and finite, got {value}")
        if not 1 < self.scale_factor <= 16:
            raise ValueError(f"expected scale_factor above 1, up to 16, got {self.scale_factor}")
        for count in self.scale_steps:
            _at_least("every scale_steps", count, 0)
        if not (self.memory in ("auto", "whole", "recompute") or self.memory.isdigit()):
            raise ValueError(
                f"expected memory to be auto, whole, recompute or the side of tiles in pixels, "
                f"got {self.memory!r}"
            )
        for name in ("style_scale", "style_rotation"):
            if not getattr(self, name):
                raise ValueError(f"expected at least one {name}")
        for value in self.style_rotation:
            if not abs(value) < float("inf"):
                raise ValueError(f"expected every style_rotation finite, got {value}")
        if self.style_mask and len(self.style_mask) != len(self.content_mask):
            raise ValueError(
                f"expected as many style masks as content masks, or none; got "
                f"{len(self.style_mask)} and {len(self.content_mask)}"
            )
        if self.learning_rate is not None and not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"expected a positive learning_rate, got {self.learning_rate}")
        for name, known in (
            ("pooling", get_args(PoolingName)),
            ("padding", get_args(PaddingName)),
            ("precision", get_args(PrecisionName)),
            ("optimizer", get_args(OptimizerName)),
            ("parametrization", get_args(ParametrizationName)),
            ("blend", get_args(BlendName)),
            ("color", get_args(ColorName)),
        ):
            value = getattr(self, name)
            if value not in known:
                raise ValueError(
                    f"expected {name} to be one of {', '.join(known)}, got {value!r}"
                    f"{nearest(value, known)}"
                )


@cache
def hints() -> Mapping[str, Any]:
    """The type of every setting."""
    return get_type_hints(Settings)


def given_type(hint: Any) -> Any:
    """The type of a value that is given: of `int | None` it is `int`, the first one."""
    return get_args(hint)[0] if get_origin(hint) in (UnionType, Union) else hint


def _plain(name: str, hint: Any, value: Any) -> Any:
    """A value in the one form that its field has.

    Raises:
        ValueError: It is of another kind.
    """
    if name == "calibration" or hint is bool or get_origin(hint) is Literal:
        return value
    if value is None and given_type(hint) is not hint:
        return None
    hint = given_type(hint)
    if name in MIXTURES:
        return _choices(name, value)
    if get_origin(hint) is tuple:
        if name == "parameter":
            value = value.items() if isinstance(value, Mapping) else value
            try:
                return tuple((own, _plain(own, float, number)) for own, number in value)
            except (TypeError, ValueError):
                form = "such as (('mmd.width', 2.0),)"
                raise ValueError(f"expected {name} {form}, got {value!r}") from None
        own = get_args(hint)[0]
        if own is str and isinstance(value, str):
            value = value.split(",")
        several = isinstance(value, (list, tuple)) or (own is not Any and _iterates(value))
        return tuple(_plain(name, own, each) for each in (value if several else (value,)))
    if hint is str:
        if isinstance(value, Path) or (name == "memory" and isinstance(value, int)):
            return str(value)
        if not isinstance(value, str):
            raise ValueError(f"expected {name} as text, got {type(value).__name__}")
    elif hint in (int, float):
        try:
            return operator.index(value) if hint is int else float(operator.add(value, 0))
        except TypeError:
            what = "a whole number" if hint is int else "a number"
            raise ValueError(f"expected {name} to be {what}, got {value!r}") from None
    return value


def _iterates(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str) and hasattr(value, "__len__")


def _choices(name: str, value: Any) -> tuple[Choice, ...]:
    if isinstance(value, str):
        return mixture(value)
    found: list[Choice] = []
    for each in value if isinstance(value, Iterable) else (value,):
        if isinstance(each, str):
            found.append(choice(each))
            continue
        try:
            metric, share, *layers = each
            share = _plain(metric, float, share)
            found.append((metric, share, tuple(layers[0])) if layers else (metric, share))
        except TypeError:
            raise ValueError(
                f"expected {name} such as (('gram', 1.0), ('histogram', 0.5)), got {value!r}"
            ) from None
    return tuple(found)


def _at_least(name: str, value: float | None, least: float) -> None:
    # Written so that NaN fails too.
    if value is not None and not least <= value < float("inf"):
        raise ValueError(f"expected {name} to be at least {least} and finite, got {value}")


def check_names(changes: dict[str, Any]) -> None:
    """Raise a `TypeError` that names the nearest setting if one of `changes` is not a setting."""
    known = [each.name for each in fields(Settings)]
    for name in changes:
        if name not in known:
            raise TypeError(f"there is no setting {name!r}{nearest(name, known)}")


def from_plain(data: Mapping[str, Any]) -> Settings:
    """Settings as JSON has them, lists in place of tuples.

    Raises:
        TypeError: A setting that does not exist.
        ValueError: A value out of its range.
    """

    def tuples(value: Any) -> Any:
        return tuple(map(tuples, value)) if isinstance(value, list) else value

    check_names(dict(data))
    return Settings(**{name: tuples(value) for name, value in data.items()})


CHOICE = "NAME[~SMOOTHING][@LAYER,…][=WEIGHT]"


def choice(text: str) -> Choice:
    """A metric with its weight, and its layers if they are named.

    >>> choice("gram"), choice("gram~softmax@relu1_1,relu2_1=0.5")
    (('gram', 1.0), ('gram~softmax', 0.5, ('relu1_1', 'relu2_1')))

    Raises:
        ValueError: The text has another form.
    """
    name, equals, share = text.partition("=")
    name, _, layers = name.partition("@")
    try:
        weight = float(share) if equals else 1.0
    except ValueError:
        raise ValueError(f"expected {CHOICE}, got {text!r}") from None
    return (name, weight, tuple(layers.split(","))) if layers else (name, weight)


def mixture(text: str) -> tuple[Choice, ...]:
    """Several metrics with a plus between.

    >>> mixture("gram=0.5+histogram")
    (('gram', 0.5), ('histogram', 1.0))
    """
    return tuple(choice(each.strip()) for each in text.split("+"))
