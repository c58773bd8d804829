"""What each metric costs, and what calibration makes of it.

For every metric alone, at one size: the root mean square of its gradient at the calibration's
reference picture, before and after calibration; and the time of one step relative to Gram's,
medians, measured in turns.

python benchmarks/metrics.py [SIZE [ROUNDS]]      writes benchmarks/metrics.md
"""

import platform
import statistics
import sys
import time
from datetime import date
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from jaxstyle import samples
from jaxstyle.backbones import extractor as networks
from jaxstyle.image.io import read_image
from jaxstyle.metrics import KINDS, METRICS
from jaxstyle.objective.objective import (
    calibrate,
    calibration_reference,
    evaluate,
    layers_of,
    prepare,
    term,
)
from jaxstyle.weights import registry as weights

size, rounds = (int(word) for word in (*sys.argv[1:], *("128", "5")[len(sys.argv) - 1 :]))
network = weights.load("vgg16")
params = jax.device_put(network.tensors)
content = read_image(samples.resolve("sample:lighthouse"), size=size)
style = read_image(samples.resolve("sample:swirls"), size=size)
reference = calibration_reference(jnp.asarray(content), jnp.asarray(style))


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def of(metric):
    """Gradient sizes before and after, and a compiled gradient to be timed."""
    terms = (term(metric),)

    def extract(params, image):
        return networks.features(params, image, layers_of(terms), architecture=network.architecture)

    @jax.jit
    def both(params, content, style):
        objective = prepare(partial(extract, params), terms, content, style)
        return objective, calibrate(
            partial(extract, params), objective, calibration_reference(content, style)
        )

    @jax.jit
    def gradient(params, objective, image):
        return jax.grad(lambda x: evaluate(partial(extract, params), objective, x).total)(image)

    before, after = both(params, content, style)
    sizes = [rms(gradient(params, each, reference)) for each in (before, after)]
    return *sizes, partial(gradient, params, after, reference)


rows = {(kind, name): of(metric) for kind in KINDS for name, metric in METRICS[kind].items()}
times = {name: [] for name in rows}
for _ in range(rounds):
    for name, (_, _, run) in rows.items():
        began = time.perf_counter()
        jax.block_until_ready(run())
        times[name].append(time.perf_counter() - began)
gram = statistics.median(times["style", "gram"])

lines = [
    "# Metrics: gradients before and after calibration, and the time of a step",
    "",
    f"{date.today()}, {jax.devices()[0].device_kind}, {platform.machine()}, "
    f"jax {jax.__version__}; sample:lighthouse × sample:swirls, {size} pixels, vgg16, each metric "
    f"alone at its usual layers; medians of {rounds} turns; Gram: {gram * 1e3:.0f} ms. "
    "Reference picture: the mean of both (`calibration_reference`). `python benchmarks/metrics.py`.",
    "",
    "| kind | metric | gradient RMS | calibrated | time, Gram = 1 |",
    "|---|---|---|---|---|",
]
for (kind, name), (before, after, _) in rows.items():
    ratio = statistics.median(times[kind, name]) / gram
    lines.append(f"| {kind} | `{name}` | {before:.2e} | {after:.4f} | {ratio:.2f} |")
Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n")
print("\n".join(lines))
