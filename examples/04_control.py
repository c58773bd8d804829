"""Controls for artists: keep the colors, mix styles, paint regions, choose the size of strokes.

Shown here: the settings behind `--color`, `--blend`, `--content-mask`, `--style-scale` and others.

    python examples/04_control.py [OUT [SIZE [STEPS]]]

Takes eight minutes on two CPU cores.
"""

import argparse

import numpy as np

import jaxstyle
from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.io import read_image
from jaxstyle.samples import resolve

CONTENT, SWIRLS, WOODBLOCK = "sample:lighthouse", "sample:swirls", "sample:woodblock"

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("out", nargs="?", default="control.jpg")
parser.add_argument("size", nargs="?", type=int, default=160)
parser.add_argument("steps", nargs="?", type=int, default=40)
given = parser.parse_args()

content = read_image(resolve(CONTENT), size=given.size)

# A mask is an array, or a file, in the proportions of its picture: 1 inside, 0 outside. Values in
# between make a soft edge, here at the horizon.
height, width, _ = content.shape
sky = np.repeat(np.clip((0.55 - np.linspace(0, 1, height)) * 10 + 0.5, 0, 1)[:, None], width, 1)

RUNS = {
    "one style": (SWIRLS, {}),
    "--color luminance": (SWIRLS, {"color": "luminance"}),
    "--color histogram": (SWIRLS, {"color": "histogram"}),
    "--color covariance": (SWIRLS, {"color": "covariance"}),
    "--color chroma": (SWIRLS, {"color": "chroma"}),
    "--content-metric palette=5": (SWIRLS, {"content_metric": "mse+palette=5"}),
    "two styles": ([SWIRLS, WOODBLOCK], {}),
    "two styles, --blend mix, moments": (
        [SWIRLS, WOODBLOCK],
        {"blend": "mix", "metric": "moments"},
    ),
    "sky and land, a style each": ([SWIRLS, WOODBLOCK], {"content_mask": (sky, 1 - sky)}),
    "--style-scale 0.5": (SWIRLS, {"style_scale": 0.5}),
    "--style-scale 2": (SWIRLS, {"style_scale": 2.0}),
    "--style-rotation 0,45,90,135": (SWIRLS, {"style_rotation": (0, 45, 90, 135)}),
}

cells = [
    (name, read_image(resolve(name), size=given.size)) for name in (CONTENT, SWIRLS, WOODBLOCK)
]
for name, (style, choices) in RUNS.items():
    result = jaxstyle.stylize(
        content, style, size=given.size, steps=given.steps, scales=3, **choices
    )
    loss, seconds = result.history["total"][-1], result.facts["seconds"]
    print(f"{name:30}{loss:8.3g}  {seconds:.0f} s", flush=True)
    cells.append((name, result.image))

contact_sheet(cells, columns=5).save(given.out, quality=88)
print(given.out)
