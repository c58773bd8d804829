"""Random command lines of `stylize`, valid and spoiled, and a check of how each ends.

A command ends in a picture or in one line of error. benchmarks/commands.py tries many more of them.
"""

import contextlib
import logging
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from jaxstyle._util.log import logger
from jaxstyle.image.io import read_image
from jaxstyle.metrics import METRICS

LAYERS = ("relu1_1", "relu1_2", "relu2_1", "relu2_2")
"""Early ones, which small pictures have, and which compile quickly."""
UNEXPECTED = "(--debug shows where)"
"""The command line adds this to an unexpected error."""


def odd_pictures(folder: Path) -> list[str]:
    """Write unusual pictures and usual ones, and return their paths."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 4)).astype(np.uint8)
    color = Image.fromarray(noise[..., :3])
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures = {
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
    for name, (picture, options) in pictures.items():
        picture.save(folder / name, **options)
    (folder / "link.png").symlink_to(folder / "plain.png")
    return [str(folder / name) for name in (*pictures, "link.png")]


def valid(dice: random.Random, pictures: list[str], out: str) -> list[str]:
    """Return a command line whose every value is allowed, though not every combination."""

    def some(names, most=2):
        return ",".join(dice.sample(names, dice.randint(1, most)))

    def mixture(kind):
        name = dice.choice(sorted(METRICS[kind]))
        name += dice.choice(("", "", "", "~softmax", "~relative", "~scaled"))
        layers = f"@{some(LAYERS)}" if dice.random() < 0.3 else ""
        return f"{name}{layers}={dice.choice(('0', '0.3', '1', '20'))}"

    styles = dice.choices(pictures, k=dice.choice((1, 1, 1, 2)))
    named = styles if len(styles) == 1 else [w for style in styles for w in ("--style", style)]
    words = ["stylize", dice.choice(pictures), *named, "-o", out, "--quiet"]
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
    """Return the words with one or two things wrong, or merely odd."""
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


@contextlib.contextmanager
def logged_lines() -> Iterator[list[str]]:
    """Collect the lines that are logged."""
    lines: list[str] = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: lines.append(record.getMessage())
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)


def complaint(status: int | None, err: str, out: Path, logged: Sequence[str] = ()) -> str | None:
    """Return what is wrong with how a command ended, or None.

    Args:
        status: The exit status.
        err: Its standard error.
        out: The output.
        logged: The lines that were logged.
    """
    if status == 0:
        if not out.exists():
            return "no picture, and no error"
        return None if read_image(out).size else "an empty picture"
    if status != 2:
        return f"exit status {status}"
    if UNEXPECTED in err or "Traceback" in err:
        return f"unexpected error: {err}"
    lines = [line for line in err.splitlines() if line not in logged]
    if len(lines) != 1 or not lines[0].startswith("jaxstyle: error: "):
        return f"not one line: {err!r}"
    return None
