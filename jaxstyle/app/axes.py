"""The axes of a grid: which settings it varies, and which values are offered for each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jaxstyle import recipes
from jaxstyle.app import mixtures
from jaxstyle.app.controls import controls
from jaxstyle.grid import sweep
from jaxstyle.kinds import Number, Several
from jaxstyle.metrics import METRICS
from jaxstyle.settings import MIXTURES, Settings, kind_of, names
from jaxstyle.specs import is_init

Axis = tuple[str, str | Sequence[str]]
"""The name of a setting, and its values as a page has them: text with numbers, or names."""
COUNTS = (3, 4, 5)
"""Values that each of two settings takes: nine to twenty-five cells."""
MOST_CELLS = 25
_WIDEST = 4.0
"""Ratio of the outermost values to the middle one, of a setting that takes ratios."""
_NOT_VARIED = (
    *("steps", "coarse_steps", "positions", "style_positions", "scale_factor", "extend"),
    *("fit", "precision", "tile"),
)
"""Settings that say how a picture is computed, more than what it is; and some of textures."""
_FIRST_NAMES = {
    "metric": ("gram", "moments", "sliced_wasserstein", "histogram", "relaxed_emd"),
    "recipe": ("painterly", "faithful", "bold", "tinted", "strotss/adapted"),
}
"""Names to begin with, of settings that have many."""


def numeric() -> tuple[str, ...]:
    """Return the settings that a grid can vary around a number."""
    usual = Settings()
    rows = []
    for name in names():
        kind, value = kind_of(name), getattr(usual, name)
        is_number = isinstance(kind, Number) and isinstance(value, (int, float)) and kind.sweepable
        is_single = isinstance(kind, Several) and len(value) == 1 and isinstance(kind.item, Number)
        if (is_number and name not in _NOT_VARIED) or is_single:
            rows.append(name)
    return tuple(rows)


def values_around(name: str, settings: Settings, count: int, reach: float = 1.0) -> list[Any]:
    """Return values of a setting around the one that it has.

    >>> values_around("content_weight", Settings(content_weight=2.0), 3)
    [0.5, 2.0, 8.0]
    >>> values_around("seed", Settings(seed=4), 3)
    [4, 5, 6]

    Args:
        name: A setting of `numeric`.
        settings: Where the middle is.
        count: How many.
        reach: 1 is a wide grid; 0.5 one of its cell's neighbors.

    Raises:
        ValueError: It is no such setting.
    """
    if name not in numeric():
        raise ValueError(f"expected a setting with a number, got {name}")
    middle, kind = getattr(settings, name), kind_of(name)
    if name == "seed":
        return [middle + number for number in range(count)]
    is_several = isinstance(middle, tuple)
    if is_several:
        middle, kind = middle[0], kind.item  # type: ignore[attr-defined]
    assert isinstance(kind, Number)
    places = np.linspace(-1, 1, count) * reach
    if name == "style_rotation":
        numbers = [middle + 90 * place for place in places]
    elif kind.high < 10:  # a share
        low, high = max(0.0, middle - 0.5 * reach), min(kind.high, middle + 0.5 * reach)
        numbers = list(np.linspace(low, high, count))
    else:
        center = middle or 0.1
        numbers = [center * _WIDEST**place for place in places]
    short = [float(f"{min(number, kind.high):.3g}") for number in numbers]
    values = [round(one) if kind.type is int else one for one in short]
    return list(dict.fromkeys(values))


def named() -> dict[str, tuple[str, ...]]:
    """Return the settings that a grid can vary over names, with the names that are offered."""
    rows = [one for one in controls() if one.form == "choice" and kind_of(one.name).sweepable]
    choices = {one.name: one.choices for one in rows if one.name not in _NOT_VARIED}
    return {"recipe": choices.pop("recipe"), "metric": tuple(METRICS["style"]), **choices}


def offer(name: str, settings: Settings, count: int) -> str | list[str]:
    """Return values to begin with: names, or text with numbers around those of some settings.

    >>> offer("smoothness", Settings(smoothness=0.04), 3)
    '0.01, 0.04, 0.16'
    >>> offer("color", Settings(color="luminance"), 3)
    ['luminance', 'style', 'histogram']

    Args:
        name: A setting; of one that is neither `numeric` nor `named` nothing is known.
        settings: Where the middle is.
        count: How many.
    """
    if name in numeric():
        return as_text(name, values_around(name, settings, count))
    choices = named().get(name)
    if choices is None:
        return ""
    now = getattr(settings, name)
    first = _FIRST_NAMES.get(name) or ([now] if now in choices else [])
    return [*dict.fromkeys([*first, *choices])][:count]


def as_text(name: str, values: Sequence[Any]) -> str:
    """Return values of a setting as text.

    >>> as_text("style_scale", [0.5, 1.0])
    '0.5, 1'
    """
    return ", ".join(sweep.label(name, value) for value in values)


def sweep_of(axes: Iterable[Axis]) -> dict[str, list[Any]]:
    """Return the values of one setting or two.

    >>> sweep_of([("seed", "0..2"), ("metric", ["gram@relu1_1,relu2_1=2", "mmd"])])
    {'seed': [0, 1, 2], 'metric': ['gram@relu1_1,relu2_1=2', 'mmd']}

    Raises:
        ValueError: A value has another form, or may not come from a page, or there are more than
            25 cells, or less than two; there is no such recipe.
    """
    values: dict[str, list[Any]] = {}
    for name, given in axes:
        if not name:
            continue
        words = name.replace("_", " ")
        owner = name.partition(".")[0]
        if name in ("content", "style", "color_from") or owner not in names():
            raise ValueError(f"a grid of the page cannot vary {words}")
        if name in values:
            raise ValueError(f"{words} is varied twice: choose another setting")
        if not given:
            raise ValueError(f"expected values of {words}, got none")
        # A semicolon at the end: a name may have commas of its own.
        text = given if isinstance(given, str) else ";".join(given) + ";"
        values[name] = sweep.parse(f"{name}={text}")[1]
        _check(name, values[name])
    cells = math.prod(map(len, values.values()))
    if not values or not 2 <= cells <= MOST_CELLS:
        count = cells if values else 0
        raise ValueError(f"expected 2 to {MOST_CELLS} cells, got {count}")
    return values


def _check(name: str, values: Sequence[Any]) -> None:
    for value in values:
        if name == "init" and not is_init(value):
            raise ValueError("expected an upload as the picture to start from, got a path")
        if name == "recipe":
            recipes.method(value)
        elif name in MIXTURES:
            if not (name == "metric" and value in recipes.RECIPES):  # which stands for its mixture
                mixtures.specs_from({"source": "text", "text": value}, MIXTURES[name])
        elif name in names():
            kind_of(name).check(name, value)
