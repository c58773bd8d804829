"""The simple view: four sliders from 0 to 100, each of which stands for a setting or two.

50 is the default everywhere but with colors, whose default is 0.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

from jaxstyle import recipes
from jaxstyle.settings import Settings
from jaxstyle.specs import MetricSpec
from jaxstyle.transfer.presets import overridden

CHARACTERS = ("faithful", "bold", "tinted")
"""Recipes with a button."""
_USUAL = Settings()
_PALETTE = "palette"
_WEAKEST, _STRONGEST = 0.8, 13.0
"""Weights of the palette term at both ends of its part of the slider."""
_FIRST, _LAST = 5.0, 95.0
"""Where the slider of colors leaves the painting's, and reaches the photograph's."""


class Sliders(NamedTuple):
    """Where the four sliders stand, 0 to 100."""

    style: float = 50.0  # how much of the painting, against the photograph
    strokes: float = 50.0  # how large its strokes are
    colors: float = 0.0  # whose colors: the painting's, or the photograph's
    smoothness: float = 50.0  # how smooth the picture is


def settings_of(sliders: Sliders, settings: Settings | None = None) -> Settings:
    """Return settings as the sliders say; the others stay.

    >>> settings_of(Sliders(style=50)) == Settings()
    True
    >>> round(settings_of(Sliders(style=100)).content_weight, 2)
    0.05
    """
    settings = settings or Settings()
    # A slider that stands where it stood leaves its setting, which may lie between two places.
    moved = [one != other for one, other in zip(sliders, sliders_of(settings), strict=True)]
    style, strokes, colors, smooth = (min(100.0, max(0.0, float(one))) for one in sliders)
    content = tuple(spec for spec in settings.content_metric if spec.name != _PALETTE)
    color: Any = "style" if settings.color == "chroma" else settings.color
    if colors >= _LAST:
        color = "chroma"
    elif colors > _FIRST:
        share = (colors - _FIRST) / (_LAST - _FIRST)
        weight = _WEAKEST * (_STRONGEST / _WEAKEST) ** share
        content = (*content, MetricSpec(_PALETTE, round(weight, 3)))
    changes: tuple[dict[str, Any], ...] = (
        {"content_weight": _rounded(_USUAL.content_weight * 10 ** (0.8 * (50 - style) / 50))},
        {"style_scale": (_rounded(2 ** ((strokes - 50) / 25)),)},
        {"content_metric": content, "color": color},
        {"smoothness": _rounded(_USUAL.smoothness * 10 ** ((smooth - 50) / 50))},
    )
    for change, is_moved in zip(changes, moved, strict=True):
        settings = replace(settings, **change) if is_moved else settings
    return settings


def sliders_of(settings: Settings) -> Sliders:
    """Return where the sliders stand for some settings: the nearest place.

    >>> sliders_of(settings_of(Sliders(30, 75, 50, 20)))
    Sliders(style=30.0, strokes=75.0, colors=50.0, smoothness=20.0)
    """
    palette = [spec.weight for spec in settings.content_metric if spec.name == _PALETTE]
    colors = 0.0
    if settings.color == "chroma":
        colors = 100.0
    elif palette and palette[0]:
        share = math.log(palette[0] / _WEAKEST) / math.log(_STRONGEST / _WEAKEST)
        colors = _FIRST + min(1.0, max(0.0, share)) * (_LAST - _FIRST)
    scale = math.exp(sum(map(math.log, settings.style_scale)) / len(settings.style_scale))
    return Sliders(
        _place(50 - 50 * _decades(settings.content_weight, _USUAL.content_weight) / 0.8),
        _place(50 + 25 * math.log2(scale)),
        _place(colors),
        _place(50 + 50 * _decades(settings.smoothness, _USUAL.smoothness)),
    )


def character(name: str, settings: Settings) -> Settings:
    """Return settings with those of a recipe of `CHARACTERS`, or of the default if it is empty.

    Size, steps and what else no character speaks of stay.
    """
    spoken = {key for one in CHARACTERS for key in recipes.find(one).settings_of()}
    back = {key: getattr(_USUAL, key) for key in spoken}
    settings = replace(settings, recipe=None, **back)
    return overridden(settings, {"recipe": name}) if name in CHARACTERS else settings


def _decades(value: float, usual: float) -> float:
    return math.log10(max(value, 1e-6) / usual)


def _place(value: float) -> float:
    return float(round(min(100.0, max(0.0, value))))


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
