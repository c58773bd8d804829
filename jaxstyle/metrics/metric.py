"""The definition of a similarity metric: two pure functions, and what a reader needs to know."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Array, Bool, Float

from jaxstyle._util import arguments
from jaxstyle.specs import Wrap

Scalar = Float[Array, ""]
Vector = Float[Array, " c"]
Positions = Float[Array, "n c"]
Grid = Float[Array, "_h _w _c"]
"""Features of one layer among several, each of its own shape."""
Image = Float[Array, "h w c"]
Part = Float[Array, "_h _w c"]
"""What is left of a picture, or made of it, in another size."""
Inside = Bool[np.ndarray, "h w"]
"""Which positions of a layer lie inside a mask."""

Kind = Literal["style", "content", "image"]
Expects = Literal["positions", "grid", "layers"]

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""The usual layers of metrics that compare statistics (Gatys et al. 2016)."""
PAIRWISE_LAYERS = ("relu3_1", "relu4_1")
"""The usual layers of metrics that compare pairs of positions: finer layers have too many pairs."""
CONTENT_LAYERS = ("relu4_2",)
"""The usual layer of metrics that compare contents."""
_BLOCKS = ((1, 2), (2, 2), (3, 4), (4, 4), (5, 4))
ALL_LAYERS = tuple(f"relu{block}_{k}" for block, count in _BLOCKS for k in range(1, count + 1))
"""Of VGG19: 16, of which VGG16 has 13."""
IMAGE = ("image",)
"""The picture itself instead of features."""


@dataclass(frozen=True)
class Metric:
    """A similarity metric: the same two functions for style, content and pixels.

    Every metric is non-negative up to rounding, differentiable almost everywhere, and finite in
    value and gradient everywhere a picture can be.

    >>> import jax.numpy as jnp
    >>> brightness = Metric(
    ...     name="brightness",
    ...     kind="content",
    ...     summarize=jnp.mean,
    ...     distance=lambda image, target: (jnp.mean(image) - target) ** 2,
    ...     expects="grid",
    ...     layers=IMAGE,
    ... )
    >>> float(brightness.distance(jnp.ones((4, 4, 3)), brightness.summarize(jnp.zeros((4, 4, 3)))))
    1.0

    Attributes:
        name: The name, unique within a kind.
        kind: Which picture the target is computed from: `"style"`, `"content"`, or `"image"` for
            neither (a regularizer).
        summarize: `summarize(features) -> target`, called once, outside the loop (but see
            `redraws`). Takes a `key` as
            well if the metric is `random`.
        distance: `distance(features, target, **parameters) -> scalar`, called at every step.
            Keyword-only parameters are array leaves with defaults: sweeping one never recompiles.
        expects: The form of the features: `"positions"` as (positions, channels), `"grid"` as
            (height, width, channels), `"layers"` as a tuple of grids, all layers of a term at once.
            They are float32 or float64; bfloat16 only if `bfloat16_safe`; never float16, whose
            smallest number is larger than what keeps divisions finite here.
        layers: The usual layers, by VGG's names; `("image",)` is the picture itself. A name with
            its network, such as `"alexnet/max/zeros:relu1"`, is fixed.
        meaning: What it measures, in one line.
        cost: Per layer and step, for n and m positions of the two pictures and C channels.
        paper: The source.
        symmetric: Exchanging the two pictures does not change the distance.
        zero: The distance of a picture to itself is zero.
        random: `summarize` draws random numbers and takes a `key`.
        redraws: `summarize` of a random metric is called at each step, with another key.
        averageable: Targets of several pictures can be averaged: they are statistics of one shape.
        joins: Targets of several pictures are joined: they are rows, one a position.
        guided: `finish(target, guide)` also takes what `summarize` returns of the content: such a
            metric chooses positions of the style by the content.
        bfloat16_safe: Features may come in bfloat16, as the network computed them: only products
            are taken of them, accumulated in float32.
        draw: `draw(features, key, count) -> features`, of the same form, at `count` positions
            drawn at random (all, if there are no more): for metrics of pairs, whose cost grows
            with the square of their number. None for metrics that always take all positions.
        draws_target: The reference's positions are drawn too, not only the picture's.
        select: `select(inside) -> at`, for metrics of grids and layers: called on the host with a
            boolean grid of a layer's positions, true inside a mask, it returns indices of what the
            metric counts, in arrays; if the metric draws, in one, of positions row by row. Where
            the mask leaves something out, `summarize`, `distance` and `draw` then take `at=` with
            the whole features: what `select` returned, for `"layers"` a tuple of that (None for a
            layer that is inside as a whole). Without `select` they take the rectangle around what
            is inside; where that is not, the nearest position inside stands in, and counts too.
            A metric that looks at neighbors takes `wrap=` in `distance`, and in `summarize` and
            `draw` where these look at neighbors too: whether rows, and whether columns, of the
            features continue at the opposite edge, as they do of a picture that tiles. A style
            never does.
        finish: `finish(target) -> target`, called once, after the targets of several pictures were
            averaged: what the average must not be taken of (a root, a principal component).
        gathers: Of a picture that is divided among devices it takes all of some features to each.
        transforms: It transforms whole sides of features. A picture that wraps then stays on one
            device: XLA's partitioner cannot divide such a transform, and ends the process.
        weights: The name of the weights that `distance` takes as `fitted`, for a metric that was
            fitted to data (`jaxstyle weights list`).
    """

    name: str
    summarize: Callable[..., Any]
    distance: Callable[..., Any]
    kind: Kind = "style"
    expects: Expects = "positions"
    layers: tuple[str, ...] = STYLE_LAYERS
    meaning: str = ""
    cost: str = ""
    paper: str = ""
    symmetric: bool = False
    zero: bool = True
    random: bool = False
    redraws: bool = False
    averageable: bool = False
    joins: bool = False
    guided: bool = False
    bfloat16_safe: bool = False
    draw: Callable[..., Any] | None = None
    draws_target: bool = True
    select: Callable[[Inside], Any] | None = None
    finish: Callable[..., Any] | None = None
    gathers: bool = False
    transforms: bool = False
    weights: str | None = None

    def __post_init__(self) -> None:
        """Check the names and functions; one layer's name stands for a tuple of it."""
        arguments.text("the name of a metric", self.name)
        for name, known in (("kind", get_args(Kind)), ("expects", get_args(Expects))):
            value = getattr(self, name)
            if not (isinstance(value, str) and value in known):
                got = arguments.shown(value)
                raise ValueError(f"expected {name} to be one of {', '.join(known)}, got {got}")
        for name in ("summarize", "distance"):
            if not callable(getattr(self, name)):
                got = arguments.shown(getattr(self, name))
                raise TypeError(f"expected {name} to be a function, got {got}")
        object.__setattr__(self, "layers", arguments.names("layers", self.layers))

    def around(self, function: Callable[..., Any], wrap: Wrap | tuple[()]) -> Mapping[str, Any]:
        """Return `wrap` by name, if it is not open and one of the metric's functions takes it."""
        return {"wrap": wrap} if any(wrap) and _takes_wrap(function) else {}

    def target(self, features: Any, *key: Array) -> Any:
        """Compute what `distance` takes, of one picture: `finish(summarize(features))`.

        A guided metric's picture is its own guide.

        Args:
            features: In the form that the metric expects.
            key: Of `jax.random`, if the metric is `random`.
        """
        summary = self.summarize(features, *key)
        if not self.finish:
            return summary
        return self.finish(summary, summary) if self.guided else self.finish(summary)

    @property
    def parameters(self) -> dict[str, float]:
        """The keyword-only parameters of `distance` with their defaults."""
        return {
            parameter.name: parameter.default
            for parameter in inspect.signature(self.distance).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.name != "fitted"
        }


@lru_cache
def _takes_wrap(function: Callable[..., Any]) -> bool:
    return "wrap" in inspect.signature(function).parameters
