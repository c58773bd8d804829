"""Which metrics are nearly the same? Cosines of their gradients with respect to the features.

    python benchmarks/kinship.py [METRIC …]

For each metric named (default: what judges, `jaxstyle.study.judging.STATISTICS`) the other style
metrics of features with their cosines, highest first: the mean over five layers of VGG16, four
pairs of content and style at 96 pixels, and two pictures each, the content and the mean of both;
of each layer the middle 24 × 24 positions.
From 0.8 on a metric is kin (`jaxstyle.study.judging.KIN`): what lowers the one lowers the other.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np

from jaxstyle.backbones.extractor import features
from jaxstyle.metrics import METRICS
from jaxstyle.metrics.metric import STYLE_LAYERS
from jaxstyle.objective.objective import distances, prepare
from jaxstyle.objective.term import term
from jaxstyle.study.datasets import pictures, square
from jaxstyle.study.judging import STATISTICS
from jaxstyle.weights.network_cache import NetworkCache

SIZE = 96
SIDE = 24  # positions of a layer, from its middle; more of them make metrics of pairs slow
CONTENTS, STYLES = ("sample:lighthouse", "sample:valley"), ("sample:swirls", "sample:woodblock")
# Of what they are on average kin; much of one draw's gradient is chance.
DRAWN = {"redrawn_sliced_wasserstein", "mmd_pairs"}


def states():
    """Return the features of each style, and those of two pictures on the way to it."""
    params = NetworkCache().on_device("vgg16", STYLE_LAYERS)

    @jax.jit
    def extract(image):
        middles = {}
        for layer, grid in features(params, image, STYLE_LAYERS).items():
            first, second = (max(0, (side - SIDE) // 2) for side in grid.shape[:2])
            middles[layer] = grid[first : first + SIDE, second : second + SIDE]
        return middles

    contents, styles = (
        [jnp.asarray(square(named, SIZE).picture) for named in pictures(names)]
        for names in (CONTENTS, STYLES)
    )
    return [
        (style, extract(style), [extract(content), extract((content + style) / 2)])
        for style in styles
        for content in contents
    ]


def gradients(name, of_pairs):
    """Return a metric's gradients with respect to the features of each picture."""
    compared = term(name, layers=STYLE_LAYERS, kind="style")

    @jax.jit
    def gradient(style, target, state):
        objective = prepare(lambda _: target, (compared,), style, style)
        total = lambda x: jnp.sum(distances(lambda _: x, objective, style)[0])  # noqa: E731
        return jax.grad(total)(state)

    return [gradient(style, target, x) for style, target, pair in of_pairs for x in pair]


def cosine(a, b):
    """Return the mean cosine at each layer of each picture where both have a gradient."""
    rows = [
        [np.asarray(of[layer], float).ravel() for of in both]
        for both in zip(a, b, strict=True)
        for layer in STYLE_LAYERS
    ]
    rows = [(x, y) for x, y in rows if x.any() and y.any()]
    return np.mean([x @ y / np.linalg.norm(x) / np.linalg.norm(y) for x, y in rows])


def main():
    of_pairs = states()
    names = [
        name
        for name, metric in METRICS["style"].items()
        if metric.layers != ("image",) and name not in DRAWN
    ]
    measured = {}
    for name in names:
        try:
            measured[name] = gradients(name, of_pairs)
        except ValueError as error:
            print(f"{name}: {error}", file=sys.stderr)
    for judge in sys.argv[1:] or STATISTICS:
        alike = {
            name: cosine(measured[judge], of_name)
            for name, of_name in measured.items()
            if name != judge
        }
        ranked = sorted(alike.items(), key=lambda item: -item[1])
        print(f"{judge}: {', '.join(f'{name} {value:.2f}' for name, value in ranked)}", flush=True)


if __name__ == "__main__":
    main()
