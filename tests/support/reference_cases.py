"""The pictures of `support.reference_recipes`, and which recipes it computes on which networks."""

from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / "data" / "recipes_reference.npz"
BACKBONES = {
    "gatys/normalized": ("vgg16", "vgg19-normalized"),
    "gatys/notebook": ("vgg16", "vgg16-caffe"),
    "neural_style/lua": ("vgg16", "vgg16-caffe"),
    "neural_style/pytorch": ("vgg16", "vgg16-caffe"),
    "central_moments/code": ("vgg16", "vgg19-normalized"),
    "strotss/code": ("vgg16",),
}
"""By recipe: the network that comes with the installation, and the nearest to the authors'."""
STEPS = {name: 1 if name.startswith(("gatys", "neural")) else 3 for name in BACKBONES}
"""After how many steps the pictures are compared. The first step of a bare L-BFGS moves a pixel by
a few float32 roundings, and the second divides by what it changed."""
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


def content():
    """As large as a bucket, so that nothing is padded, and of no more pixels than are drawn."""
    return _waves(SIDE, SIDE, 1)


def style():
    """Of other proportions."""
    return _waves(24, SIDE, 2, 0.1)


def start():
    """Where three steps begin."""
    return (0.6 * content() + 0.4 * _waves(SIDE, SIDE, 3)).astype(np.float32)


PICTURES = (start, lambda: _waves(SIDE, SIDE, 4, 0.2), lambda: content() ** 2)


def places(count):
    """Which values of a picture are compared."""
    return np.random.default_rng(count).integers(0, count, SAMPLES)
