"""The cost of each metric, and its gradient before and after calibration.

For each metric alone, at one size: the root mean square of its gradient at the reference picture of
the calibration, before and after calibration; and the time of one step relative to Gram's, medians,
alternating.

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
from jaxstyle.image.io import read_image
from jaxstyle.metrics import KINDS, METRICS
from jaxstyle.objective.build import build_term, extractor_for
from jaxstyle.objective.calibration import calibrate, calibration_reference
from jaxstyle.objective.objective import evaluate, prepare
from jaxstyle.specs import MetricSpec
from jaxstyle.weights.network_cache import NetworkCache

size, rounds = (int(word) for word in (*sys.argv[1:], *("128", "5")[len(sys.argv) - 1 :]))
networks = NetworkCache()
content = read_image(samples.resolve("sample:lighthouse"), size=size)
style = read_image(samples.resolve("sample:swirls"), size=size)
reference = calibration_reference(jnp.asarray(content), jnp.asarray(style))


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def measure(kind, name):
    """Return the gradient's size before and after calibration, and a compiled gradient to time."""
    terms = (build_term(MetricSpec(name), kind, networks, backbone="vgg16"),)
    extract, params = extractor_for(terms, networks, padding="zeros")

    @jax.jit
    def objectives(params, content, style):
        objective = prepare(partial(extract, params), terms, content, style)
        return objective, calibrate(
            partial(extract, params), objective, calibration_reference(content, style)
        )

    @jax.jit
    def gradient(params, objective, image):
        return jax.grad(lambda x: evaluate(partial(extract, params), objective, x).total)(image)

    before, after = objectives(params, content, style)
    sizes = [rms(gradient(params, objective, reference)) for objective in (before, after)]
    return *sizes, partial(gradient, params, after, reference)


rows = {(kind, name): measure(kind, name) for kind in KINDS for name in METRICS[kind]}
times = {key: [] for key in rows}
for _ in range(rounds):
    for key, (_, _, run) in rows.items():
        start = time.perf_counter()
        jax.block_until_ready(run())
        times[key].append(time.perf_counter() - start)
gram = statistics.median(times["style", "gram"])

lines = [
    "# Metrics: gradients before and after calibration, and the time of a step",
    "",
    f"{date.today()}, {jax.devices()[0].device_kind}, {platform.machine()}, "
    f"jax {jax.__version__}; sample:lighthouse × sample:swirls, {size} pixels, vgg16, each metric "
    f"alone at its usual layers; medians of {rounds} rounds, alternating; Gram: "
    f"{gram * 1e3:.0f} ms. Reference picture: the mean of both (`calibration_reference`). "
    "`python benchmarks/metrics.py`.",
    "",
    "| kind | metric | gradient RMS | calibrated | time, Gram = 1 |",
    "|---|---|---|---|---|",
]
for (kind, name), (before, after, _) in rows.items():
    ratio = statistics.median(times[kind, name]) / gram
    lines.append(f"| {kind} | `{name}` | {before:.2e} | {after:.4f} | {ratio:.2f} |")
Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n")
print("\n".join(lines))
