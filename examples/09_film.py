"""Make a film: a clip painted like a painting, so that what it shows stays still.

    python examples/09_film.py [FILM] [SIZE] [FRAMES] [STEPS]

The clip is made here, from two of the sample pictures: a disc passes before a valley. FILM is an
animated WebP, the clip beside the film, enlarged if it is small (README's is of 192 pixels). Of a
clip in a file: jaxstyle video clip.mp4 painting.jpg -o film.mp4
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import jaxstyle
from jaxstyle import samples
from jaxstyle.image.io import read_image
from jaxstyle.study.known_flow import Layer, motion, render

SHOWN = 288
"""Pixels up to which small frames are enlarged."""


def clip(size, frames):
    """Render the clip, `size` pixels wide."""
    valley, mosaic = (
        read_image(samples.resolve(f"sample:{name}"), size=round(1.4 * size))
        for name in ("valley", "mosaic")
    )
    height, middle = (
        round(0.75 * size),
        [(p.shape[0] / 2, p.shape[1] / 2) for p in (valley, mosaic)],
    )

    def disc(rows, columns):
        return np.hypot(rows - middle[1][0], columns - middle[1][1]) < 0.17 * size

    center = (height / 2, size / 2)
    pan = motion(pan=(0, 0.004 * size), center=center, begin=middle[0])
    start = (0.5 * height, 0.85 * size)
    roll = motion(pan=(0, -0.022 * size), turn=-7, center=start, begin=middle[1])
    layers = [Layer(valley, pan), Layer(mosaic, roll, disc)]
    return [frame.image for frame in render(layers, (height, size), frames)]


def main():
    """Make the clip, and the film."""
    film = Path(sys.argv[1] if len(sys.argv) > 1 else "film.webp")
    size, frames, steps = (
        int(sys.argv[k]) if len(sys.argv) > k else usual
        for k, usual in ((2, 128), (3, 10), (4, 30))
    )
    shown = clip(size, frames)
    pictures = []
    for frame in jaxstyle.stylize_video(shown, "sample:swirls", size=size, steps=steps):
        print(f"frame {frame.number + 1} of {frames}: {frame.facts['steps']} steps")
        pair = np.concatenate([shown[frame.number], frame.image], axis=1)
        picture = Image.fromarray(np.round(255 * pair).astype(np.uint8))
        factor = max(1, SHOWN // size)
        pictures.append(picture.resize((factor * picture.width, factor * picture.height)))
    first, *others = pictures
    first.save(film, save_all=True, append_images=others, duration=80, loop=0, quality=80)
    print(f"{film}: {frames} frames")


if __name__ == "__main__":
    main()
