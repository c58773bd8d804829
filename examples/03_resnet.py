"""Can a ResNet do what a VGG does? Without smoothing, with it, and VGG19, on one pair.

The upper row is how most people would write it: one scale, Gram matrices as they come, every layer
weighted 1. The lower row is the default here: coarse to fine, every layer and term calibrated.

python examples/03_resnet.py [OUT [SIZE [STEPS]]]  (ten minutes on two cores; fetches two networks)
"""

import sys

import jaxstyle
from jaxstyle import judge
from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.io import read_image
from jaxstyle.samples import resolve

CONTENT, STYLE = "sample:lighthouse", "sample:mosaic"
out, size, steps = (*sys.argv[1:], *("resnet.jpg", "192", "40")[len(sys.argv) - 1 :])
size, steps = int(size), int(steps)


def smoothed(how: str) -> dict:
    """Settings in which style and content see smoothed features."""
    return {"metric": ((f"gram~{how}", 1.0),), "content_metric": ((f"mse~{how}", 1.0),)}


NAIVE = {"scales": 1, "steps": 4 * steps, "calibrate": False, "content_weight": 0.01}
ROWS = {"naive": NAIVE, "default": {"steps": steps}}
COLUMNS = {
    "ResNet-50": {"backbone": "resnet50"},
    "ResNet-50, softmax (paper)": {"backbone": "resnet50", **smoothed("softmax")},
    "ResNet-50, relative/6": {"backbone": "resnet50", **smoothed("relative/6")},
    "VGG19": {"backbone": "vgg19-normalized"},
}

content, style = (read_image(resolve(name), size=size) for name in (CONTENT, STYLE))
judges = {name: judge(name) for name in ("lpips", "dists")}
likeness = judge("moments", backbone="alexnet")  # of styles, by a network that no run used
cells = []
for row, common in ROWS.items():
    for column, own in COLUMNS.items():
        made = jaxstyle.stylize(content, style, size=size, **(common | own))
        lost = ", ".join(
            f"{name} {float(f(made.image, content)):.2f}" for name, f in judges.items()
        )
        far = float(likeness(made.image, style))
        print(f"{row:8}{column:28}{made.facts['seconds']:4.0f} s  to style {far:.2f}  lost {lost}")
        cells.append((f"{column}, {row}", made.image))

contact_sheet(cells, columns=len(COLUMNS)).save(out, quality=90)
print(out)
