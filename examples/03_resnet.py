"""Is a ResNet as good as a VGG? ResNet-50 with and without smoothing, and VGG19, on one pair.

The upper row is how most people would write it: one scale, Gram matrices as they come, every layer
weighted 1. The lower row is the default here: coarse to fine, every layer and term calibrated.

Shown here: other networks, smoothed activations, and judges of the result.

    python examples/03_resnet.py [OUT [SIZE [STEPS]]]

Takes ten minutes on two CPU cores, and fetches two networks.
"""

import argparse

import jaxstyle
from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.io import read_image
from jaxstyle.samples import resolve

CONTENT, STYLE = "sample:lighthouse", "sample:mosaic"

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("out", nargs="?", default="resnet.jpg")
parser.add_argument("size", nargs="?", type=int, default=192)
parser.add_argument("steps", nargs="?", type=int, default=40)
given = parser.parse_args()


def smoothed(smoothing: str) -> dict[str, str]:
    """Return settings in which style and content compare smoothed features."""
    return {"metric": f"gram~{smoothing}", "content_metric": f"mse~{smoothing}"}


# Uncalibrated losses need a weight of their own for the content, and one scale needs more steps.
NAIVE = {"scales": 1, "steps": 4 * given.steps, "calibrate": False, "content_weight": 0.01}
ROWS = {"naive": NAIVE, "default": {"steps": given.steps}}
COLUMNS = {
    "ResNet-50": {"backbone": "resnet50"},
    "ResNet-50, softmax (paper)": {"backbone": "resnet50", **smoothed("softmax")},
    "ResNet-50, relative/6": {"backbone": "resnet50", **smoothed("relative/6")},
    "VGG19": {"backbone": "vgg19-normalized"},
}

content, style = (read_image(resolve(name), size=given.size) for name in (CONTENT, STYLE))

# A judge measures a distance between two pictures. Two compare with the content; one compares with
# the style, by a network that no run here has used.
judges = {name: jaxstyle.judge(name) for name in ("lpips", "dists")}
style_distance = jaxstyle.judge("moments", backbone="alexnet")

cells = []
for row, common in ROWS.items():
    for column, choices in COLUMNS.items():
        result = jaxstyle.stylize(content, style, size=given.size, **common, **choices)
        losses = [f"{name} {judge(result.image, content):.2f}" for name, judge in judges.items()]
        print(
            f"{row:8}{column:28}{result.facts['seconds']:4.0f} s  "
            f"to style {style_distance(result.image, style):.2f}  to content: {', '.join(losses)}"
        )
        cells.append((f"{column}, {row}", result.image))

contact_sheet(cells, columns=len(COLUMNS)).save(given.out, quality=90)
print(given.out)
