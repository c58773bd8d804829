"""Does a run take the memory that `--plan` predicts? And what do tiles cost?

Each layout runs in its own process, one step at one size; the process's peak resident memory (on an
accelerator the allocator's) is compared with the prediction.

python benchmarks/memory.py [SIZE …]      writes benchmarks/memory.md (default sizes 512 1024 2048)
"""

import json
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

LAYOUTS = ("whole", "recompute", "1024", "768", "512", "384")
LARGE = 1024
"""Above this size, where a step takes a minute on two cores, only `FEW` layouts are measured."""
FEW = ("whole", "1024")


def step(size, layout, **changes):
    """Take a few steps at one size; return the memory's facts, and the seconds of the last step."""
    import jax
    import numpy as np

    import jaxstyle
    from jaxstyle.transfer.steppers import whole

    # Progress twice, the second time of steps that compiled nothing.
    whole.LARGE = 0
    steps = 2 if jax.default_backend() == "cpu" else 2 * whole.CHUNK
    content, style = np.random.default_rng(0).random((2, size * 3 // 4, size, 3), np.float32)
    rates = []
    result = jaxstyle.stylize(
        content,
        style,
        size=size,
        scale_steps=(steps,),
        memory=layout,
        on_progress=lambda progress: rates.append(progress.rate),
        **changes,
    )
    device = jax.devices()[0].device_kind
    facts = {"seconds": 1 / rates[-1], "jax": jax.__version__, "device": device}
    return result.facts["memory"] | facts


def main(sizes):
    rows = []
    for size in sizes:
        whole_seconds = None
        for layout in FEW if size > LARGE else LAYOUTS:
            if layout.isdigit() and int(layout) >= size:
                continue
            words = [sys.executable, __file__, "step", str(size), layout]
            process = subprocess.run(words, capture_output=True, text=True)
            if process.returncode:
                rows.append(
                    f"| {size} | {layout} | failed: {process.stderr.splitlines()[-1]} | | | |"
                )
                continue
            facts = json.loads(process.stdout.splitlines()[-1])
            predicted, measured = (facts[name] / 2**30 for name in ("predicted", "measured"))
            whole_seconds = whole_seconds or facts["seconds"]
            rows.append(
                f"| {size} | {layout} | {predicted:.2f} | {measured:.2f} "
                f"| {predicted / measured:.2f} | {facts['seconds'] / whole_seconds:.2f} |"
            )
            print(rows[-1], flush=True)

    text = f"""# Memory: predicted and measured

`python benchmarks/memory.py {" ".join(sys.argv[1:])}`, {date.today()}, {platform.machine()},
{facts["device"]}, jax {facts["jax"]}. Default terms, L-BFGS, a picture of SIZE × ¾ SIZE. GiB of the
whole process; time of the second step, relative to `whole`.

| size | layout | predicted | measured | ratio | time |
|---|---|---|---|---|---|
""" + "\n".join(rows)
    Path(__file__).with_suffix(".md").write_text(text + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["step"]:
        print(json.dumps(step(int(sys.argv[2]), sys.argv[3])))
    else:
        main([int(word) for word in sys.argv[1:]] or [512, 1024, 2048])
