"""One unit at every size, and on the way: how hard each layer of each term pulls.

python benchmarks/calibration.py [SIZES…]      (default: 96 192 384 768; half an hour on two cores)

First table: the pull of each layer at a size, relative to what its weight says, with the constants
of the smallest size (after the ratio of pixels), and with those that a run uses at that size; exact
is a backward pass for each layer of each term through the whole picture. 1 is exact.
Second table: the pull of each term of the default on the way of a run, relative to its weight.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import jaxstyle
from jaxstyle import samples
from jaxstyle.image.geometry import fit_within, resize
from jaxstyle.image.io import read_image
from jaxstyle.objective import calibration
from jaxstyle.objective.build import build_term, extractor_for
from jaxstyle.objective.calibration import calibrate, calibration_reference
from jaxstyle.objective.objective import evaluate, prepare
from jaxstyle.specs import MetricSpec
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources
from jaxstyle.weights.network_cache import NetworkCache

METRICS = {
    "style": ("gram", "moments", "nearest_neighbor", "contextual", "mmd"),
    "content": ("mse", "self_similarity"),
    "image": ("total_variation",),
}
PAIRS = (("lighthouse", "swirls"), ("valley", "mosaic"))
POSITIONS = 1024
"""What the settings say; while they are calibrated, terms draw four times as many."""

networks = NetworkCache()
terms = tuple(
    replace(build_term(MetricSpec(name), kind, networks, backbone="vgg16"), positions=POSITIONS)
    for kind, names in METRICS.items()
    for name in names
)
extract, params = extractor_for(terms, networks, padding="edge")


@jax.jit
def targets(params, content, style):
    return prepare(partial(extract, params), terms, content, [style]), calibration_reference(
        content, style
    )


@jax.jit
def constants(params, prepared, reference):
    return calibrate(partial(extract, params), prepared, reference).scales


def exact_constants(params, prepared, reference):
    usual = calibration.WINDOW
    calibration.WINDOW = max(reference.shape)
    exact = jax.jit(lambda *args: constants.__wrapped__(*args))(params, prepared, reference)
    calibration.WINDOW = usual
    return exact


def at(picture, size):
    return jnp.asarray(resize(picture, fit_within(*picture.shape[:2], size)))


def row(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def shown(ratios):
    return " ".join(f"{ratio:.2f}" for ratio in ratios)


def over_sizes(sizes):
    row(["pair", "size", "term", "constants of the smallest size", "constants of this size"])
    row(["---"] * 5)
    worst = []
    for names in PAIRS:
        pictures = [read_image(samples.resolve(f"sample:{name}")) for name in names]
        smallest = None
        for size in sizes:
            prepared, reference = targets(params, *(at(picture, size) for picture in pictures))
            exact = exact_constants(params, prepared, reference)
            if smallest is None:
                smallest = exact
                continue
            used = constants(params, prepared, reference)
            pixels = (size / sizes[0]) ** 2
            for number, term in enumerate(terms):
                old = smallest[number] * pixels / exact[number]
                new = used[number] / exact[number]
                worst.append(np.abs(np.log(np.asarray(new))).max())
                row([" × ".join(names), str(size), term.metric.name, shown(old), shown(new)])
    farthest, middle = np.exp(max(worst)), np.exp(np.median(worst))
    print(f"\nFarthest from 1: a factor of {farthest:.2f}; median {middle:.2f}.\n")


def on_the_way(size=128):
    names = None
    for content, style in PAIRS:
        pictures = [read_image(samples.resolve(f"sample:{name}")) for name in (content, style)]
        job = make_job(*pictures, jaxstyle.Settings(size=size, scales=1), Sources())
        prepared, reference = prepared_of(job, pictures, size)
        stages = {"content": at(pictures[0], size), "reference": reference, "style": None}
        stages["style"] = jax.image.resize(at(pictures[1], size), reference.shape, "linear")
        for progress in jaxstyle.iterate(*pictures, size=size, scales=1, steps=40):
            stages[f"step {progress.step}"] = jnp.asarray(progress.image)
        if names is None:
            names = job.names
            row(["pair", "picture", *names])
            row(["---"] * (2 + len(names)))
        for stage, picture in stages.items():
            pulls = pulls_of(job, prepared, picture)
            row([f"{content} × {style}", stage, *(f"{pull:.2f}" for pull in pulls)])


def prepared_of(job, pictures, size):
    features = partial(job.extract, job.params)
    content, style = (at(picture, size) for picture in pictures)
    reference = calibration_reference(content, style)
    prepared = jax.jit(lambda c, s: prepare(features, job.terms, c, [s]))(content, style)
    return jax.jit(partial(calibrate, features))(prepared, reference), reference


def pulls_of(job, prepared, picture):
    """Return the root mean square of each term's gradient, the mean of eight draws of positions."""

    def losses(image, step):
        return evaluate(partial(job.extract, job.params), prepared, image, step).terms

    gradient = jax.jit(jax.jacrev(losses))
    mean = sum(gradient(picture, step) for step in range(8)) / 8
    return np.sqrt(np.mean(np.asarray(mean) ** 2, axis=(1, 2, 3)))


if __name__ == "__main__":
    over_sizes([int(size) for size in sys.argv[1:]] or [96, 192, 384, 768])
    on_the_way()
