"""A grid as one batched program against the same runs one after another: time, memory, compilation.

Everything is compiled once beforehand; then the grid and the single runs alternate, in one process,
and the medians are compared. Memory is what the compiled programs report. A run is one scale of
STEPS steps with the default terms; the style weight is swept.

python benchmarks/grid.py [SIZE [STEPS [CELLS …]]]     writes benchmarks/grid.md (256 4 8 16 32)
"""

import platform
import statistics
import sys
import time
from datetime import date
from pathlib import Path

import jax
import numpy as np

import jaxstyle
from jaxstyle import samples
from jaxstyle.image.io import read_image

ROUNDS = 3
words = [int(word) for word in sys.argv[1:]]
size, steps = (*words, *(256, 4)[len(words) :])[:2]
counts = words[2:] or [8, 16, 32]
content = read_image(samples.resolve("sample:lighthouse"), size=size)
style = read_image(samples.resolve("sample:swirls"), size=size)
compilations = []
jax.monitoring.register_event_duration_secs_listener(
    lambda name, seconds, **_: (
        compilations.append(seconds) if name.endswith("backend_compile_duration") else None
    )
)


def seconds_of(function):
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


rows = []
for optimizer in ("lbfgs", "adam"):
    common = {"size": size, "steps": steps, "scales": 1, "optimizer": optimizer, "calibrate": False}
    for count in counts:
        weights = np.geomspace(0.1, 10, count).tolist()

        def grid(weights=weights, common=common):
            return jaxstyle.stylize_grid(content, style, sweep={"style_weight": weights}, **common)

        def single_runs(weights=weights, common=common):
            return [jaxstyle.stylize(content, style, style_weight=w, **common) for w in weights]

        compilations.clear()
        cells = grid()
        grid_compilation = sum(compilations)
        compilations.clear()
        runs = single_runs()
        run_compilation = sum(compilations)
        finals = [
            (cell.result.history["total"][-1], run.history["total"][-1])
            for cell, run in zip(cells, runs, strict=True)
        ]
        difference = max(abs(a - b) / b for a, b in finals)
        times = [(seconds_of(grid), seconds_of(single_runs)) for _ in range(ROUNDS)]
        grid_seconds, run_seconds = map(statistics.median, zip(*times, strict=True))
        memory = cells[0].result.facts["memory"]
        rows.append(
            f"| {optimizer} | {count} | {memory['lanes']} | {run_seconds / grid_seconds:.2f} "
            f"| {memory['predicted'] / 2**30:.2f} | "
            f"{runs[0].facts['memory']['predicted'] / 2**30:.2f} "
            f"| {grid_compilation:.0f} | {run_compilation:.0f} | {difference:.0e} |"
        )
        print(rows[-1], f"{grid_seconds:.1f} s, {run_seconds:.1f} s", flush=True)

text = f"""# Grids: one batched program against runs one after another

`python benchmarks/grid.py {" ".join(sys.argv[1:])}`, {date.today()}, {platform.machine()},
{len(jax.devices())} × {jax.devices()[0].device_kind}, jax {jax.__version__}. {size} pixels, {steps}
steps at one scale, default terms. Speedup: seconds of the runs one after another divided by those
of the grid, medians of {ROUNDS}, alternating, without compilation; both include targets and the
memory plan, neither includes calibration (which a grid does once for all cells). Peak GiB of the
whole process, as the compiled programs report it. Seconds of compilation: of the grid, and of all
the runs, which share a program. The last column is the greatest relative difference of a final
loss between a cell and its run.

| optimizer | cells | batch | speedup | GiB, grid | GiB, run | compilation, grid \
| compilation, runs | difference |
|---|---|---|---|---|---|---|---|---|
""" + "\n".join(rows)
Path(__file__).with_suffix(".md").write_text(text + "\n")
