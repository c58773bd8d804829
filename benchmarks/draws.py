"""Metrics of pairs at drawn positions: error, noise, time, and which optimizer stands them.

python benchmarks/draws.py [SIZE]      (default: 192)

First table, for each metric and number of positions, of the gradient with respect to the pixels
half way between content and style: *noise*, the distance of one draw's gradient from that of all
positions, and *error*, that of the mean of 32 draws, both relative to its length; and the time of a
step relative to one of `moments`, medians, alternating. Second table: the loss of all positions
after a run, relative to that of the run with all positions by the same optimizer; draws are held
for 1, 5 or 20 steps.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxstyle import samples
from jaxstyle.image.io import read_image
from jaxstyle.objective.build import build_term, extractor_for
from jaxstyle.objective.calibration import calibrate, calibration_reference
from jaxstyle.objective.objective import evaluate, prepare
from jaxstyle.optim import optimizers
from jaxstyle.optim import step as optimization
from jaxstyle.specs import MetricSpec
from jaxstyle.weights.network_cache import NetworkCache

METRICS = {
    "style": ("nearest_neighbor", "contextual", "mmd", "energy", "sinkhorn", "relaxed_emd"),
    "content": ("self_similarity",),
}
COUNTS = (256, 1024, 0)
RUNS = {
    "relaxed_emd + covariance + 0.1 moments; mse": (
        *(("style", "relaxed_emd", 1.0), ("style", "covariance", 1.0), ("style", "moments", 0.1)),
        *(("content", "mse", 1.2),),
    ),
    "relaxed_emd; self_similarity": (
        *(("style", "relaxed_emd", 1.0), ("content", "self_similarity", 0.5)),
    ),
}
STEPS = 80

size = int(sys.argv[1]) if len(sys.argv) > 1 else 192
networks = NetworkCache()
content, style = (
    jnp.asarray(read_image(samples.resolve(f"sample:{name}"), size=size))
    for name in ("lighthouse", "swirls")
)
reference = calibration_reference(content, style)


def row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def objective_of(parts, count):
    """Return the extractor, its weights, and the calibrated objective of some metrics."""
    terms = tuple(
        replace(
            build_term(MetricSpec(name), kind, networks, backbone="vgg16", weight=weight),
            positions=count,
        )
        for kind, name, weight in parts
    )
    extract, params = extractor_for(terms, networks, padding="edge")

    @jax.jit
    def made(params):
        features = partial(extract, params)
        prepared = prepare(features, terms, content, [style])
        return calibrate(features, prepared, reference)

    return extract, params, made(params)


def gradient_of(parts, count):
    extract, params, objective = objective_of(parts, count)

    @jax.jit
    def gradient(params, objective, step):
        def total(image):
            return evaluate(partial(extract, params), objective, image, step).total

        return jax.grad(total)(reference)

    return partial(gradient, params, objective)


def seconds(function):
    began = time.perf_counter()
    jax.block_until_ready(function(0))
    return time.perf_counter() - began


def relative(gradient, exact):
    return float(jnp.linalg.norm(gradient - exact) / jnp.linalg.norm(exact))


def gradients():
    row("metric", "positions", "error", "noise", "a step, `moments` = 1")
    row(*["---"] * 5)
    moments = gradient_of([("style", "moments", 1.0)], 0)
    seconds(moments)
    for kind, names in METRICS.items():
        for name in names:
            # Calibrated alike: the constants of all positions.
            by_count = {count: gradient_of([(kind, name, 1.0)], count) for count in COUNTS}
            exact = by_count[0](0)
            for count, function in by_count.items():
                draws = [function(step) for step in range(32 if count else 1)]
                # Calibrations differ by a factor, which is no error of the draw.
                mean = sum(draws) / len(draws)
                factor = jnp.vdot(mean, exact) / jnp.vdot(mean, mean)
                noise = statistics.mean(relative(factor * draw, exact) for draw in draws)
                rounds = [(seconds(function), seconds(moments)) for _ in range(5)]
                ratio = statistics.median(a for a, _ in rounds) / statistics.median(
                    b for _, b in rounds
                )
                error = f"{relative(factor * mean, exact):.2f}"
                row(f"`{name}`", str(count or "all"), error, f"{noise:.2f}", f"{ratio:.2f}")


def run(parts, optimizer, count, hold):
    """Return the picture after a run."""
    extract, params, objective = objective_of(parts, count)
    record = optimizers.find(optimizer)
    transform = record.make(record.learning_rate)

    @jax.jit
    def advance(params, objective, state):
        def losses(image, step):
            return evaluate(partial(extract, params), objective, image, step // hold)

        return optimization.take_step(optimization.with_gradient(losses), transform, state)[0]

    state = optimization.init(transform, content)
    for _ in range(STEPS):
        state = advance(params, objective, state)
    return state.image


def runs():
    row("objective", "optimizer", "positions", "held", "loss of all positions")
    row(*["---"] * 5)
    for name, parts in RUNS.items():
        extract, params, objective = objective_of(parts, 0)
        total = jax.jit(lambda p, o, x, e=extract: evaluate(partial(e, p), o, x).total)
        for optimizer in ("lbfgs", "adam", "rmsprop"):
            whole = None
            for count, hold in ((0, 1), (256, 1), (256, 5), (256, 20)):
                loss = float(total(params, objective, run(parts, optimizer, count, hold)))
                whole = whole or loss
                ratio = f"{loss / whole:.3f}" if count else f"{loss:.4g}"
                row(name, optimizer, str(count or "all"), str(hold) if count else "", ratio)


if __name__ == "__main__":
    print(f"{size} pixels, {np.prod(content.shape[:2])} in all, jax {jax.__version__}\n")
    gradients()
    print()
    runs()
