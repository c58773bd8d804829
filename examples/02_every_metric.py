"""A contact sheet: one content, one style, and every style metric alone at weight 1.

python examples/02_every_metric.py [OUT [SIZE [STEPS [METRIC …]]]]  (twenty minutes on two cores)
"""

import sys

from PIL import Image, ImageDraw, ImageFont

import jaxstyle
from jaxstyle import images
from jaxstyle.metrics import METRICS
from jaxstyle.samples import resolve

CONTENT, STYLE = "sample:lighthouse", "sample:swirls"
out, size, steps = (*sys.argv[1:4], *("every_metric.jpg", "160", "40")[len(sys.argv) - 1 :])
names = sys.argv[4:] or list(METRICS["style"])
COLUMNS, GAP, LABEL = 5, 8, 18


def as_pillow(picture: images.Picture) -> Image.Image:
    """The picture, for pasting."""
    return Image.fromarray((picture * 255).round().astype("uint8"))


cells = [(name, images.read(resolve(name), size=int(size))) for name in (CONTENT, STYLE)]
for name in names:
    settings = {"metric": ((name, 1.0),), "size": int(size), "steps": int(steps), "scales": 3}
    made = jaxstyle.stylize(CONTENT, STYLE, **settings)
    history = made.history[name]
    print(f"{name:22}{history[0]:8.3g} → {history[-1]:8.3g}  {made.facts['seconds']:.0f} s")
    cells.append((name, made.image))

height = max(picture.shape[0] for _, picture in cells)
wide, tall = int(size) + GAP, height + LABEL + GAP
sheet = Image.new("RGB", (COLUMNS * wide, -(-len(cells) // COLUMNS) * tall), "white")
draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
for number, (name, picture) in enumerate(cells):
    left, top = number % COLUMNS * wide, number // COLUMNS * tall
    # Standing on their labels, whatever their height.
    sheet.paste(as_pillow(picture), (left, top + height - picture.shape[0]))
    draw.text((left, top + height + 1), name, fill="black", font=font)
sheet.save(out, quality=88)
print(out)
