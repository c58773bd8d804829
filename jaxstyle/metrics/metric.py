"""What a similarity metric is: two pure functions and the facts that a reader needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["style", "content", "image"]
Expects = Literal["positions", "grid", "layers"]

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""Where statistics are compared (Gatys et al. 2016)."""
PAIRWISE_LAYERS = ("relu3_1", "relu4_1")
"""Where positions are compared in pairs: the finer layers have too many (n² pairs)."""
CONTENT_LAYERS = ("relu4_2",)
IMAGE = ("image",)
"""The picture itself in place of features."""


def is_fixed(layer: str) -> bool:
    """Whether a layer belongs to a metric alone: the picture, or one of the network it names."""
    return layer == "image" or ":" in layer


@dataclass(frozen=True)
class Metric:
    """A similarity metric, the same two functions whether it speaks of style, content or pixels.

    Every metric is never negative (but for rounding), differentiable almost everywhere, and finite
    in value and gradient wherever a picture can be.

    Attributes:
        name: The name by which people ask for it; one name a kind.
        kind: What its target is taken from: `"style"` and `"content"` from that picture,
            `"image"` from neither (a regularizer has nothing to remember).
        summarize: `summarize(features) -> target`, run once, outside the loop. Takes a `key` as
            well if the metric is `random`.
        distance: `distance(features, target, **parameters) -> scalar`, run at every step.
            Keyword parameters are array leaves with defaults: sweeping one never recompiles.
        expects: How features arrive, float32 or float64 (bfloat16 only if `bfloat16_safe`; float16 never:
            what keeps divisions finite is under its least number): `"positions"` as
            (positions, channels), `"grid"` as (height, width, channels), `"layers"` as a tuple of
            grids, all of a term's layers at once.
        layers: The layers used when nobody names any, after VGG; `("image",)` is the picture
            itself. A name with its network, such as `"alexnet/max/zeros:relu1"`, is fixed.
        meaning: What it measures, in one line.
        cost: Per layer and step, n and m positions of the two pictures and C channels.
        paper: Where it comes from.
        symmetric: Exchanging the two pictures does not change the distance.
        zero: The distance of a picture to itself is zero.
        random: `summarize` draws random numbers and takes a `key`.
        averageable: Targets of several pictures can be averaged: they are statistics of one shape.
        bfloat16_safe: Features may come in bfloat16, as the network computed them: all that is done to
            them is products, which are summed in float32.
        weights: The name of numbers that `distance` takes as `fitted`, for a metric that was
            fitted to something (`jaxstyle weights list`).
    """

    name: str
    kind: Kind
    summarize: Callable[..., Any]
    distance: Callable[..., Any]
    expects: Expects
    layers: tuple[str, ...]
    meaning: str
    cost: str
    paper: str
    symmetric: bool = False
    zero: bool = True
    random: bool = False
    averageable: bool = False
    bfloat16_safe: bool = False
    weights: str | None = None

    @property
    def parameters(self) -> dict[str, float]:
        """Its own numbers and their defaults: what `distance` takes by keyword alone."""
        return {
            each.name: each.default
            for each in inspect.signature(self.distance).parameters.values()
            if each.kind is each.KEYWORD_ONLY and each.name != "fitted"
        }
