"""The space of pictures: which values a grid has around a place, and a plane through its cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxstyle import recipes
from jaxstyle.grid import sweep
from jaxstyle.image.geometry import Picture
from jaxstyle.kinds import Number, Several
from jaxstyle.settings import Settings, kind_of, names

COUNTS = (3, 4, 5)
"""Values that each of two settings takes: nine to twenty-five cells."""
MOST_CELLS = 25
_WIDEST = 4.0
"""Ratio of the outermost values to the middle one, of a setting that takes ratios."""
_NOT_VARIED = ("steps", "coarse_steps", "positions", "style_positions", "scale_factor", "extend")
"""Numbers that say how a picture is computed, more than what it is; and one of textures."""


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


def sweep_of(first: str, second: str = "") -> dict[str, list[Any]]:
    """Return the values of one setting or two, from lines such as `style_weight=0.1,1,10`.

    Raises:
        ValueError: A line has another form, a value may not come from a page, or there are more
            than 25 cells, or less than two; there is no such recipe.
    """
    axes: dict[str, list[Any]] = {}
    for line in (first, second):
        if not line.strip():
            continue
        name, values = sweep.parse(line)
        owner = name.partition(".")[0]
        known = owner in names() and not kind_of(owner).sweepable
        if name in ("content", "style", "init", "color_from") or known:
            raise ValueError(f"a grid of the page cannot vary {name}")
        if name in axes:
            raise ValueError(f"{name} is varied twice: choose another setting")
        if name == "recipe":
            for recipe in values:
                recipes.method(recipe)
        axes[name] = values
    cells = math.prod(map(len, axes.values()))
    if not axes or not 2 <= cells <= MOST_CELLS:
        count = cells if axes else 0
        raise ValueError(f"expected 2 to {MOST_CELLS} cells, got {count}")
    return axes


def line_of(name: str, values: Sequence[Any]) -> str:
    """Return the line of `sweep_of` for some values.

    >>> line_of("style_scale", [0.5, 1.0])
    'style_scale=0.5,1'
    """
    return f"{name}={','.join(sweep.label(name, value) for value in values)}"


@dataclass(frozen=True)
class Plane:
    """Pictures over two numbers, with all between them.

    Attributes:
        names: Of the two settings; the second runs across.
        rows: Values of the first, ascending.
        columns: Values of the second.
        pictures: Of each row and column, all of one shape.
    """

    names: tuple[str, str]
    rows: tuple[float, ...]
    columns: tuple[float, ...]
    pictures: Float[np.ndarray, "rows columns h w 3"]

    @classmethod
    def of(cls, axes: Mapping[str, Sequence[Any]], pictures: Mapping[int, Picture]) -> Plane | None:
        """Return the plane of a grid's cells; None if it is none.

        Args:
            axes: The values of two settings, numbers.
            pictures: By the cells' numbers, the second setting changing fastest.
        """
        columns = [[_scalar(value) for value in values] for values in axes.values()]
        count = math.prod(map(len, columns))
        is_numeric = all(isinstance(v, (int, float)) for values in columns for v in values)
        shapes = {picture.shape for picture in pictures.values()}
        if len(columns) != 2 or not is_numeric or len(pictures) < count or len(shapes) != 1:
            return None
        first, second = (np.argsort(values) for values in columns)
        stacked = np.stack([pictures[number] for number in range(count)])
        stacked = stacked.reshape(len(first), len(second), *stacked.shape[1:])
        one, other = axes
        return cls(
            (one, other),
            tuple(float(columns[0][i]) for i in first),
            tuple(float(columns[1][i]) for i in second),
            stacked[first][:, second],
        )

    def at(self, across: float, down: float) -> Picture:
        """Return the picture at a place: bilinear between the four around it.

        Args:
            across: From 0, the first column, to 1, the last.
            down: Likewise of rows.
        """
        (top, bottom, lower), (left, right, later) = (
            _between(down, len(self.rows)),
            _between(across, len(self.columns)),
        )
        grid = self.pictures
        upper = (1 - later) * grid[top, left] + later * grid[top, right]
        under = (1 - later) * grid[bottom, left] + later * grid[bottom, right]
        mixed: Picture = ((1 - lower) * upper + lower * under).astype(np.float32)
        return mixed

    def values(self, across: float, down: float) -> dict[str, float]:
        """Return the values of the two settings at a place.

        Between two positive values they go by ratios, as the sliders feel.
        """
        pairs = ((self.names[0], self.rows, down), (self.names[1], self.columns, across))
        return {name: _value(values, place) for name, values, place in pairs}


def _scalar(value: Any) -> Any:
    return value[0] if isinstance(value, (tuple, list)) and len(value) == 1 else value


def _between(place: float, count: int) -> tuple[int, int, float]:
    """Return the two numbers around a place, and how far it is towards the second."""
    position = min(1.0, max(0.0, place)) * (count - 1)
    first = min(int(position), max(0, count - 2))
    return first, min(first + 1, count - 1), position - first


def _value(values: Sequence[float], place: float) -> float:
    first, second, share = _between(place, len(values))
    one, other = values[first], values[second]
    if one > 0 and other > 0:
        return float(one ** (1 - share) * other**share)
    return float((1 - share) * one + share * other)
