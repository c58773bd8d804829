"""What an optimizer should take from one scale to the next, and what it should move.

Every variant has the same objective, its constants found once, and the same steps. Printed is the
mean over pairs of the loss at full size relative to the default's last one: after the first step,
a quarter, half and all of them. Lower is better.

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
from jaxstyle.transfer import programs

PAIRS = (("lighthouse", "swirls"), ("valley", "mosaic"), ("lighthouse", "woodblock"))
VARIANTS = {
    "lbfgs, memory carried up": {},
    "lbfgs, anew at each scale": {"carry": False},
    "lbfgs, factor 2 (fewer scales)": {"scale_factor": 2.0, "scales": 2},
    "lbfgs, laplacian": {"parametrization": "laplacian"},
    "lbfgs, fourier": {"parametrization": "fourier"},
    "adam, moments carried up": {"optimizer": "adam"},
    "adam, anew at each scale": {"optimizer": "adam", "carry": False},
    "adam, laplacian": {"optimizer": "adam", "parametrization": "laplacian"},
    "adam, fourier": {"optimizer": "adam", "parametrization": "fourier"},
}
size, steps = (int(word) for word in (*sys.argv[1:], *("160", "40")[len(sys.argv) - 1 :]))
start = programs.Programs.start


def anew(self, image, rate, before=None):
    """A scale that knows nothing of the one before."""
    return start(self, image, rate)


losses: dict[str, list[np.ndarray]] = {name: [] for name in VARIANTS}
for content_name, style_name in PAIRS:
    content, style = (
        read_image(samples.resolve(f"sample:{name}"), size=size)
        for name in (content_name, style_name)
    )
    constants = None
    for name, variant in VARIANTS.items():
        chosen = dict(variant)
        programs.Programs.start = start if chosen.pop("carry", True) else anew
        chosen = {"size": size, "steps": steps, "scales": 3, "calibration": constants} | chosen
        made = jaxstyle.stylize(content, style, **chosen)
        constants = made.facts["calibration"]
        losses[name].append(np.array(made.history["total"][-steps:]))
        print(content_name, style_name, name, losses[name][-1][-1], flush=True)

last = [each[-1] for each in losses["lbfgs, memory carried up"]]
at = [0, steps // 4, steps // 2, steps - 1]
rows = []
for name, found in losses.items():
    relative = np.mean([each / unit for each, unit in zip(found, last, strict=True)], axis=0)
    rows.append(f"| {name} | " + " | ".join(f"{relative[k]:.2f}" for k in at) + " |")

text = f"""# Coarse to fine: what is carried up, and what is moved

`python benchmarks/coarse_to_fine.py {size} {steps}`, {date.today()}, {platform.machine()},
jax {jax.__version__}, {jax.default_backend()}. Loss at full size, relative to the first row's last,
mean of {len(PAIRS)} pairs. {size} pixels, three scales, {steps} steps at full size.

| variant | step 1 | {at[1] + 1} | {at[2] + 1} | {at[3] + 1} |
|---|---|---|---|---|
""" + "\n".join(rows)
Path(__file__).with_suffix(".md").write_text(text + "\n")
print(text)
