"""On an accelerator: grids that fill it, the effect of reduced precision, the profile of a step.

Rows are printed as they are measured. The matrix rate is that of 8192 × 8192 products in the same
precision. The effect of precision is measured on pictures: the root mean square of the difference
from float32's, of 255, beside that of two runs in float32 whose initial pictures differ by a
thousandth of a gray level.

python benchmarks/gpu.py [PART …]       grids, pictures, profile, start (default: all of them)
"""

import os
import statistics
import subprocess
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
from jaxstyle.transfer import memory

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
        content, style = pictures(PAIR, size)
        times, start = [], time.perf_counter()
        stylize_grid(
            content,
            style,
            sweep={"style_weight": np.geomspace(0.1, 10, lanes).tolist()},
            size=size,
            steps=60,
            optimizer=optimizer,
            precision=precision,
            smoothness=0.0,
            on_progress=lambda progress, times=times: times.append(time.perf_counter()),
            **OBJECTIVE,
        )
        step = statistics.median(np.diff(times[1:])) / 10
        rate = operations(size) * lanes / step
        print(
            f"| {precision} | {optimizer} | {size} | {lanes} | {1e3 * step:.2f} "
            f"| {rate / 1e12:.0f} | {rate / rates[precision]:.0%} | {memory.peak() / 2**30:.1f} "
            f"| {times[0] - start:.0f} s to the first progress |",
            flush=True,
        )


def stylized(content, style, **changes):
    return jaxstyle.stylize(content, style, size=256, **changes, **OBJECTIVE).image


def pictures_by_precision():
    """Measure how far a run in each precision is from float32's, with Adam and with L-BFGS."""
    content, style = pictures(PAIR, 256)
    noise = np.random.default_rng(0).standard_normal(content.shape) * 1e-3 / 255
    perturbed = np.clip(content + noise, 0, 1).astype(np.float32)
    for optimizer in ("lbfgs", "adam"):
        common = {"optimizer": optimizer, "steps": 100}
        base, again = (stylized(content, style, precision="float32", **common) for _ in range(2))
        print(f"{optimizer}: two runs in float32 are equal: {np.array_equal(base, again)}")
        rows = {"float32, perturbed": stylized(perturbed, style, precision="float32", **common)}
        for precision in ("tensorfloat32", "bfloat16"):
            rows[precision] = stylized(content, style, precision=precision, **common)
        change = np.sqrt(np.mean((base - content) ** 2)) * 255
        for name, image in rows.items():
            difference = np.sqrt(np.mean((image - base) ** 2)) * 255
            print(f"| {optimizer} | {name} | {difference:.3f} | of {change:.1f} |", flush=True)
        if "OUT" in os.environ:
            from PIL import Image

            row = np.concatenate([base, *rows.values()], 1)
            Image.fromarray((row * 255).round().astype(np.uint8)).save(
                f"{os.environ['OUT']}/precision_{optimizer}.png"
            )


def profile():
    """Print the kernels that take the time of a step of one picture, by XLA's profiler."""
    from jax.profiler import ProfileData

    from jaxstyle.settings import Settings
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
        stepper = WholeStepper(make_job(content, style, settings, Sources()))
        prepared = jax.block_until_ready(stepper.prepare(512, [None]))
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


def start():
    """Time a command from start to picture, with an empty compilation cache and a full one."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "jaxstyle", "stylize", "sample:lighthouse", "sample:swirls"]
        words += ["--size", "512", "-o", f"{folder}/out.png"]
        env = {**os.environ, "JAXSTYLE_CACHE": f"{folder}/cache"}
        for cache in ("empty", "full"):
            begin = time.perf_counter()
            process = subprocess.run(words, env=env, capture_output=True, text=True)
            seconds = time.perf_counter() - begin
            print(f"stylize at 512 px, {cache} cache: {seconds:.1f} s, exit {process.returncode}")
            print("  " + process.stderr[-300:].replace("\n", "\n  "), flush=True)
        if "OUT" in os.environ:
            Path(os.environ["OUT"], "start.png").write_bytes(Path(folder, "out.png").read_bytes())


PARTS = {"grids": grids, "pictures": pictures_by_precision, "profile": profile, "start": start}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
