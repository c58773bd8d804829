"""Make the pictures of the README: content, style and the result of the defaults; characters.

    python examples/readme_pictures.py [NAME...]

Takes about ten minutes on two CPU cores; fetches two photographs and three paintings at first use.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import jaxstyle
from jaxstyle import samples
from jaxstyle.grid.contact_sheet import contact_sheet
from jaxstyle.image.geometry import Picture, resize
from jaxstyle.image.io import read_image, write_image

STRIPS = {
    "chelsea-simoa": ("chelsea", "simoa", {}),
    "valley-swirls": ("valley", "swirls", {}),
    "painterly": ("valley", "swirls", {"recipe": "painterly"}),
}
FACE = ("astronaut", "venice")
SIZE, HEIGHT, GAP = 512, 320, 8
CHARACTERS = ("the default", "faithful", "bold", "tinted")
FOLDER = Path(__file__).parent / "pictures"


def fitted(picture: Picture) -> Picture:
    """Resize a picture to the strip's height."""
    return resize(picture, (HEIGHT, round(HEIGHT * picture.shape[1] / picture.shape[0])))


def strip(content: str, style: str, changes: dict[str, str]) -> Picture:
    """Return content, style and result side by side on white."""
    inputs = [read_image(samples.resolve(f"sample:{name}")) for name in (content, style)]
    result = jaxstyle.stylize(f"sample:{content}", f"sample:{style}", size=SIZE, **changes)
    gap = np.ones((HEIGHT, GAP, 3), np.float32)
    first, second, third = map(fitted, (*inputs, result.image))
    return np.concatenate([first, gap, second, gap, third], axis=1)


def characters(content: str, style: str) -> Image.Image:
    """Return the default and its characters side by side."""
    cells = []
    for name in CHARACTERS:
        recipe = {} if name == CHARACTERS[0] else {"recipe": name}
        result = jaxstyle.stylize(f"sample:{content}", f"sample:{style}", size=HEIGHT, **recipe)
        cells.append((name, result.image))
    return contact_sheet(cells, columns=len(cells))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or (*STRIPS, "characters"):
        out = FOLDER / f"{name}.jpg"
        if name == "characters":
            characters(*FACE).save(out, quality=88)
        else:
            write_image(out, strip(*STRIPS[name]))
        print(out)
