"""The space of pictures: a plane through a grid's cells, and what lies between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxstyle.image.geometry import Picture


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
