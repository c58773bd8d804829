"""A first picture: paint a photograph like a painting.

Shown here: `jaxstyle.stylize`, its progress, and the result with its losses.

    python examples/01_first_picture.py [CONTENT STYLE OUT]
"""

import sys

import jaxstyle

# A picture is a file, a sample that comes with jaxstyle, a PIL image, or an array.
content, style, out = sys.argv[1:4] or ("sample:valley", "sample:swirls", "first_picture.png")


def show(progress: jaxstyle.Progress) -> None:
    """Print one line between chunks of steps."""
    print(f"step {progress.step}/{progress.steps}: loss {progress.loss:.3g}")


# Small and short, so that it takes half a minute on two CPU cores.
result = jaxstyle.stylize(content, style, size=128, steps=40, on_progress=show)

# Writes the picture, and beside it a manifest from which `jaxstyle replay` makes it again.
result.save(out)

# Each term's loss at every step. The run begins small and ends at full size, so a loss can rise
# from one size to the next.
for term, losses in result.history.items():
    print(f"{out}: {term} {losses[0]:.3g} → {losses[-1]:.3g}")
