"""What a border costs: a 3 × 3 convolution with its own zero border, and one without any.

Prediction before the change: the same speed, for the same multiplications. Run it to see.

    python benchmarks/convolution.py
"""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

SHAPES = ((256, 64, 64), (128, 128, 128), (64, 256, 256), (32, 512, 512), (16, 512, 512))
ROUNDS = 7


def convolve(x, kernel, padding):
    return jax.lax.conv_general_dilated(
        x[None], kernel, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )[0]


def by_valid(x, kernel):
    return convolve(jnp.pad(x, ((1, 1), (1, 1), (0, 0)), mode="edge"), kernel, "VALID")


def by_same(x, kernel):
    return convolve(jnp.pad(x, ((1, 1), (1, 1), (0, 0)), mode="edge"), kernel, "SAME")[1:-1, 1:-1]


def main() -> None:
    print(f"{jax.default_backend()}, jax {jax.__version__}; forward and gradient by the picture")
    print("side  channels   VALID ms   SAME and cut ms   ratio   greatest difference")
    random = np.random.default_rng(0)
    for side, inward, outward in SHAPES:
        x = jnp.asarray(random.standard_normal((side, side, inward)), jnp.float32)
        kernel = jnp.asarray(random.standard_normal((3, 3, inward, outward)), jnp.float32)
        ways = [
            jax.jit(jax.value_and_grad(lambda x, k, way=way: jnp.sum(way(x, k) ** 2)))
            for way in (by_valid, by_same)
        ]
        gradients = [np.asarray(way(x, kernel)[1]) for way in ways]
        seconds: list[list[float]] = [[], []]
        for _ in range(ROUNDS):
            for way, taken in zip(ways, seconds, strict=True):
                began = time.perf_counter()
                jax.block_until_ready(way(x, kernel))
                taken.append(time.perf_counter() - began)
        valid, same = (1000 * statistics.median(taken) for taken in seconds)
        gap = np.abs(gradients[0] - gradients[1]).max() / np.abs(gradients[0]).max()
        print(
            f"{side:4}  {inward:3} → {outward:3} {valid:9.1f} {same:13.1f} "
            f"{valid / same:13.2f} {gap:15.1e}"
        )


if __name__ == "__main__":
    main()
