"""What passes over memory cost a step on an accelerator, on paper and in compiled programs.

python benchmarks/passes.py          writes benchmarks/passes.md

A step of `benchmarks/gpu.py`: VGG19 to conv5_1, Gram matrices at relu1_1 to relu5_1. On paper:
bytes that go through memory beside the convolutions' own, by kind, and what each remedy would save.
In programs compiled for a CPU: whether a remedy gives the same gradient, and what the program
then needs.
"""

import itertools
from datetime import date
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (1, 512))
"""Convolutions and channels of each block; poolings lie between."""
BANDWIDTH, STEP = 4.3e12, 2.44e-3
"""Bytes a second and seconds of a step's kernels, of an H200 in TF32: benchmarks/gpu.md."""
SIDE, SMALL = 512, 128


def elements(side):
    """Return how many values convolutions put out, how many are pooled, and how many compared."""
    outputs, pooled, compared = [], [], []
    for number, (count, channels) in enumerate(BLOCKS):
        values = channels * (side >> number) ** 2
        outputs += [values] * count
        compared.append(values)
        pooled += [values] * (number < len(BLOCKS) - 1)
    return sum(outputs), sum(pooled), sum(compared)


def on_paper():
    """Return bytes of each kind of pass, values of four bytes, and what each remedy saves."""
    outputs, pooled, compared = elements(SIDE)
    passes = {
        "bias and ReLU: read, write": 2 * 4 * outputs,
        "gradient of ReLU: read it and the output, write": 3 * 4 * outputs,
        "pooling: read, write a quarter": 1.25 * 4 * pooled,
        "its gradient: read the input and a quarter, write": 2.25 * 4 * pooled,
        "gradient of the Gram matrices: write, add": 2 * 4 * compared,
    }
    saved = {
        "channels last throughout": 0,
        "bias and ReLU at the end of the convolution (Pallas, or cuDNN's own)": 2 * 4 * outputs,
        "ReLU's mask as bits": (4 - 2 / 8) * outputs,
        "outputs saved in bfloat16 beside those that go on": (4 - 2 * 2) * outputs,
        "outputs saved in 8 bits likewise": (4 - 2 * 1) * outputs,
        "ReLU computed again for the backward pass (`jax.checkpoint`)": -4 * outputs,
        "pooling's gradient from a place of two bits": (4 - 4 / 16) * pooled,
    }
    return passes, saved


@jax.custom_vjp
def bit_relu(values):
    """A ReLU that saves one bit a value."""
    return jnp.maximum(values, 0)


def _forward(values):
    return jnp.maximum(values, 0), jnp.packbits(values > 0, axis=1)


def _backward(bits, gradient):
    mask = jnp.unpackbits(bits, axis=1, count=gradient.shape[1]).astype(bool)
    return (jnp.where(mask, gradient, 0),)


bit_relu.defvjp(_forward, _backward)


@jax.custom_vjp
def rounded_relu(values):
    """A ReLU that saves its output in bfloat16."""
    return jnp.maximum(values, 0)


rounded_relu.defvjp(
    lambda values: (jnp.maximum(values, 0), jnp.maximum(values, 0).astype(jnp.bfloat16)),
    lambda output, gradient: (jnp.where(output > 0, gradient, 0),),
)


def loss_with(relu, last):
    """Return the sum of squared Gram matrices, with a ReLU, and channels first or last."""
    layout = ("NHWC", "HWIO", "NHWC") if last else ("NCHW", "OIHW", "NCHW")
    window = (1, 2, 2, 1) if last else (1, 1, 2, 2)

    def loss(picture, kernels):
        values, total, number = picture, 0.0, 0
        for block, (count, _) in enumerate(BLOCKS):
            for place in range(count):
                kernel = kernels[number]
                kernel = kernel if last else kernel.transpose(3, 2, 0, 1)
                values = relu(
                    jax.lax.conv_general_dilated(
                        values, kernel, (1, 1), "SAME", dimension_numbers=layout
                    )
                )
                number += 1
                if place == 0:
                    rows = "nhwc,nhwd->ncd" if last else "nchw,ndhw->ncd"
                    total += (
                        jnp.sum(jnp.einsum(rows, values, values) ** 2) / float(values.size) ** 2
                    )
            if block < len(BLOCKS) - 1:
                values = jax.lax.reduce_window(
                    values, -jnp.inf, jax.lax.max, window, window, "VALID"
                )
        return total

    return loss


def compiled():
    """Return for each remedy the gradient's distance to the usual one, memory and operations."""
    random = np.random.default_rng(0)
    channels = [3, *(c for count, c in BLOCKS for _ in range(count))]
    kernels = [
        jnp.asarray(random.normal(size=(3, 3, i, o), scale=np.sqrt(2 / 9 / i)), jnp.float32)
        for i, o in itertools.pairwise(channels)
    ]
    picture = jnp.asarray(random.random((2, SMALL, SMALL, 3)), jnp.float32)
    usual = loss_with(jax.nn.relu, last=True)
    ways = {
        "as it is": usual,
        "channels first": lambda p, k: loss_with(jax.nn.relu, last=False)(
            p.transpose(0, 3, 1, 2), k
        ),
        "ReLU's mask as bits": loss_with(bit_relu, last=True),
        "outputs saved in bfloat16": loss_with(rounded_relu, last=True),
        "only products saved (`dots_saveable`)": jax.checkpoint(
            usual, policy=jax.checkpoint_policies.dots_saveable
        ),
        "nothing saved (`nothing_saveable`)": jax.checkpoint(usual),
    }
    rows, reference = [], None
    for name, loss in ways.items():
        program = jax.jit(jax.grad(loss)).lower(picture, kernels).compile()
        gradient = program(picture, kernels)
        reference = gradient if reference is None else reference
        error = float(jnp.linalg.norm(gradient - reference) / jnp.linalg.norm(reference))
        operations = program.cost_analysis()
        rows.append(
            (
                name,
                error,
                program.memory_analysis().temp_size_in_bytes / 2**20,
                operations["bytes accessed"] / 2**30,
                operations["flops"] / 1e9,
            )
        )
    return rows


def main():
    passes, saved = on_paper()
    whole = sum(passes.values())
    lines = [
        "# Passes over memory in a step",
        "",
        f"{date.today()}, jax {jax.__version__}, two CPU cores; `python benchmarks/passes.py`.",
        f"On paper: {SIDE} px, TF32, one picture, {BANDWIDTH / 1e12:g} TB/s and {STEP * 1e3:g} ms",
        "of kernels as measured on an H200 (`gpu.md`). A batch has as many times both.",
        "",
        "| pass | MB | ms | of a step |",
        "|---|---|---|---|",
    ]
    for name, size in (*passes.items(), ("together", whole)):
        seconds = size / BANDWIDTH
        lines.append(f"| {name} | {size / 1e6:.0f} | {seconds * 1e3:.2f} | {seconds / STEP:.1%} |")
    lines += ["", "| remedy | saves MB | of a step at most |", "|---|---|---|"]
    for name, size in saved.items():
        lines.append(f"| {name} | {size / 1e6:.0f} | {size / BANDWIDTH / STEP:.1%} |")
    lines += [
        "",
        f"Compiled for a CPU, two pictures of {SMALL} px:",
        "",
        "| program | gradient's distance | memory beside in- and output, MiB | bytes accessed by "
        "XLA's count, GiB | GFLOP |",
        "|---|---|---|---|---|",
    ]
    for name, error, memory, accessed, flops in compiled():
        lines.append(f"| {name} | {error:.1e} | {memory:.0f} | {accessed:.2f} | {flops:.0f} |")
    text = "\n".join(lines) + "\n"
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
