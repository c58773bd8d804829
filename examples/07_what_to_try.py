"""A contact sheet: the guide's suggestions, each on a pair of its kind, beside `gram`.

python examples/07_what_to_try.py [OUT [SIZE [STEPS [ROW …]]]]  (a quarter of an hour on two cores)
"""

import sys

import numpy as np

import jaxstyle
from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.io import read_image
from jaxstyle.samples import resolve


def metric(name: str) -> dict[str, object]:
    """Settings of one style metric."""
    return {"metric": ((name, 1.0),)}


GRAM, MOMENTS, DIVERSE = metric("gram"), metric("moments"), {"recipe": "diverse"}
GENTLE = {"style_weight": 0.3}
ROWS = {
    "brushwork": (
        ("sample:valley", "sample:trouville"),
        {"gram": GRAM, "moments": MOMENTS, "diverse": DIVERSE}
        | {"shifted_gram": metric("shifted_gram")},
    ),
    "print": (
        ("sample:lighthouse", "sample:red-fuji"),
        {"gram": GRAM, "histogram": metric("histogram"), "diverse": DIVERSE}
        | {"gaussian_wasserstein": metric("gaussian_wasserstein")},
    ),
    "mosaic": (
        ("sample:valley", "sample:mosaic"),
        {"gram": GRAM, "cosine": metric("cosine"), "histogram": metric("histogram")},
    ),
    "portrait": (
        ("sample:astronaut", "sample:swirls"),
        {"gram": GRAM, "moments": MOMENTS, "moments at 0.3": MOMENTS | GENTLE}
        | {"diverse at 0.3": DIVERSE | GENTLE},
    ),
    "color": (
        ("sample:lighthouse", "sample:swirls"),
        {"palette": metric("palette"), "color_histogram": metric("color_histogram")}
        | {"--color luminance": {"color": "luminance"}},
    ),
}
COLUMNS = 6

out, size, steps = (*sys.argv[1:4], *("what_to_try.jpg", "192", "25")[len(sys.argv) - 1 :])
cells = []
for name in sys.argv[4:] or ROWS:
    pair, tried = ROWS[name]
    row = [(each, read_image(resolve(each), size=int(size))) for each in pair]
    for label, changes in tried.items():
        settings = {"size": int(size), "steps": int(steps), "scales": 3, **changes}
        made = jaxstyle.stylize(*pair, **settings)
        print(f"{name:12}{label:24}{made.facts['seconds']:.0f} s", flush=True)
        row.append((label, made.image))
    row += [("", np.ones_like(row[0][1]))] * (COLUMNS - len(row))
    cells += row

contact_sheet(cells, columns=COLUMNS).save(out, quality=88)
print(out)
