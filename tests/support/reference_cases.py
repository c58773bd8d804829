"""The pictures of `support.reference_recipes`, and where it writes what it computes of them."""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "data" / "recipes"
"""One file for each method, `RECIPE_VARIANT.npz`, with keys `"BACKBONE SCALE …"`."""
SIDE = 32
SAMPLES = 64


def _waves(rows, columns, seed, noise=0.05):
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns] / SIDE
    angles = random.uniform(2, 9, (3, 2))
    waves = [0.5 + 0.35 * np.sin(a * x + b * y + a * b) for a, b in angles]
    picture = np.stack(waves, -1) + random.normal(0, noise, (rows, columns, 3))
    # Not clipped: at equal neighbors absolute differences have no gradient.
    return (0.5 + 0.49 * np.tanh(2 * picture - 1)).astype(np.float32)


def content(side=SIDE):
    """As large as a bucket, so that nothing is padded, and of no more pixels than are drawn."""
    return _waves(side, side, 1)


def style(side=SIDE):
    """Of other proportions."""
    return _waves(side * 3 // 4, side, 2, 0.1)


def start(side=SIDE):
    """Where the first steps begin."""
    return (0.6 * content(side) + 0.4 * _waves(side, side, 3)).astype(np.float32)


def pictures(side=SIDE):
    """Where losses and gradients are compared."""
    return start(side), _waves(side, side, 4, 0.2), content(side) ** 2


def directions(count):
    """As many unit vectors, which stand for those that are drawn: one a column."""
    normal = np.random.default_rng(count).normal(size=(count, count))
    return normal / np.linalg.norm(normal, axis=0)


def file_of(name):
    """The file of a method, `"RECIPE/VARIANT"`."""
    return FOLDER / f"{name.replace('/', '_')}.npz"


def places(count):
    """Which values of a picture are compared."""
    return np.random.default_rng(count).integers(0, count, SAMPLES)
