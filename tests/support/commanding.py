"""Command lines at random: valid ones, which end in a picture or one clear line, and spoiled ones.

Also for benchmarks/commands.py, which tries many more of them.
"""

import random
import re
from pathlib import Path

import numpy as np
from PIL import Image

from jaxstyle.image.io import read_image
from jaxstyle.metrics import METRICS

LAYERS = ("relu1_1", "relu1_2", "relu2_1", "relu2_2")
"""Early ones, which small pictures have, and which compile quickly."""
UNEXPECTED = "(--debug shows where)"
"""What the command line adds to an error that nobody has foreseen."""


def odd_pictures(folder: Path) -> list[str]:
    """Pictures as nobody takes them, and some that people do."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 4)).astype(np.uint8)
    color = Image.fromarray(noise[..., :3])
    exif = Image.Exif()
    exif[0x0112] = 6
    made = {
        "plain.png": (color, {}),
        "a name with spaces, ünïcode.png": (color, {}),
        "turned.jpg": (color, {"exif": exif}),
        "ink.jpg": (color.convert("CMYK"), {}),
        "seen through.png": (Image.fromarray(noise), {}),
        "deep.png": (Image.fromarray(noise[..., 0].astype(np.uint16) * 257), {}),
        "bits.png": (color.convert("1"), {}),
        "moving.gif": (color.convert("P"), {"save_all": True, "append_images": [color]}),
        "black.png": (Image.new("RGB", (48, 40)), {}),
        "white.png": (Image.new("RGB", (30, 30), "white"), {}),
        "dot.png": (color.crop((0, 0, 1, 1)), {}),
        "tiny.png": (color.crop((0, 0, 5, 3)), {}),
        "line.png": (color.resize((100, 2)), {}),
        "pole.png": (color.resize((2, 100)), {}),
        "large.jpg": (color.resize((1200, 900)), {}),
    }
    found = []
    for name, (picture, options) in made.items():
        picture.save(folder / name, **options)
        found.append(str(folder / name))
    (folder / "link.png").symlink_to(folder / "plain.png")
    return [*found, str(folder / "link.png")]


def valid(dice: random.Random, pictures: list[str], out: str) -> list[str]:
    """A command line of `stylize` whose every value is allowed, though not every combination."""

    def some(words, most=2):
        return ",".join(dice.sample(words, dice.randint(1, most)))

    def mixture(kind):
        name = dice.choice(sorted(METRICS[kind]))
        name += dice.choice(("", "", "", "~softmax", "~relative", "~scaled"))
        layers = f"@{some(LAYERS)}" if dice.random() < 0.3 else ""
        return f"{name}{layers}={dice.choice(('0', '0.3', '1', '20'))}"

    styles = dice.choices(pictures, k=dice.choice((1, 1, 1, 2)))
    words = ["stylize", dice.choice(pictures), *styles, "-o", out, "--quiet"]
    words += ["--size", str(dice.choice((1, 17, 32, 48))), "--steps", str(dice.randint(0, 3))]
    words += ["--style-layers", some(LAYERS), "--content-layers", some(LAYERS, 1)]
    flags = {
        "--scales": lambda: dice.choice(("1", "2", "9")),
        "--scale-factor": lambda: dice.choice(("1.2", "2", "16")),
        "--scale-steps": lambda: str(dice.randint(0, 3)),
        "--style-weight": lambda: dice.choice(("0", "0.01", "1", "1000")),
        "--content-weight": lambda: dice.choice(("0", "0.01", "1", "1000")),
        "--smoothness": lambda: dice.choice(("0", "1", "1000")),
        "--metric": lambda: mixture("style"),
        "--content-metric": lambda: mixture("content"),
        "--regularizer": lambda: mixture("image"),
        "--style-shares": lambda: ",".join(dice.choice(("0.5", "1", "3")) for _ in styles),
        "--blend": lambda: dice.choice(("sum", "mix")),
        "--style-scale": lambda: dice.choice(("0.5", "2", "0.5,1")),
        "--style-rotation": lambda: dice.choice(("45", "0,90", "-360")),
        "--content-mask": lambda: dice.choice(pictures),
        "--color": lambda: dice.choice(("style", "luminance", "histogram", "covariance", "chroma")),
        "--pooling": lambda: dice.choice(("max", "average", "hanning")),
        "--padding": lambda: dice.choice(("zeros", "reflect", "edge")),
        "--precision": lambda: dice.choice(("float32", "tensorfloat32", "bfloat16")),
        "--optimizer": lambda: dice.choice(("lbfgs", "adam", "sgd", "momentum", "rmsprop")),
        "--parametrization": lambda: dice.choice(("pixels", "laplacian", "fourier")),
        "--learning-rate": lambda: dice.choice(("1e-9", "0.1", "1e9")),
        "--init": lambda: dice.choice(("content", "noise", "style", dice.choice(pictures))),
        "--seed": lambda: str(dice.choice((0, 7, 2**31 - 1))),
        "--no-calibrate": None,
        "--memory": lambda: dice.choice(("auto", "whole", "recompute", "32", "600")),
    }
    for flag in dice.sample(sorted(flags), dice.randint(1, 7)):
        value = flags[flag]
        words += [flag] if value is None else [flag, value()]
    return words


def spoiled(dice: random.Random, words: list[str]) -> list[str]:
    """The same with one or two things wrong, or merely odd."""
    words = list(words)
    for _ in range(dice.randint(1, 2)):
        at = dice.randrange(1, len(words))
        odd = ("", "-1", "nan", "inf", "1e999", "0", "x", "=", "@", "gram=", "gram=-1", "a,b", ",")
        odd += ("--", "-o", "--sizes", "é😀", "no such file.png", ".", "/", "\x00")
        match dice.randrange(4):
            case 0:
                words[at] = dice.choice(odd)
            case 1:
                del words[at]
            case 2:
                words.insert(at, dice.choice(odd))
            case 3:
                words[at] = words[at][: dice.randrange(1 + len(words[at]))]
    return words


def complaint(status: int | None, said: str, out: Path) -> str | None:
    """What is wrong with how a command ended, or None."""
    if status == 0:
        if not out.exists():
            return "no picture, and no word of it"
        picture = read_image(out)
        return None if picture.size else "an empty picture"
    if status != 2:
        return f"exit status {status}"
    if UNEXPECTED in said or "Traceback" in said:
        return f"unforeseen: {said}"
    notes = r"starting JAX …|.* is not enlarged|.* of memory at the peak.*|recipe .*"
    notes = rf"({notes}|no steps are taken.*|scales of less than .*)\n"
    if not re.fullmatch(f"({notes})*jaxstyle: error: .+\n", said):
        return f"not one line: {said!r}"
    return None
