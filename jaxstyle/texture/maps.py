"""Maps of a material, which follow its color: heights, normals, roughness."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jaxstyle.image.geometry import Picture, have_same_proportions, resize
from jaxstyle.image.nearest_patches import PATCH, nearest_patches
from jaxstyle.specs import OPEN, Wrap

NORMAL = "normal"
"""The map whose colors are directions."""
_VOTING = range(PATCH // 2 - 1, PATCH // 2 + 2)
"""Rows and columns of a patch that are taken over: its middle, so that maps stay sharp."""


def transfer_maps(
    texture: Picture, sample: Picture, maps: Mapping[str, Picture], *, wrap: Wrap = OPEN
) -> dict[str, Picture]:
    """Return a texture's maps: what the sample's maps show where its color is like the texture's.

    Each patch of the texture takes over the middle of the nearest patch of the sample; where these
    overlap, their mean.

    Args:
        texture: Made from the sample.
        sample: The color of the material, at the texture's scale.
        maps: By name, of the same places as the sample; resized to it. `"normal"` has directions,
            0.5 for 0, which are of unit length again.
        wrap: Along which axes the texture tiles.

    Returns:
        A map of the texture's shape for each name.

    Raises:
        ValueError: A map has other proportions than the sample, or a picture is too small.

    >>> sample = np.random.default_rng(0).random((20, 24, 3)).astype(np.float32)
    >>> made = transfer_maps(sample[4:, 5:], sample, {"height": 1 - sample})
    >>> bool(np.allclose(made["height"], 1 - sample[4:, 5:]))
    True
    """
    shape = sample.shape[0], sample.shape[1]
    if min(*shape, *texture.shape[:2]) < PATCH:
        raise ValueError(f"expected a texture and a sample of {PATCH} × {PATCH} pixels or more")
    check_maps(sample, maps)
    planes = [one if one.shape[:2] == shape else resize(one, shape) for one in maps.values()]
    places = nearest_patches(texture, sample, wrap)
    averaged = _averaged(np.concatenate(planes, 2), places, texture.shape[:2])
    made = dict(zip(maps, np.split(averaged, len(planes), 2), strict=True))
    if NORMAL in made:
        made[NORMAL] = _of_unit_length(made[NORMAL])
    return made


def check_maps(sample: Picture, maps: Mapping[str, Picture]) -> None:
    """Refuse maps that do not fit their sample.

    Raises:
        ValueError: A map has other proportions.
    """
    height, width = sample.shape[:2]
    for name, picture in maps.items():
        if not have_same_proportions(picture.shape, sample.shape):
            raise ValueError(
                f"expected the map {name} in the proportions of the sample, {width} × {height}, "
                f"got {picture.shape[1]} × {picture.shape[0]}"
            )


def _averaged(planes: Picture, places: np.ndarray, shape: tuple[int, ...]) -> Picture:
    """Average what patches of the sample's planes say of each pixel."""
    rows, columns = np.indices(places.shape[:2])
    sums, counts = np.zeros((*shape, planes.shape[2]), np.float32), np.zeros((*shape, 1))
    # At an edge a patch's outer rows are all that there is.
    for down in range(PATCH):
        for across in range(PATCH):
            weight = 1.0 if down in _VOTING and across in _VOTING else 1e-6
            at = (rows + down) % shape[0], (columns + across) % shape[1]
            sums[at] += weight * planes[places[..., 0] + down, places[..., 1] + across]
            counts[at] += weight
    return (sums / counts).astype(np.float32)


def _of_unit_length(normals: Picture) -> Picture:
    """Return directions, 0.5 for 0, of unit length; one without a direction points up."""
    directions = 2 * normals - 1
    lengths = np.linalg.norm(directions, axis=2, keepdims=True)
    up = np.array([0, 0, 1], np.float32)
    unit = np.where(lengths > 1e-6, directions / np.maximum(lengths, 1e-6), up)
    return ((unit + 1) / 2).astype(np.float32)
