"""Paint the sample pictures that come with jaxstyle: two contents and three styles.

Everything is made of noise, distances and light, from fixed seeds, so the pictures are the same
every time. Lengths are fractions of the picture's width; the size in pixels only sets the detail.

    python examples/sample_pictures [FOLDER [WIDTH]]
"""

import sys
from pathlib import Path

from contents import lighthouse, valley
from styles import mosaic, swirls, woodblock

SAMPLES = Path(__file__).parents[2] / "jaxstyle" / "samples"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    size = {"width": int(sys.argv[2])} if len(sys.argv) > 2 else {}
    folder.mkdir(parents=True, exist_ok=True)
    for paint in (lighthouse, valley, swirls, mosaic, woodblock):
        path = folder / f"{paint.__name__}.jpg"
        paint(**size).save(path, quality=90, subsampling=0, optimize=True)
        print(path)


if __name__ == "__main__":
    main()
