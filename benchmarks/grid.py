"""A grid of lanes against the same runs one after another: time, memory, compilation.

Everything is compiled once before; then lanes and single runs take turns, in one process, and the
medians are compared. Memory is what the compiled programs say. A run is one scale of STEPS steps,
the default terms; what is swept is the style weight.

python benchmarks/grid.py [SIZE [STEPS [LANES …]]]     writes benchmarks/grid.md (256 4 8 16 32)
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
compiled = []
jax.monitoring.register_event_duration_secs_listener(
    lambda name, seconds, **_: (
        compiled.append(seconds) if name.endswith("backend_compile_duration") else None
    )
)


def seconds_of(work):
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


rows = []
for optimizer in ("lbfgs", "adam"):
    few = {"size": size, "steps": steps, "scales": 1, "optimizer": optimizer, "calibrate": False}
    for count in counts:
        weights = np.geomspace(0.1, 10, count).tolist()

        def together(weights=weights, few=few, lanes=None):
            return jaxstyle.stylize_grid(
                content, style, sweep={"style_weight": weights}, lanes=lanes, **few
            )

        def alone(weights=weights, few=few):
            return [jaxstyle.stylize(content, style, style_weight=w, **few) for w in weights]

        compiled.clear()
        cells = together()
        compiling = sum(compiled)
        compiled.clear()
        runs = alone()
        compiling_one = sum(compiled)
        ends = [
            (a.made.history["total"][-1], b.history["total"][-1])
            for a, b in zip(cells, runs, strict=True)
        ]
        apart = max(abs(a - b) / b for a, b in ends)
        both = [(seconds_of(together)[0], seconds_of(alone)[0]) for _ in range(ROUNDS)]
        grid_seconds, run_seconds = (statistics.median(each) for each in zip(*both, strict=True))
        facts = cells[0].made.facts["memory"]
        rows.append(
            f"| {optimizer} | {count} | {facts['lanes']} | {run_seconds / grid_seconds:.2f} "
            f"| {facts['predicted'] / 2**30:.2f} | "
            f"{runs[0].facts['memory']['predicted'] / 2**30:.2f} "
            f"| {compiling:.0f} | {compiling_one:.0f} | {apart:.0e} |"
        )
        print(rows[-1], f"{grid_seconds:.1f} s, {run_seconds:.1f} s", flush=True)

text = f"""# Grids: lanes against runs one after another

`python benchmarks/grid.py {" ".join(sys.argv[1:])}`, {date.today()}, {platform.machine()},
{len(jax.devices())} × {jax.devices()[0].device_kind}, jax {jax.__version__}. {size} pixels, {steps}
steps at one scale, default terms. Speedup: seconds of the runs one after another over those of the
grid, medians of {ROUNDS} in turns, nothing compiled in them; targets and the memory plan are in
both, calibration in neither (a grid does it once for all cells). GiB at the peak, by the compiled
programs' own account, all of the process counted. Seconds of compilation: the grid's, and those of
all the runs, which share a program. The last column is the greatest difference of a last loss
between a cell and its run, relative.

| optimizer | cells | lanes | speedup | GiB, grid | GiB, run | compiling | compiling runs | apart |
|---|---|---|---|---|---|---|---|---|
""" + "\n".join(rows)
Path(__file__).with_suffix(".md").write_text(text + "\n")
