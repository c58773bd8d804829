"""Every style metric alone, on one content and one style: what each of them cares about.

Shown here: the registry of metrics, and a contact sheet.

    python examples/02_every_metric.py [OUT [SIZE [STEPS [METRIC …]]]]

Takes twenty minutes on two CPU cores for all metrics.
"""

import argparse

import jaxstyle
from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.io import read_image
from jaxstyle.metrics import METRICS
from jaxstyle.samples import resolve

CONTENT, STYLE = "sample:lighthouse", "sample:swirls"

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("out", nargs="?", default="every_metric.jpg")
parser.add_argument("size", nargs="?", type=int, default=160)
parser.add_argument("steps", nargs="?", type=int, default=40)
parser.add_argument("metrics", nargs="*", help="all style metrics if not given")
given = parser.parse_args()

cells = [(name, read_image(resolve(name), size=given.size)) for name in (CONTENT, STYLE)]
for name in given.metrics or METRICS["style"]:
    # Calibration puts all metrics into one unit, so weight 1 is a fair comparison.
    result = jaxstyle.stylize(
        CONTENT, STYLE, metric=name, size=given.size, steps=given.steps, scales=3
    )
    losses, seconds = result.history[name], result.facts["seconds"]
    print(f"{name:22}{losses[0]:8.3g} → {losses[-1]:8.3g}  {seconds:.0f} s")
    cells.append((name, result.image))

contact_sheet(cells, columns=5).save(given.out, quality=88)
print(given.out)
