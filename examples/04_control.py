"""A contact sheet of what artists ask for: colors kept, several styles, regions, strokes.

python examples/04_control.py [OUT [SIZE [STEPS]]]  (eight minutes on two cores)
"""

import sys

import numpy as np

import jaxstyle
from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.io import read_image
from jaxstyle.samples import resolve

CONTENT, ONE, OTHER = "sample:lighthouse", "sample:swirls", "sample:woodblock"
out, size, steps = (*sys.argv[1:], *("control.jpg", "160", "40")[len(sys.argv) - 1 :])

content = read_image(resolve(CONTENT), size=int(size))
height, width, _ = content.shape
# A soft horizon: the sky is 1 above, 0 below.
sky = np.repeat(np.clip((0.55 - np.linspace(0, 1, height)) * 10 + 0.5, 0, 1)[:, None], width, 1)
RUNS = {
    "one style": (ONE, {}),
    "--color luminance": (ONE, {"color": "luminance"}),
    "--color histogram": (ONE, {"color": "histogram"}),
    "--color covariance": (ONE, {"color": "covariance"}),
    "--color chroma": (ONE, {"color": "chroma"}),
    "--content-metric palette=5": (
        ONE,
        {"content_metric": (("mse", 1.0), ("palette", 5.0))},
    ),
    "two styles": ([ONE, OTHER], {}),
    "two styles, --blend mix": ([ONE, OTHER], {"blend": "mix"}),
    "sky and land, a style each": ([ONE, OTHER], {"content_mask": (sky, 1 - sky)}),
    "--style-scale 0.5": (ONE, {"style_scale": (0.5,)}),
    "--style-scale 2": (ONE, {"style_scale": (2.0,)}),
    "--style-rotation 0,45,90,135": (ONE, {"style_rotation": (0.0, 45.0, 90.0, 135.0)}),
}

cells = [(name, read_image(resolve(name), size=int(size))) for name in (CONTENT, ONE, OTHER)]
for name, (style, chosen) in RUNS.items():
    made = jaxstyle.stylize(content, style, size=int(size), steps=int(steps), scales=3, **chosen)
    print(f"{name:30}{made.history['total'][-1]:8.3g}  {made.facts['seconds']:.0f} s", flush=True)
    cells.append((name, made.image))

contact_sheet(cells, columns=5).save(out, quality=88)
print(out)
