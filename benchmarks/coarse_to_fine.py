"""Coarse to fine: does a warm start help, and does another parametrization?

All variants have the same objective, calibrated once, and the same steps. The table shows the mean
over pairs of the loss at full size, relative to the final loss of the default: after the first
step, a quarter, half and all of them. Lower is better.

python benchmarks/coarse_to_fine.py [SIZE [STEPS]]      writes benchmarks/coarse_to_fine.md
"""

import platform
import sys
from datetime import date
from pathlib import Path

import jax
import numpy as np

import jaxstyle
from jaxstyle import samples
from jaxstyle.image.io import read_image
from jaxstyle.transfer.steppers.whole import WholeStepper

PAIRS = (("lighthouse", "swirls"), ("valley", "mosaic"), ("lighthouse", "woodblock"))
RESTART = {"restart": True}
VARIANTS = {
    "lbfgs, warm start": {},
    "lbfgs, restart at each scale": RESTART,
    "lbfgs, factor 2 (fewer scales)": {"scale_factor": 2.0, "scales": 2},
    "lbfgs, laplacian": {"parametrization": "laplacian"},
    "lbfgs, fourier": {"parametrization": "fourier"},
    "adam, warm start": {"optimizer": "adam"},
    "adam, restart at each scale": {"optimizer": "adam", **RESTART},
    "adam, laplacian": {"optimizer": "adam", "parametrization": "laplacian"},
    "adam, fourier": {"optimizer": "adam", "parametrization": "fourier"},
}
size, steps = (int(word) for word in (*sys.argv[1:], *("160", "40")[len(sys.argv) - 1 :]))
warm_start = WholeStepper.warm_start

losses: dict[str, list[np.ndarray]] = {name: [] for name in VARIANTS}
for content_name, style_name in PAIRS:
    content, style = (
        read_image(samples.resolve(f"sample:{name}"), size=size)
        for name in (content_name, style_name)
    )
    constants = None
    for name, variant in VARIANTS.items():
        changes = {"size": size, "steps": steps, "scales": 3, "calibration": constants} | variant
        restart = changes.pop("restart", False)
        WholeStepper.warm_start = (lambda self, state, fresh: fresh) if restart else warm_start
        result = jaxstyle.stylize(content, style, **changes)
        constants = result.facts["calibration"]
        losses[name].append(np.array(result.history["total"][-steps:]))
        print(content_name, style_name, name, losses[name][-1][-1], flush=True)

references = [history[-1] for history in losses["lbfgs, warm start"]]
shown = [0, steps // 4, steps // 2, steps - 1]
rows = []
for name, histories in losses.items():
    relative = np.mean([h / last for h, last in zip(histories, references, strict=True)], axis=0)
    rows.append(f"| {name} | " + " | ".join(f"{relative[k]:.2f}" for k in shown) + " |")

text = f"""# Coarse to fine: warm starts and parametrizations

`python benchmarks/coarse_to_fine.py {size} {steps}`, {date.today()}, {platform.machine()},
jax {jax.__version__}, {jax.default_backend()}. Loss at full size, relative to the final loss of the
first row; mean of {len(PAIRS)} pairs. {size} pixels, three scales, {steps} steps at full size.

| variant | step 1 | {shown[1] + 1} | {shown[2] + 1} | {shown[3] + 1} |
|---|---|---|---|---|
""" + "\n".join(rows)
Path(__file__).with_suffix(".md").write_text(text + "\n")
print(text)
