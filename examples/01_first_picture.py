"""A first picture: a photograph, painted like a painting.

python examples/01_first_picture.py [CONTENT STYLE OUT]
"""

import sys

import jaxstyle
from jaxstyle.image.io import write_image

content, style, out = sys.argv[1:4] or ("sample:valley", "sample:swirls", "first_picture.png")


def show(progress: jaxstyle.Progress) -> None:
    """Print a line between chunks of steps."""
    print(f"step {progress.step}/{progress.steps}: loss {progress.loss:.3g}")


made = jaxstyle.stylize(content, style, size=128, steps=40, on_progress=show)
write_image(out, made.image)
for term, losses in made.history.items():
    print(f"{out}: {term} {losses[0]:.3g} → {losses[-1]:.3g}")
