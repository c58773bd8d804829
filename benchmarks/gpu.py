"""On an accelerator: grids that fill it, what reduced precision changes, where a step's time goes.

Rows are printed as they are found. The matrix rate is that of 8192 × 8192 products in the same
precision. What precision changes is said of pictures: the root mean square of the difference from
float32's, of 255, beside that of two runs in float32 whose first picture differs by a thousandth
of a grey level.

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
    """Steps of many lanes, and how much of the matrix rate they reach."""
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
        looks, began = [], time.perf_counter()
        stylize_grid(
            content,
            style,
            sweep={"style_weight": np.geomspace(0.1, 10, lanes).tolist()},
            size=size,
            steps=60,
            optimizer=optimizer,
            precision=precision,
            smoothness=0.0,
            on_progress=lambda p, looks=looks: looks.append(time.perf_counter()),
            **OBJECTIVE,
        )
        step = statistics.median(np.diff(looks[1:])) / 10
        done = operations(size) * lanes / step
        print(
            f"| {precision} | {optimizer} | {size} | {lanes} | {1e3 * step:.2f} "
            f"| {done / 1e12:.0f} | {done / rates[precision]:.0%} | {memory.peak() / 2**30:.1f} "
            f"| {looks[0] - began:.0f} s to the first look |",
            flush=True,
        )


def made(content, style, **more):
    return jaxstyle.stylize(content, style, size=256, **more, **OBJECTIVE).image


def pictures_of():
    """How far a run in each precision is from float32's, by Adam and by L-BFGS."""
    content, style = pictures(PAIR, 256)
    noise = np.random.default_rng(0).standard_normal(content.shape) * 1e-3 / 255
    nudged = np.clip(content + noise, 0, 1).astype(np.float32)
    for optimizer in ("lbfgs", "adam"):
        how = {"optimizer": optimizer, "steps": 100}
        base, twice = (made(content, style, precision="float32", **how) for _ in range(2))
        print(f"{optimizer}: two runs in float32 are equal: {np.array_equal(base, twice)}")
        rows = {"float32, nudged": made(nudged, style, precision="float32", **how)}
        for precision in ("tensorfloat32", "bfloat16"):
            rows[precision] = made(content, style, precision=precision, **how)
        moved = np.sqrt(np.mean((base - content) ** 2)) * 255
        for name, image in rows.items():
            off = np.sqrt(np.mean((image - base) ** 2)) * 255
            print(f"| {optimizer} | {name} | {off:.3f} | of {moved:.1f} |", flush=True)
        if "OUT" in os.environ:
            from PIL import Image

            row = np.concatenate([base, *rows.values()], 1)
            Image.fromarray((row * 255).round().astype(np.uint8)).save(
                f"{os.environ['OUT']}/precision_{optimizer}.png"
            )


def profile():
    """The kernels that take the time, for one picture and for a grid, by XLA's own account."""
    from jax.profiler import ProfileData

    from jaxstyle.settings import Settings
    from jaxstyle.transfer.job import Run, Sources

    for precision in ("tensorfloat32", "bfloat16"):
        content, style = pictures(PAIR, 512)
        settings = Settings(
            size=512, optimizer="adam", precision=precision, smoothness=0.0, **OBJECTIVE
        )
        run = Run(content, style, settings, Sources())
        prepared = jax.block_until_ready(run.prepared(512, "whole"))
        state = run.compiled.start(content, RATE)
        taken = []
        for _ in range(12):
            began = time.perf_counter()
            state, *_ = run.compiled.advance(prepared, state, 10, RATE, "whole")
            taken.append(time.perf_counter() - began)
        step = 1e2 * statistics.median(taken[2:])
        with tempfile.TemporaryDirectory() as folder:
            with jax.profiler.trace(folder):
                state, *_ = run.compiled.advance(prepared, state, 10, RATE, "whole")
            (file,) = Path(folder).rglob("*.xplane.pb")
            data = ProfileData.from_file(str(file))
        print(f"profile {precision}: {step:.2f} ms a step by the clock, without the profiler")
        for plane in data.planes:
            if "GPU" not in plane.name:
                continue
            took, times = Counter(), Counter()
            for line in plane.lines:
                if not line.name.startswith("Stream"):
                    continue
                for event in line.events:
                    took[event.name] += event.duration_ns
                    times[event.name] += 1
            total = sum(took.values())
            print(
                f"{plane.name}: {total / 1e7:.3f} ms a step in {sum(times.values()) / 10} kernels"
            )
            for name, nanoseconds in took.most_common(30):
                print(f"  {nanoseconds / 1e7:.4f} ms  x{times[name] / 10:g}  {name[:90]}")
        sys.stdout.flush()


def start():
    """From the command to the picture, with an empty cache of programs and a full one."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "jaxstyle", "stylize", "sample:lighthouse", "sample:swirls"]
        words += ["--size", "512", "-o", f"{folder}/out.png"]
        env = {**os.environ, "JAXSTYLE_CACHE": f"{folder}/cache"}
        for how in ("empty", "full"):
            began = time.perf_counter()
            done = subprocess.run(words, env=env, capture_output=True, text=True)
            taken = time.perf_counter() - began
            print(f"stylize at 512 px, {how} cache: {taken:.1f} s, exit {done.returncode}")
            print("  " + done.stderr[-300:].replace("\n", "\n  "), flush=True)
        if "OUT" in os.environ:
            Path(os.environ["OUT"], "start.png").write_bytes(Path(folder, "out.png").read_bytes())


PARTS = {"grids": grids, "pictures": pictures_of, "profile": profile, "start": start}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
