"""What makes a picture clean? The default with one thing changed at a time.

python benchmarks/causes.py [SIZE [FIRST]]

A row for each change, and benchmarks/causes.jpg: a crop of each picture at three times its size
(256 pixels: twenty minutes on two cores).

Paint is measured with the style at the picture's size (see paint.py; lower is cleaner), content by
LPIPS to the photograph. Seconds include compilation that no run of the same sizes did before.
"""

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image, ImageDraw

import jaxstyle
from jaxstyle import samples
from jaxstyle.image.encode import as_pillow
from jaxstyle.image.geometry import Picture
from jaxstyle.image.io import read_image
from jaxstyle.objective import calibration
from jaxstyle.objective.judge import judge
from jaxstyle.optim import step

PAIR = ("sample:astronaut", "sample:venice")
CROP, TIMES, COLUMNS = (0.28, 0.02, 0.66, 0.4), 3, 5
"""Part of the picture (left, top, right, bottom), its magnification, and crops in a row."""

REST = "covariance+moments=0.1+gaussian_wasserstein@image=0.3"


class Unclipped:
    """JAX's functions, without `clip`."""

    def __getattr__(self, name):
        return (lambda image, *_: image) if name == "clip" else getattr(jnp, name)


def nearer(content, styles):
    """Take the place of `calibration_reference`: four fifths content."""
    return 0.8 * content + 0.2 * jax.image.resize(styles[0], content.shape, "linear")


CHANGES = {
    "the default": {},
    "moments alone, as before (--recipe moments/adapted)": {"recipe": "moments/adapted"},
    "no transport": {"metric": REST},
    "nearest neighbors for transport": {"metric": "nearest_neighbor+" + REST},
    "no covariance": {"metric": "relaxed_emd+moments=0.1+gaussian_wasserstein@image=0.3"},
    "no colors of the picture itself": {"metric": "relaxed_emd+covariance+moments=0.1"},
    "content self_similarity + 0.5 mse": {"content_metric": "self_similarity+mse=0.5"},
    "content self_similarity alone": {"content_metric": "self_similarity"},
    "content weight does not decay": {"content_decay": 1.0},
    "full size alone, 120 steps": {"scale_steps": (120,)},
    "sizes 1.41 apart": {"scale_factor": 2**0.5},
    "all positions": {"positions": 0},
    "smoothness 0": {"smoothness": 0.0},
    "smoothness 0.2": {"smoothness": 0.2},
    "pads with reflections": {"padding": "reflect"},
    "average pooling": {"pooling": "average"},
    "style at half its size": {"style_scale": 0.5},
    "style at twice its size": {"style_scale": 2.0},
    "Laplacian pyramid": {"parametrization": "laplacian"},
    "Adam, 4 times the steps": {"optimizer": "adam", "steps": 120},
    "150 steps at each size": {"steps": 150},
    "VGG19, normalized": {"backbone": "vgg19-normalized"},
    "calibrated nearer the content": {},
    "not clipped between steps": {},
}
NOT_SETTINGS = {
    "calibrated nearer the content": (calibration, {"calibration_reference": nearer}),
    "not clipped between steps": (step, {"jnp": Unclipped()}),
}
"""What no setting changes: a module, and what stands in it for a moment."""


def labelled(text: str, picture: Picture) -> Image.Image:
    """Return the magnified crop of a picture under its name."""
    image = as_pillow(picture)
    width, height = image.size
    box = [round(part * side) for part, side in zip(CROP, (width, height) * 2, strict=True)]
    crop = image.crop(tuple(box))
    crop = crop.resize((crop.width * TIMES, crop.height * TIMES), Image.Resampling.NEAREST)
    sheet = Image.new("RGB", (crop.width + 6, crop.height + 20), "white")
    sheet.paste(crop, (3, 17))
    ImageDraw.Draw(sheet).text((4, 3), text, fill="black")
    return sheet


def main(size: int, first: int = 0) -> None:
    """Make the pictures, the table and the sheet, from the change of a number on."""
    content, style = (read_image(samples.resolve(name), size=size) for name in PAIR)
    paints = [judge(name) for name in ("brushwork", "paint_precision", "paint_coverage")]
    likeness = judge("lpips")
    print("| change | brushwork | precision | coverage | lpips | seconds |")
    print("|---|---|---|---|---|---|", flush=True)
    crops = []
    for name, changes in list(CHANGES.items())[first:]:
        began = time.perf_counter()
        with ExitStack() as stack:
            if name in NOT_SETTINGS:
                jax.clear_caches()
                module, others = NOT_SETTINGS[name]
                stack.enter_context(patch.multiple(module, **others))
                stack.callback(jax.clear_caches)
            picture = np.clip(jaxstyle.stylize(*PAIR, size=size, **changes).image, 0, 1)
        seconds = time.perf_counter() - began
        scores = [*(one(picture, style) for one in paints), likeness(picture, content)]
        row = " | ".join(f"{float(score):.4g}" for score in scores)
        print(f"| {name} | {row} | {seconds:.0f} |", flush=True)
        crops.append(labelled(name, picture))
    width, height = crops[0].size
    sheet = Image.new("RGB", (width * COLUMNS, height * -(-len(crops) // COLUMNS)), "white")
    for number, crop in enumerate(crops):
        sheet.paste(crop, (number % COLUMNS * width, number // COLUMNS * height))
    sheet.save(Path(__file__).with_suffix(".jpg"), quality=85)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or [256]))
