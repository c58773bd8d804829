"""On an accelerator: grids that fill it, the effect of reduced precision, the profile of a step.

Rows are printed as they are measured. The matrix rate is that of 8192 × 8192 products in the same
precision. The effect of precision is measured on pictures: the root mean square of the difference
from float32's, of 255, beside that of two runs in float32 whose initial pictures differ by a
thousandth of a gray level.

python benchmarks/gpu.py [PART …]       grids, pictures, profile (default: all of them)

On a machine that is there for minutes, start benchmarks/gpu_session.py, which measures these
grids and pictures, and all else that only an accelerator shows.
"""

import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import numpy as np
from peers import CONTENT, NETWORK, PAIR, PRECISIONS, RATE, STYLE, matrix_rate, operations
from vgg_in_torch import pictures

import jaxstyle
from jaxstyle.grid.stylize_grid import stylize_grid
from jaxstyle.image.io import write_image
from jaxstyle.transfer import memory
from jaxstyle.transfer.steppers.whole import CHUNK

OBJECTIVE = {
    "backbone": NETWORK,
    "metric": (("gram", 1.0),),
    "style_layers": tuple(STYLE),
    "content_layers": (CONTENT,),
    "content_weight": 1.0,
    "scales": 1,
    "padding": "zeros",
}


def grids():
    """Measure the steps of large batches, and how much of the matrix rate they reach."""
    rates = {precision: matrix_rate(precision) for precision in PRECISIONS}
    print({name: f"{rate / 1e12:.0f} T/s" for name, rate in rates.items()}, flush=True)
    for precision, size, lanes, optimizer in (
        ("tensorfloat32", 512, 16, "adam"),
        ("bfloat16", 512, 16, "adam"),
        ("bfloat16", 512, 32, "adam"),
        ("bfloat16", 256, 64, "adam"),
        ("bfloat16", 512, 16, "lbfgs"),
    ):
        step, first = grid(precision, size, lanes, optimizer)
        rate = operations(size) * lanes / step
        print(
            f"| {precision} | {optimizer} | {size} | {lanes} | {1e3 * step:.2f} "
            f"| {rate / 1e12:.0f} | {rate / rates[precision]:.0%} | {memory.peak() / 2**30:.1f} "
            f"| {first:.0f} s to the first progress |",
            flush=True,
        )


def grid(precision, size, lanes, optimizer, steps=60):
    """Run a grid over style weights; return the seconds of a step, and to the first progress."""
    content, style = pictures(PAIR, size)
    times, start = [], time.perf_counter()
    stylize_grid(
        content,
        style,
        sweep={"style_weight": np.geomspace(0.1, 10, lanes).tolist()},
        size=size,
        steps=steps,
        optimizer=optimizer,
        precision=precision,
        smoothness=0.0,
        on_progress=lambda progress: times.append(time.perf_counter()),
        **OBJECTIVE,
    )
    return float(statistics.median(np.diff(times[1:]))) / CHUNK, times[0] - start


def pictures_by_precision():
    """Measure how far a run in each precision is from float32's, with Adam and with L-BFGS."""
    for optimizer in ("lbfgs", "adam"):
        differences, change, equal, row = rounded_pictures(optimizer)
        print(f"{optimizer}: two runs in float32 are equal: {equal}")
        for name, difference in differences.items():
            print(f"| {optimizer} | {name} | {difference:.3f} | of {change:.1f} |", flush=True)
        if "OUT" in os.environ:
            write_image(f"{os.environ['OUT']}/precision_{optimizer}.png", row)


def rounded_pictures(optimizer, size=256, steps=100):
    """Make a picture in float32, from a perturbed start, in TF32 and in bfloat16.

    Returns:
        How far each is from float32's, and float32's from the content: root mean squares, of 255;
        whether two runs in float32 are equal; and the four pictures side by side.
    """
    content, style = pictures(PAIR, size)
    noise = np.random.default_rng(0).standard_normal(content.shape) * 1e-3 / 255
    perturbed = np.clip(content + noise, 0, 1).astype(np.float32)

    def stylized(content, precision):
        changes = {"size": size, "steps": steps, "optimizer": optimizer, "precision": precision}
        return jaxstyle.stylize(content, style, **changes, **OBJECTIVE).image

    def distance(a, b):
        return float(np.sqrt(np.mean((a - b) ** 2)) * 255)

    base, again = (stylized(content, "float32") for _ in range(2))
    images = {"float32, perturbed": stylized(perturbed, "float32")}
    for precision in ("tensorfloat32", "bfloat16"):
        images[precision] = stylized(content, precision)
    differences = {name: distance(image, base) for name, image in images.items()}
    row = np.concatenate([base, *images.values()], 1)
    return differences, distance(base, content), np.array_equal(base, again), row


def profile():
    """Print the kernels that take the time of a step of one picture, by XLA's profiler."""
    from jax.profiler import ProfileData

    from jaxstyle.settings import Settings
    from jaxstyle.transfer.constants import JobConstants
    from jaxstyle.transfer.make_job import make_job
    from jaxstyle.transfer.sources import Sources
    from jaxstyle.transfer.steppers.whole import WholeStepper

    for precision in ("tensorfloat32", "bfloat16"):
        content, style = pictures(PAIR, 512)
        settings = Settings(
            size=512,
            optimizer="adam",
            learning_rate=RATE,
            precision=precision,
            smoothness=0.0,
            **OBJECTIVE,
        )
        job = make_job(content, style, settings, Sources())
        stepper = WholeStepper(job)
        prepared = jax.block_until_ready(stepper.prepare(512, [JobConstants(job).at]))
        state = stepper.init([content])
        times = []
        for _ in range(12):
            start = time.perf_counter()
            state, _ = stepper.step(prepared, state, 10)
            times.append(time.perf_counter() - start)
        step = 1e2 * statistics.median(times[2:])
        with tempfile.TemporaryDirectory() as folder:
            with jax.profiler.trace(folder):
                state, _ = stepper.step(prepared, state, 10)
            (file,) = Path(folder).rglob("*.xplane.pb")
            data = ProfileData.from_file(str(file))
        print(f"profile {precision}: {step:.2f} ms a step by the wall clock, without the profiler")
        for plane in data.planes:
            if "GPU" not in plane.name:
                continue
            durations, counts = Counter(), Counter()
            for line in plane.lines:
                if not line.name.startswith("Stream"):
                    continue
                for event in line.events:
                    durations[event.name] += event.duration_ns
                    counts[event.name] += 1
            total = sum(durations.values())
            print(
                f"{plane.name}: {total / 1e7:.3f} ms a step in {sum(counts.values()) / 10} kernels"
            )
            for name, nanoseconds in durations.most_common(30):
                print(f"  {nanoseconds / 1e7:.4f} ms  x{counts[name] / 10:g}  {name[:90]}")
        sys.stdout.flush()


PARTS = {"grids": grids, "pictures": pictures_by_precision, "profile": profile}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
