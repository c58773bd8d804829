"""Every setting of a run with its default: the one place from which library and command line read.

A field says all that there is to know of a setting: its default, its help, its help group, its kind
of value and the schema's version that brought it. Nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from jaxstyle._util.names import nearest
from jaxstyle.kinds import (
    Color,
    Constants,
    Files,
    Flag,
    Kind,
    Labels,
    Layout,
    Mixture,
    Number,
    Parameters,
    Picture,
    Several,
    Size,
)
from jaxstyle.specs import MetricSpec, PaddingName, PoolingName, TileName, is_init

BlendName = Literal["sum", "mix"]
ColorName = Literal["style", "luminance", "histogram", "covariance", "chroma", "oklab", "match"]
FitName = Literal["cover", "contain"]
OutsideName = Literal["content", "style"]
OptimizerName = Literal[
    "lbfgs", "lbfgs_plain", "lbfgs_search", "adam", "sgd", "momentum", "rmsprop"
]
ParametrizationName = Literal["pixels", "levels", "imagenet", "laplacian", "laplacian_8", "fourier"]
PrecisionName = Literal["float32", "tensorfloat32", "bfloat16"]
SafeguardName = Literal["full", "clip", "none"]
CombinationName = Literal["sum", "product"]

SCHEMA = 10
"""Version of the settings as manifests write them. A field that a later version adds says so in its
`since`; a manifest without it was made with the field's `before`."""

MIXTURES: Mapping[str, Literal["style", "content", "image"]] = {
    "metric": "style",
    "content_metric": "content",
    "regularizer": "image",
}
"""Settings whose values are mixtures of metrics, and of which kind."""

DEFAULT_METRIC = (
    MetricSpec.parse("gaussian_wasserstein@relu2_1,relu3_1"),
    MetricSpec.parse("relaxed_emd@relu3_1,relu4_1=0.3"),
    MetricSpec.parse("gaussian_wasserstein@image=0.3"),
)
"""Strokes that are spread over the picture, which form goes where, and colors; see
benchmarks/default.md."""
DEFAULT_CONTENT_METRIC = (MetricSpec.parse("mse@relu3_2=0.85"), MetricSpec("edges", 0.15))

CHECKPOINT_SECONDS = 30.0
"""Seconds between two checkpoints of a run."""

EFFORT, TERMS, NETWORK, STYLES, REGIONS, OPTIMIZATION, RUN = (
    "Size and effort",
    "What is compared",
    "Networks",
    "Styles and colors",
    "Regions",
    "Optimization",
    "Runs",
)


_SAME = object()


def _setting(
    default: Any, kind: Kind, group: str, meaning: str, since: int = 1, before: Any = _SAME
) -> Any:
    """Describe a setting; `before` stands for its absence, where the default was another once."""
    before = default if before is _SAME else before
    metadata = {"help": meaning, "group": group, "kind": kind, "since": since, "before": before}
    return field(default=default, metadata=metadata)


def _is_transformation(value: Any) -> bool:
    """Whether it is an `optax.GradientTransformation`, or a record of an optimizer."""
    parts = (getattr(value, part, None) for part in ("init", "update"))
    return all(map(callable, parts)) or callable(getattr(value, "make", None))


def _is_network(value: Any) -> bool:
    return hasattr(value, "tensors")


_WEIGHT, _POSITIVE = Number(low=0), Number(low=0, above=True)
_LAYERS = Several(metavar="LAYER,LAYER,…", separator=";")
_BACKBONE = Kind(optional=True, accepts=_is_network)


@dataclass(frozen=True)
class Settings:
    """What `stylize` does with two pictures. Every field is an option of the command line."""

    size: int | str | None = _setting(
        None,
        Size(),
        EFFORT,
        "Longest side of the result in pixels, WIDTHxHEIGHT, or original, the content's (default: "
        "256 on a CPU, 512 on an accelerator).",
    )
    steps: int = _setting(
        15,
        Number(type=int, low=0),
        EFFORT,
        "Optimizer steps at full size; each coarser scale gets as many or more.",
        before=40,
    )
    scales: int | None = _setting(
        None,
        Number(optional=True, type=int, low=1),
        EFFORT,
        "Sizes to work through, from coarse to full size (default: as many as lead there from 64 "
        "pixels).",
        before=4,
    )
    scale_factor: float = _setting(
        2.0,
        Number(low=1, above=True, high=16),
        EFFORT,
        "Ratio of one size to the next; about, where the number of scales is not given.",
        before=1.4142135623730951,
    )
    coarse_steps: int = _setting(
        50,
        Number(type=int, low=0),
        EFFORT,
        "At most so many steps at a scale, or --steps if they are more; 0 for no bound.",
        since=5,
        before=0,
    )
    final_steps: int | None = _setting(
        None,
        Number(optional=True, type=int, low=0),
        EFFORT,
        "Steps at full size, if others than --steps.",
        since=6,
    )
    enlarge: bool = _setting(
        False,
        Flag(),
        EFFORT,
        "Enlarge a content and a style whose longest side is under --size.",
        since=7,
    )
    fit: FitName = _setting(
        "cover",
        Kind(choices=get_args(FitName)),
        EFFORT,
        "Of a --size WIDTHxHEIGHT: crop the content to it (cover), or stay within it (contain).",
        since=8,
    )
    first_steps: int | None = _setting(
        None,
        Number(optional=True, type=int, low=0),
        EFFORT,
        "Steps at the coarsest size, if others than --steps says.",
        since=7,
    )
    scale_steps: tuple[int, ...] = _setting(
        (),
        Several(metavar="NUMBER,…", item=Number(type=int, low=0)),
        EFFORT,
        "Steps at each size, coarse to fine, in place of --scales and --steps.",
    )
    style_weight: float = _setting(1.0, _WEIGHT, TERMS, "How hard the style terms pull.")
    content_weight: float = _setting(
        0.3, _WEIGHT, TERMS, "How hard the content terms pull.", before=0.3
    )
    content_decay: float = _setting(
        2.0,
        Number(low=0, above=True, high=1000),  # its power at any size is still a number
        TERMS,
        "The content weight is that at full size, and is multiplied by this for each halving of "
        "the size: above 1, coarse scales settle what is where, and fine ones paint.",
        since=4,
        before=1.0,
    )
    smoothness: float = _setting(
        0.03, _WEIGHT, TERMS, "How hard the regularizers pull.", before=0.02
    )
    metric: tuple[MetricSpec, ...] = _setting(
        DEFAULT_METRIC,
        Mixture(group="style"),
        TERMS,
        "Style metric and its weight, see `jaxstyle metrics`; may be given several times.",
        before=(MetricSpec("moments"),),
    )
    content_metric: tuple[MetricSpec, ...] = _setting(
        DEFAULT_CONTENT_METRIC,
        Mixture(group="content"),
        TERMS,
        "Content metric and its weight; may be given several times.",
        before=(MetricSpec("mse"),),
    )
    regularizer: tuple[MetricSpec, ...] = _setting(
        (MetricSpec("total_variation"),),
        Mixture(group="image"),
        TERMS,
        "Regularizer and its weight; may be given several times.",
        since=2,
    )
    combination: CombinationName = _setting(
        "sum",
        Kind(choices=get_args(CombinationName)),
        TERMS,
        "How the style's and the content's losses are combined; a product needs no weight between "
        "them, and regularizers are added to either.",
        since=7,
    )
    parameter: tuple[tuple[str, float], ...] = _setting(
        (),
        Parameters(),
        TERMS,
        "Hyperparameter of a metric, METRIC.PARAMETER=VALUE; may be given several times.",
    )
    positions: int = _setting(
        1024,
        Number(type=int, low=0),
        TERMS,
        "Positions that metrics of pairs of positions draw at each step; 0 for all.",
        since=3,
        before=0,
    )
    style_positions: int = _setting(
        0,
        Number(type=int, low=0),
        TERMS,
        "Positions of the style that they are compared with, drawn once at each scale; 0 for "
        "as many as of the picture, others at each step.",
        since=6,
    )
    style_layers: tuple[str, ...] = _setting(
        (), _LAYERS, TERMS, "Layers of the style terms that name none, and of the default's."
    )
    content_layers: tuple[str, ...] = _setting(
        (), _LAYERS, TERMS, "Layers of the content terms that name none, and of the default's."
    )
    backbone: str = _setting(
        "vgg16",
        Kind(accepts=_is_network),
        NETWORK,
        "Pretrained network, see `jaxstyle weights list`.",
    )
    style_backbone: str | None = _setting(
        None, _BACKBONE, NETWORK, "Network of the style terms (default: the same as --backbone)."
    )
    content_backbone: str | None = _setting(
        None, _BACKBONE, NETWORK, "Network of the content terms (default: the same as --backbone)."
    )
    style_shares: tuple[float, ...] = _setting(
        (),
        Several(metavar="NUMBER,…", item=_POSITIVE),
        STYLES,
        "How much each of several styles counts (default: all the same).",
    )
    blend: BlendName = _setting(
        "sum",
        Kind(choices=get_args(BlendName)),
        STYLES,
        "Several styles: add the losses, or average the targets (of statistics; of other metrics "
        "the losses are added).",
    )
    style_scale: tuple[float, ...] = _setting(
        (1.0,),
        Several(metavar="NUMBER,…", item=_POSITIVE, least=1),
        STYLES,
        "Relative size of the style's strokes; several are used at once.",
    )
    style_rotation: tuple[float, ...] = _setting(
        (0.0,),
        Several(metavar="NUMBER,…", item=Number(), least=1),
        STYLES,
        "Degrees by which the style is rotated; several are used at once.",
    )
    content_mask: tuple[object, ...] = _setting(
        (),
        Files(),
        REGIONS,
        "Mask of a region of the content, white inside; may be given several times.",
    )
    style_mask: tuple[object, ...] = _setting(
        (),
        Files(),
        REGIONS,
        "Mask of the part of the style that a region takes; once for each region, or never.",
    )
    regions: object = _setting(
        None,
        Picture(optional=True, metavar="FILE", sweepable=False),
        REGIONS,
        "Label map in place of masks: each flat color or class number is a region, and they take "
        "the styles in their order; black is no region.",
        since=8,
    )
    region_labels: tuple[str, ...] = _setting(
        (),
        Labels(),
        REGIONS,
        "Labels of the map, in the order of the styles: numbers, or colors such as #ff0000.",
        since=8,
    )
    region_border: float = _setting(
        0.0,
        Number(low=0, high=1000),
        REGIONS,
        "Pixels over which one region of the label map passes into the next.",
        since=9,
    )
    keep: object = _setting(
        None,
        Picture(optional=True, metavar="FILE", sweepable=False),
        REGIONS,
        "Of a texture: complete the sample. Where this mask is white it stays as it is, the rest "
        "is made anew like it.",
        since=9,
    )
    extend: int = _setting(
        0,
        Number(type=int, low=0, high=16384),
        REGIONS,
        "Of a texture: continue the sample by so many pixels on each side.",
        since=9,
    )
    outside: OutsideName = _setting(
        "content",
        Kind(choices=get_args(OutsideName)),
        REGIONS,
        "What the result shows outside all masks and regions: the content as it is, or the "
        "picture made there, too.",
        since=8,
        before="style",
    )
    content_weight_map: object = _setting(
        None,
        Picture(optional=True, metavar="FILE", sweepable=False),
        REGIONS,
        "Picture in the content's proportions whose brightness multiplies the content's weight: "
        "black 0, white 1.",
        since=8,
    )
    style_weight_map: object = _setting(
        None,
        Picture(optional=True, metavar="FILE", sweepable=False),
        REGIONS,
        "The same for the style's weight.",
        since=8,
    )
    color: ColorName = _setting(
        "style",
        Kind(choices=get_args(ColorName)),
        STYLES,
        "Colors of the result: the style's; or the content's, by working on luminance alone, by "
        "histogram or covariance matching of the style before the run, or by its chroma after it; "
        "or the content's chroma moved to the style's statistics after it (oklab). match: the "
        "result's own colors moved to the style's after it.",
    )
    color_from: str | None = _setting(
        None,
        Picture(optional=True, metavar="FILE"),
        STYLES,
        "Picture whose colors the result takes, in place of the style's (or, for histogram and "
        "covariance, of the content's).",
        since=8,
    )
    background: str | None = _setting(
        None,
        Color(),
        STYLES,
        "Color behind transparent pixels, a name or #rrggbb; the result is opaque (default: none, "
        "transparent pixels are ignored and stay transparent).",
        since=8,
        before="#ffffff",
    )
    pooling: PoolingName = _setting(
        "max", Kind(choices=get_args(PoolingName)), NETWORK, "Pooling between the blocks."
    )
    padding: PaddingName = _setting(
        "edge",
        Kind(choices=get_args(PaddingName)),
        NETWORK,
        "What surrounds each convolution's input: zeros, its reflection or its edge; edge_first: "
        "the picture's edge, and zeros around features; wrap: the opposite edge, as --tile both "
        "has it, but of styles, too.",
    )
    precision: PrecisionName = _setting(
        "tensorfloat32",
        Kind(choices=get_args(PrecisionName)),
        RUN,
        "What an accelerator may round for speed: nothing, the factors of products, or all "
        "features. A CPU always computes in float32.",
        since=2,
    )
    optimizer: OptimizerName = _setting(
        "lbfgs",
        Kind(choices=get_args(OptimizerName), accepts=_is_transformation),
        OPTIMIZATION,
        "What moves the pixels.",
    )
    parametrization: ParametrizationName = _setting(
        "pixels",
        Kind(choices=get_args(ParametrizationName)),
        OPTIMIZATION,
        "What it moves: pixels, in [0, 1], times 255 or by ImageNet's deviations; a Laplacian "
        "pyramid of five bands or eight; or frequencies of decorrelated colors.",
    )
    learning_rate: float | None = _setting(
        None,
        Number(optional=True, low=0, above=True),
        OPTIMIZATION,
        "Step size of the optimizer (default: each optimizer's own).",
    )
    final_rate: float | None = _setting(
        None,
        Number(optional=True, low=0, above=True),
        OPTIMIZATION,
        "Step size at full size (default: the same as before).",
        since=6,
    )
    rate_decay: tuple[float, ...] = _setting(
        (),
        Several(metavar="FACTOR,STEPS", item=_POSITIVE),
        OPTIMIZATION,
        "Multiply the learning rate by a factor after each so many steps of a scale.",
        since=7,
    )
    optimizer_parameter: tuple[tuple[str, float], ...] = _setting(
        (),
        Parameters(metavar="PARAMETER=VALUE", example="(('b2', 0.999),)"),
        OPTIMIZATION,
        "Hyperparameter of the optimizer, as optax names it; may be given several times.",
        since=6,
    )
    average: float = _setting(
        0.0,
        Number(low=0, high=1),
        OPTIMIZATION,
        "Decay of an exponential average of a scale's pictures, whose average is what the scale "
        "ends with; 0 for the last picture.",
        since=7,
    )
    safeguard: SafeguardName = _setting(
        "full",
        Kind(choices=get_args(SafeguardName)),
        OPTIMIZATION,
        "What keeps the picture in range: clip it after each step; full: also shorten steps that "
        "lead too far, and return from divergence; none, as much published code: it is clipped at "
        "the end.",
        since=6,
    )
    init: str = _setting(
        "content",
        Picture(),
        OPTIMIZATION,
        "Start from: content, noise, style (its color statistics), patches (of the style, put "
        "together), style_mean (its mean color), imagenet_mean (a flat gray with hardly any "
        "noise), adain (a picture in one pass), or a picture file.",
    )
    init_noise: float | None = _setting(
        None,
        Number(optional=True, low=0, high=100),
        OPTIMIZATION,
        "Standard deviation of normal noise that is added to the start, in units of the picture's "
        "range (default: none; a trace for imagenet_mean).",
        since=7,
    )
    details: bool = _setting(
        False,
        Flag(),
        OPTIMIZATION,
        "Add the content's finest details where a scale begins: at the first, and at all but the "
        "last.",
        since=6,
    )
    tile: TileName | None = _setting(
        None,
        Kind(optional=True, choices=get_args(TileName)),
        OPTIMIZATION,
        "Make a picture whose copies fit together without a seam, in both directions or along x or "
        "y; its sides become multiples of 16, or of what the layers need.",
        since=9,
    )
    picture_guidance: float = _setting(
        0.0,
        Number(low=0, high=1),
        OPTIMIZATION,
        "How much of the picture at a scale's start, with the content's finest details, is mixed "
        "into the content by which a metric chooses places of the style; not at the first scale.",
        since=7,
    )
    seed: int = _setting(
        0, Number(type=int, low=0, high=2**31 - 1), OPTIMIZATION, "Seed of everything random."
    )
    calibrate: bool = _setting(
        True, Flag(), TERMS, "Scale all terms to one unit, so that weight 1 pulls equally hard."
    )
    calibration: str | Mapping[str, Sequence[Any]] | None = _setting(
        None,
        Constants(optional=True),
        TERMS,
        "Calibration constants by term, a number for each layer, or such a row for each scale, in "
        "place of computed ones: a run's .json, or your own.",
    )
    memory: str = _setting(
        "auto",
        Layout(),
        RUN,
        "How a step keeps within memory: whole, recompute, the side of tiles in pixels, or auto, "
        "the fastest that fits.",
    )
    recipe: str | None = _setting(
        None,
        Kind(optional=True),
        TERMS,
        "Settings by name, see `jaxstyle recipes`; other options override them.",
    )

    def __post_init__(self) -> None:
        """Check every value that can be checked without the pictures or the network.

        Equivalent values become equal: `metric="gram"` is `(MetricSpec("gram"),)`, and
        `style_scale=0.5` is `(0.5,)`.

        Raises:
            ValueError: A value of another kind or out of its range, or an unknown name.
        """
        for setting in fields(self):
            name = setting.name
            kind, value = kind_of(name), getattr(self, name)
            if value is None and kind.optional:
                continue
            try:
                object.__setattr__(self, name, kind.check(name, value))
            except ValueError as error:  # of a part of the value
                message = str(error)
                raise ValueError(message if name in message else f"{name}: {message}") from None
        if len(self.rate_decay) not in (0, 2):
            raise ValueError(
                f"expected rate_decay as a factor and a number of steps, got {self.rate_decay}"
            )
        if self.color_from is not None and self.color in ("luminance", "chroma"):
            raise ValueError(
                "expected no color_from with color luminance or chroma, which keep the content's "
                "colors at each place; use style, match, covariance, histogram or oklab"
            )
        if self.average == 1:
            raise ValueError("expected average below 1, got 1.0")
        if self.regions is not None and self.content_mask:
            raise ValueError("expected regions or content masks, got both")
        if self.region_labels and self.regions is None:
            raise ValueError("expected region_labels with regions, the map that they are labels of")
        is_alone = self.style_mask and self.regions is None
        if is_alone and len(self.style_mask) != len(self.content_mask):
            raise ValueError(
                f"expected as many style masks as content masks, or none; got "
                f"{len(self.style_mask)} and {len(self.content_mask)}"
            )


_FIELDS = {setting.name: setting for setting in fields(Settings)}

MAPS = ("regions", "content_weight_map", "style_weight_map", "keep")
"""Settings that name a file which says what goes where."""
GUIDES = ("content_mask", "style_mask", *MAPS)
"""With those that name several."""


def guides(settings: Settings) -> dict[str, tuple[Any, ...]]:
    """Return the files, or what else holds them, of each of `GUIDES`."""
    values = {name: getattr(settings, name) for name in GUIDES}
    return {
        name: value if isinstance(value, tuple) else () if value is None else (value,)
        for name, value in values.items()
    }


def pictures_of(settings: Settings) -> dict[str, tuple[Any, ...]]:
    """Return all pictures, masks and maps that settings name, or what else holds them, by name."""
    return {
        **guides(settings),
        "color_from": () if settings.color_from is None else (settings.color_from,),
        "init": () if is_init(settings.init) else (settings.init,),
    }


def names() -> tuple[str, ...]:
    """Return the names of all settings."""
    return tuple(_FIELDS)


def kind_of(name: str) -> Kind:
    """Return the kind of a setting's values."""
    kind: Kind = _FIELDS[name].metadata["kind"]
    return kind


def check_names(names: Mapping[str, Any]) -> None:
    """Raise a `TypeError` that names the nearest setting if one of `names` is not a setting."""
    for name in names:
        if name not in _FIELDS:
            raise TypeError(f"there is no setting {name!r}{nearest(name, _FIELDS)}")
