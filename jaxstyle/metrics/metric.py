"""What a similarity metric is: two pure functions and the facts that a reader needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Metric:
    """A similarity metric, the same two functions whether it speaks of style, content or pixels.

    Every metric is zero where the picture matches its target, never negative, differentiable
    almost everywhere, and finite in value and gradient wherever a picture can be.

    Attributes:
        name: The name by which people ask for it.
        kind: What its target is taken from: `"style"` and `"content"` from that picture,
            `"image"` from neither (a regularizer has nothing to remember).
        summarize: `summarize(features) -> target`, run once, outside the loop.
        distance: `distance(features, target, **parameters) -> scalar`, run at every step.
            Keyword parameters are array leaves with defaults: sweeping one never recompiles.
        expects: How features arrive: `"positions"` as (positions, channels), `"grid"` as
            (height, width, channels), `"layers"` as a tuple of grids, all of a term's layers
            at once.
        layers: The layers used when nobody names any; `("image",)` is the picture itself.
        meaning: What it measures, in one line.
        cost: Per layer and step, n positions and C channels.
        paper: Where it comes from.
    """

    name: str
    kind: Literal["style", "content", "image"]
    summarize: Callable[[Any], Any]
    distance: Callable[..., Any]
    expects: Literal["positions", "grid", "layers"]
    layers: tuple[str, ...]
    meaning: str
    cost: str
    paper: str
