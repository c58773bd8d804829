"""The cost of a border: a 3 × 3 convolution with its own border of zeros, and one without any.

Prediction before the change: the same speed, for the same multiplications.

And XLA's convolution against ours: small grids as one matrix product, deep layers by Winograd's
algorithm. Small grids were noticed when a batch of twelve ResNet-18 steps at 64 pixels took twice
the time of twelve steps; there was no prediction. For Winograd's, 1.5 to 2.5 times the speed was
predicted (a quarter of the multiplications, more memory traffic).

    python benchmarks/convolution.py
"""

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

from jaxstyle.backbones.ops import Conv
from jaxstyle.backbones.winograd import transformed

OURS = ((1, 2, 512, 512), (12, 2, 512, 512), (1, 4, 512, 512), (12, 4, 512, 512), (1, 6, 512, 512))
OURS += ((1, 8, 512, 512), (12, 8, 512, 512), (1, 16, 512, 512), (12, 16, 512, 512))
OURS += ((1, 32, 512, 512), (1, 64, 512, 512), (1, 32, 256, 512), (1, 64, 256, 256))
OURS += ((12, 32, 256, 256), (1, 128, 256, 256), (1, 128, 64, 128), (12, 64, 64, 128))
OURS += ((1, 128, 128, 128), (12, 64, 128, 128))
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


def medians(functions, *arguments):
    """Return the milliseconds of each function, alternating."""
    seconds = [[] for _ in functions]
    for _ in range(ROUNDS):
        for function, taken in zip(functions, seconds, strict=True):
            began = time.perf_counter()
            jax.block_until_ready(function(*arguments))
            taken.append(time.perf_counter() - began)
    return [1000 * statistics.median(taken) for taken in seconds]


def compare(convolutions, x, kernel):
    """Compare the milliseconds and gradients of two convolutions."""
    both = [
        jax.jit(jax.value_and_grad(lambda x, k, convolve=convolve: jnp.sum(convolve(x, k) ** 2)))
        for convolve in convolutions
    ]
    gradients = [np.asarray(run(x, kernel)[1]) for run in both]
    first, second = medians(both, x, kernel)
    gap = np.abs(gradients[0] - gradients[1]).max() / np.abs(gradients[0]).max()
    return f"{first:9.1f} {second:13.1f} {first / second:13.2f} {gap:15.1e}"


def by_xla(x, kernel):
    border = ((1, 1), (1, 1))
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), border, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def by_ours(x, kernel):
    params = {"kernel": kernel, "bias": jnp.zeros(kernel.shape[3])}
    params["winograd"] = TRANSFORMED[kernel.shape]
    conv = Conv(kernel.shape[3], 3, 1, 1)
    return jax.vmap(lambda x: conv.apply({"params": params}, x))(x)


TRANSFORMED = {}


def main() -> None:
    print(f"{jax.default_backend()}, jax {jax.__version__}; value and gradient with respect to x")
    random = np.random.default_rng(0)
    print("side  channels   VALID ms   SAME and cut ms   ratio   largest difference")
    for side, inward, outward in SHAPES:
        x = jnp.asarray(random.standard_normal((side, side, inward)), jnp.float32)
        kernel = jnp.asarray(random.standard_normal((3, 3, inward, outward)), jnp.float32)
        print(f"{side:4}  {inward:3} → {outward:3} {compare((by_valid, by_same), x, kernel)}")
    print("pictures  side  channels   XLA's ms       ours ms   ratio   largest difference")
    for count, side, inward, outward in OURS:
        x = jnp.asarray(random.standard_normal((count, side, side, inward)), jnp.float32)
        kernel = random.standard_normal((3, 3, inward, outward)).astype(np.float32)
        TRANSFORMED[kernel.shape] = jnp.asarray(transformed(kernel))
        row = compare((by_xla, by_ours), x, jnp.asarray(kernel))
        print(f"{count:8} {side:5}  {inward:3} → {outward:3} {row}")


if __name__ == "__main__":
    main()
