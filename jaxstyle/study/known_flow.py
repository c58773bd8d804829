"""Clips whose optical flow is known exactly: layers that move, and hide each other.

A layer is a picture that an affine map carries into each frame, with a mask of where it is. A frame
shows the foremost layer at each pixel. So where each pixel was in the frame before, and whether
that frame shows it, are known without any estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import map_coordinates

from jaxstyle.image.geometry import Picture

Affine = Float[np.ndarray, "2 3"]
"""From places of a frame (row, column, 1) to places of a layer."""
Motion = Callable[[float], Affine]
"""From a frame's number to where its places lie in the layer."""


@dataclass(frozen=True)
class Layer:
    """A picture that moves.

    Attributes:
        picture: What it shows.
        motion: Where each place of a frame lies in it.
        inside: Which of its places belong to it, of (row, column); None for all of the plane.
    """

    picture: Picture
    motion: Motion
    inside: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None


class KnownFrame(NamedTuple):
    """A frame, and where the one before it shows the same."""

    image: Picture
    backward: Float[np.ndarray, "h w 2"]  # the flow towards the frame before: right and down
    visible: Bool[np.ndarray, "h w"]  # whether the frame before shows what is here


def render(layers: Sequence[Layer], shape: tuple[int, int], frames: int) -> list[KnownFrame]:
    """Render a clip.

    Args:
        layers: The hindmost first, which fills the plane.
        shape: Height and width of the frames, pixels.
        frames: How many.
    """
    rows, columns = np.indices(shape, dtype=np.float64)
    rendered = []
    for number in range(frames):
        owner = _owner(layers, number, rows, columns)
        image = np.zeros((*shape, 3), np.float32)
        backward = np.zeros((*shape, 2))
        for layer in range(len(layers)):
            mine = owner == layer
            places = _at(layers[layer].motion(number), rows, columns)
            image[mine] = _sampled(layers[layer].picture, places)[mine]
            then = _at(_inverse(layers[layer].motion(number - 1)), *places)
            backward[mine] = np.stack([then[1] - columns, then[0] - rows], axis=-1)[mine]
        visible = np.zeros(shape, bool)
        if number:
            was = rows + backward[..., 1], columns + backward[..., 0]
            inside = (was[0] >= 0) & (was[0] <= shape[0] - 1)
            inside &= (was[1] >= 0) & (was[1] <= shape[1] - 1)
            visible = inside & (_owner(layers, number - 1, *was) == owner)
        rendered.append(KnownFrame(image, backward.astype(np.float32), visible))
    return rendered


def motion(
    pan: tuple[float, float] = (0, 0),
    zoom: float = 1.0,
    turn: float = 0.0,
    center: tuple[float, float] = (0, 0),
    begin: tuple[float, float] = (0, 0),
) -> Motion:
    """Return a motion that is the same from each frame to the next.

    Args:
        pan: Pixels down and to the right by which what is shown moves in each frame.
        zoom: By which it grows in each frame.
        turn: Degrees by which it turns in each frame.
        center: Row and column of the frame that zooming and turning leave where it is.
        begin: Row and column of the layer that is at `center` in the first frame.
    """

    def at(number: float) -> Affine:
        scale, angle = zoom**-number, np.radians(turn * number)
        matrix = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        moved = np.array(center) + number * np.array(pan)
        return np.column_stack([matrix, np.array(begin) - matrix @ moved])

    return at


def _at(affine: Affine, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    (a, b, c), (d, e, f) = affine
    return a * rows + b * columns + c, d * rows + e * columns + f


def _inverse(affine: Affine) -> Affine:
    matrix = np.linalg.inv(affine[:, :2])
    return np.column_stack([matrix, -matrix @ affine[:, 2]])


def _owner(
    layers: Sequence[Layer], number: int, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Return which layer each place of a frame shows."""
    owner = np.zeros(rows.shape, int)
    for index, layer in enumerate(layers):
        if layer.inside is not None:
            owner[layer.inside(*_at(layer.motion(number), rows, columns))] = index
    return owner


def _sampled(picture: Picture, places: tuple[np.ndarray, np.ndarray]) -> Picture:
    """Interpolate a picture, mirrored beyond its edges."""
    planes = [
        map_coordinates(picture[..., k], places, np.float32, order=3, mode="mirror")
        for k in range(3)
    ]
    return np.clip(np.stack(planes, axis=-1), 0, 1)
