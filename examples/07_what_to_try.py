"""The suggestions of `choosing_a_metric.md`, each on a pair of its kind, beside `gram`.

Shown here: metrics, a recipe and weights as plain dictionaries of settings.

    python examples/07_what_to_try.py [OUT [SIZE [STEPS [ROW …]]]]

Takes a quarter of an hour on two CPU cores for all rows, and fetches three samples.
"""

import argparse

import numpy as np

import jaxstyle
from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.io import read_image
from jaxstyle.samples import resolve


def alone(*metrics: str) -> dict[str, dict[str, object]]:
    """Return the settings of each metric alone, by the metric's name."""
    return {metric: {"metric": metric} for metric in metrics}


DIVERSE = {"recipe": "diverse"}
GENTLE = {"style_weight": 0.3}
ROWS = {
    "brushwork": (
        ("sample:valley", "sample:trouville"),
        {**alone("gram", "moments"), "diverse": DIVERSE, **alone("shifted_gram")},
    ),
    "print": (
        ("sample:lighthouse", "sample:red-fuji"),
        {**alone("gram", "histogram"), "diverse": DIVERSE, **alone("gaussian_wasserstein")},
    ),
    "mosaic": (
        ("sample:valley", "sample:mosaic"),
        alone("gram", "cosine", "histogram"),
    ),
    "portrait": (
        ("sample:astronaut", "sample:swirls"),
        {
            **alone("gram", "moments"),
            "moments at 0.3": {"metric": "moments", **GENTLE},
            "diverse at 0.3": DIVERSE | GENTLE,
        },
    ),
    "color": (
        ("sample:lighthouse", "sample:swirls"),
        {**alone("palette", "color_histogram"), "--color luminance": {"color": "luminance"}},
    ),
}
COLUMNS = 6

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("out", nargs="?", default="what_to_try.jpg")
parser.add_argument("size", nargs="?", type=int, default=192)
parser.add_argument("steps", nargs="?", type=int, default=25)
parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; all if not given")
given = parser.parse_args()

cells = []
for name in given.rows or ROWS:
    pair, tried = ROWS[name]
    row = [(picture, read_image(resolve(picture), size=given.size)) for picture in pair]
    for label, choices in tried.items():
        result = jaxstyle.stylize(*pair, size=given.size, steps=given.steps, scales=3, **choices)
        print(f"{name:12}{label:24}{result.facts['seconds']:.0f} s", flush=True)
        row.append((label, result.image))
    # White pictures fill the row.
    row += [("", np.ones_like(row[0][1]))] * (COLUMNS - len(row))
    cells += row

contact_sheet(cells, columns=COLUMNS).save(given.out, quality=88)
print(given.out)
