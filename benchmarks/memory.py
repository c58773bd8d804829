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
RUN = """
import json, sys
import jax, numpy as np
import jaxstyle
from jaxstyle.transfer.steppers import whole
size, layout = int(sys.argv[1]), sys.argv[2]
whole.LARGE = 0  # progress after each step: the second one compiles nothing
content, style = np.random.default_rng(0).random((2, size * 3 // 4, size, 3), np.float32)
rates = []
result = jaxstyle.stylize(content, style, size=size, scale_steps=(2,),
    memory=layout, on_progress=lambda progress: rates.append(progress.rate))
print(json.dumps(result.facts["memory"] | {"seconds": 1 / rates[-1],
    "jax": jax.__version__, "device": jax.devices()[0].device_kind}))
"""

rows = []
for size in [int(word) for word in sys.argv[1:]] or [512, 1024, 2048]:
    whole_seconds = None
    for layout in FEW if size > LARGE else LAYOUTS:
        if layout.isdigit() and int(layout) >= size:
            continue
        words = [sys.executable, "-c", RUN, str(size), layout]
        process = subprocess.run(words, capture_output=True, text=True)
        if process.returncode:
            rows.append(f"| {size} | {layout} | failed: {process.stderr.splitlines()[-1]} | | | |")
            continue
        facts = json.loads(process.stdout.splitlines()[-1])
        predicted, measured = (facts[name] / 2**30 for name in ("predicted", "measured"))
        whole_seconds = whole_seconds or facts["seconds"]
        rows.append(
            f"| {size} | {layout} | {predicted:.2f} | {measured:.2f} | {predicted / measured:.2f} "
            f"| {facts['seconds'] / whole_seconds:.2f} |"
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
