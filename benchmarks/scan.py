"""Ten steps as one `lax.scan`, and ten calls of one step, on the default objective.

Prediction before the change: one program for ten steps is a little faster, for it saves the calls.

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
from jaxstyle.backbones import extractor as networks
from jaxstyle.image.geometry import resize
from jaxstyle.image.io import read_image
from jaxstyle.objective.objective import evaluate, layers_of, prepare, term
from jaxstyle.optim import step as optimize
from jaxstyle.weights import registry as weights

STEPS, ROUNDS = 10, 3


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    content, style = (
        resize(read_image(samples.resolve(f"sample:{name}")), (size, size))
        for name in ("valley", "swirls")
    )
    network = weights.load("vgg16")
    params = jax.device_put(network.tensors)
    terms = (term("gram"), term("mse", 0.3))

    def extract(params, image):
        return networks.features(
            params, image, layers_of(terms), architecture=network.architecture, padding="edge"
        )

    objective = jax.jit(lambda params: prepare(partial(extract, params), terms, content, style))(
        params
    )
    programs = {
        length: jax.jit(
            lambda params, objective, state, length=length: optimize.take_steps(
                optimize.measured(partial(evaluate, partial(extract, params), objective)),
                optimize.optimizer("lbfgs", 1.0),
                state,
                jnp.array(length),
                length=length,
            )
        )
        for length in (STEPS, 1)
    }
    state = optimize.start(optimize.optimizer("lbfgs", 1.0), content)
    seconds: dict[int, list[float]] = {length: [] for length in programs}
    ended = {}
    for attempt in range(ROUNDS + 1):
        for length, program in programs.items():
            now = state
            began = time.perf_counter()
            for _ in range(STEPS // length):
                now, _ = program(params, objective, now)
            jax.block_until_ready(now)
            ended[length] = np.asarray(now.image)
            if attempt:  # the first one compiles
                seconds[length].append(time.perf_counter() - began)
    scan, single = (statistics.median(seconds[length]) / STEPS for length in (STEPS, 1))
    print(f"{jax.default_backend()}, jax {jax.__version__}, {size} pixels, seconds a step:")
    print(f"scan {scan:.3f}, single {single:.3f}, ratio {scan / single:.2f}")
    print(f"greatest difference of the pictures {np.abs(ended[STEPS] - ended[1]).max():.1e}")


if __name__ == "__main__":
    main()
