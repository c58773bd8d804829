r"""A whole sweep as one program: every content in every style.

python examples/06_grid.py [OUT [SIZE [STEPS]]]  (four minutes on two cores)

Pictures of one shape, weights, learning rates and seeds are lanes of one compiled program. On the
command line the same, with a page to browse it, is

    jaxstyle grid sample:valley sample:swirls -o grid --size 160 --scales 3 \
        --sweep content=sample:valley,sample:lighthouse \
        --sweep style=sample:swirls,sample:woodblock,sample:mosaic
"""

import sys

import jaxstyle
from jaxstyle.grid.contact_sheet import contact_sheet

CONTENTS = ("sample:valley", "sample:lighthouse")
STYLES = ("sample:swirls", "sample:woodblock", "sample:mosaic")
out, size, steps = (*sys.argv[1:], *("grid.jpg", "160", "40")[len(sys.argv) - 1 :])
cells = jaxstyle.stylize_grid(
    CONTENTS[0],
    STYLES[0],
    sweep={"content": CONTENTS, "style": STYLES},
    size=int(size),
    steps=int(steps),
    scales=3,
    report=print,
)
for cell in cells:
    last = {name: round(values[-1], 2) for name, values in cell.made.history.items()}
    print(cell.values, last, cell.made.failure or "")

labelled = [(" in ".join(cell.values.values()), cell.made.image) for cell in cells]
contact_sheet(labelled, columns=len(STYLES)).save(out, quality=88)
print(out)
