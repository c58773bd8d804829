"""Ten steps as one `lax.scan`, and ten calls of one step, on the default objective.

Prediction before the change: one program for ten steps is slightly faster, since it saves calls.

    python benchmarks/scan.py [SIZE]
"""

import statistics
import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxstyle import samples
from jaxstyle.backbones.extractor import features
from jaxstyle.image.geometry import resize
from jaxstyle.image.io import read_image
from jaxstyle.objective.objective import evaluate, prepare
from jaxstyle.objective.term import layers_of, term
from jaxstyle.optim import optimizers
from jaxstyle.optim import step as optimization
from jaxstyle.weights import registry

STEPS, ROUNDS = 10, 3


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    content, style = (
        resize(read_image(samples.resolve(f"sample:{name}")), (size, size))
        for name in ("valley", "swirls")
    )
    network = registry.load("vgg16")
    params = jax.device_put(network.tensors)
    terms = (term("gram"), term("mse", 0.3))

    layers = [str(layer) for layer in layers_of(terms)]
    optimizer = optimizers.find("lbfgs").make(1.0)

    def extract(params, image):
        return features(params, image, layers, architecture=network.architecture, padding="edge")

    objective = jax.jit(lambda params: prepare(partial(extract, params), terms, content, style))(
        params
    )
    programs = {
        length: jax.jit(
            lambda params, objective, state, length=length: optimization.take_steps(
                optimization.with_gradient(partial(evaluate, partial(extract, params), objective)),
                optimizer,
                state,
                jnp.array(length),
                length=length,
            )
        )
        for length in (STEPS, 1)
    }
    initial = optimization.init(optimizer, content)
    seconds: dict[int, list[float]] = {length: [] for length in programs}
    results = {}
    for attempt in range(ROUNDS + 1):
        for length, program in programs.items():
            state = initial
            start = time.perf_counter()
            for _ in range(STEPS // length):
                state, _ = program(params, objective, state)
            jax.block_until_ready(state)
            results[length] = np.asarray(state.image)
            if attempt:  # the first one compiles
                seconds[length].append(time.perf_counter() - start)
    scan, single = (statistics.median(seconds[length]) / STEPS for length in (STEPS, 1))
    print(f"{jax.default_backend()}, jax {jax.__version__}, {size} pixels, seconds per step:")
    print(f"scan {scan:.3f}, single {single:.3f}, ratio {scan / single:.2f}")
    difference = np.abs(results[STEPS] - results[1]).max()
    print(f"greatest difference of the pictures {difference:.1e}")


if __name__ == "__main__":
    main()
