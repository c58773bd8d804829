r"""A whole sweep as one program: every content in every style.

Runs that differ only in pictures of one shape, weights, learning rates or seeds are batched into
one compiled program. On the command line, with a page to browse the results:

    jaxstyle grid sample:valley sample:swirls -o grid --size 160 --scales 3 \
        --sweep content=sample:valley,sample:lighthouse \
        --sweep style=sample:swirls,sample:woodblock,sample:mosaic

Shown here: `jaxstyle.stylize_grid`, and the log, which says what is batched together.

    python examples/06_grid.py [OUT [SIZE [STEPS]]]

Takes four minutes on two CPU cores.
"""

import argparse
import logging

import jaxstyle
from jaxstyle.grid.contact_sheet import contact_sheet

CONTENTS = ("sample:valley", "sample:lighthouse")
STYLES = ("sample:swirls", "sample:woodblock", "sample:mosaic")

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("out", nargs="?", default="grid.jpg")
parser.add_argument("size", nargs="?", type=int, default=160)
parser.add_argument("steps", nargs="?", type=int, default=40)
given = parser.parse_args()

# The plan of each program (cells, memory) goes to the logger `jaxstyle`.
logging.basicConfig(level=logging.INFO, format="%(message)s")

cells = jaxstyle.stylize_grid(
    CONTENTS[0],
    STYLES[0],
    sweep={"content": CONTENTS, "style": STYLES},
    size=given.size,
    steps=given.steps,
    scales=3,
)

# Cells come in the order of the sweep; one that diverged says so and leaves the others alone.
for cell in cells:
    losses = {name: round(values[-1], 2) for name, values in cell.result.history.items()}
    print(cell.values, losses, cell.result.failure or "")

labeled = [(" in ".join(cell.values.values()), cell.result.image) for cell in cells]
contact_sheet(labeled, columns=len(STYLES)).save(given.out, quality=88)
print(given.out)
