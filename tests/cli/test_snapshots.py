"""Unfinished pictures: previews, frames, and the animation that an example makes of them."""

import runpy
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from support.small import run, words, write_pictures

import jaxstyle.cli.snapshots
import jaxstyle.image.io
from jaxstyle.image.io import encoder, read_image, write_image
from jaxstyle.transfer import manifest

EXAMPLE = Path(__file__).parents[2] / "examples" / "05_animation.py"


def test_previews_and_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(jaxstyle.cli.snapshots, "_PREVIEW_SECONDS", 0.0)
    written = []
    write_pictures(tmp_path)

    def encoded(path, *more, **options):
        written.append(path.name)
        return encoder(path, *more, **options)

    for module in (jaxstyle.image.io, manifest):
        monkeypatch.setattr(module, "encoder", encoded)
    frames, output = tmp_path / "frames", tmp_path / "out.png"
    assert run(*words("stylize", tmp_path, output, "--preview", "--frames", frames, "--quiet")) == 0
    (frame,) = frames.iterdir()
    assert int(frame.stem) == 3  # the number of its step
    assert written == ["out.png", frame.name, "out.png"]
    assert read_image(frame).shape == (40, 48, 3)
    style = np.zeros((28, 36, 3), np.float32)
    write_image(frames / "99999.png", style)  # of another size
    for name in ("out.gif", "out.webp", "animated.png"):
        monkeypatch.setattr(sys, "argv", [str(EXAMPLE), str(frames), str(tmp_path / name)])
        runpy.run_path(str(EXAMPLE), run_name="__main__")
        with Image.open(tmp_path / name) as animation:
            assert (animation.n_frames, animation.size) == (2, (36, 28))
