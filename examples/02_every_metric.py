"""A contact sheet: one content, one style, and every style metric alone at weight 1.

python examples/02_every_metric.py [OUT [SIZE [STEPS [METRIC …]]]]  (twenty minutes on two cores)
"""

import sys

import jaxstyle
from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.io import read_image
from jaxstyle.metrics import METRICS
from jaxstyle.samples import resolve

CONTENT, STYLE = "sample:lighthouse", "sample:swirls"
out, size, steps = (*sys.argv[1:4], *("every_metric.jpg", "160", "40")[len(sys.argv) - 1 :])
names = sys.argv[4:] or list(METRICS["style"])

cells = [(name, read_image(resolve(name), size=int(size))) for name in (CONTENT, STYLE)]
for name in names:
    settings = {"metric": ((name, 1.0),), "size": int(size), "steps": int(steps), "scales": 3}
    made = jaxstyle.stylize(CONTENT, STYLE, **settings)
    history = made.history[name]
    print(f"{name:22}{history[0]:8.3g} → {history[-1]:8.3g}  {made.facts['seconds']:.0f} s")
    cells.append((name, made.image))

contact_sheet(cells, columns=5).save(out, quality=88)
print(out)
