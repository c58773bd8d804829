"""Pictures are float32, whatever JAX computes in."""

import numpy as np
import pytest
from support.small import CONTENT, ONE_LAYER, STYLE, write_pictures

import jaxstyle

# In float64, jax 0.6 says which buffers it cannot use again.
pytestmark = pytest.mark.filterwarnings("ignore:Some donated buffers were not usable")

COLORS = (
    "oklab",
    *(
        pytest.param(c, marks=pytest.mark.slow)
        for c in ("luminance", "style", "histogram", "covariance", "chroma")
    ),
)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("color", COLORS)
def test_every_picture_of_a_run(color):
    settings = {**ONE_LAYER, "scales": 2, "steps": 2, "color": color}
    progresses = list(jaxstyle.iterate(CONTENT, STYLE, **settings))
    images = [progress.image for progress in progresses] + [progresses[-1].result.image]
    assert len(images) > 2
    assert {image.dtype for image in images} == {np.dtype(np.float32)}
    shown = []
    result = jaxstyle.stylize(CONTENT, STYLE, **settings, on_progress=shown.append)
    images = [result.image, *(progress.image for progress in shown)]
    assert {image.dtype for image in images} == {np.dtype(np.float32)}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("init", ["content", "noise", "style", "style_mean", "imagenet_mean"])
def test_without_a_step(init):
    settings = {**ONE_LAYER, "steps": 0, "init": init, "init_noise": 0.01}
    assert jaxstyle.stylize(CONTENT, STYLE, **settings).image.dtype == np.float32


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    "settings",
    [
        {"average": 0.5},
        pytest.param({"parametrization": "fourier"}, marks=pytest.mark.slow),
        pytest.param({"memory": 32}, marks=pytest.mark.slow),
        pytest.param({"memory": "recompute"}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_however_a_step_is_taken(settings):
    result = jaxstyle.stylize(CONTENT, STYLE, **ONE_LAYER | settings)
    assert result.finite
    assert result.image.dtype == np.float32


@pytest.mark.usefixtures("float64")
@pytest.mark.slow
def test_of_a_grid_and_of_a_replay(tmp_path):
    write_pictures(tmp_path)
    pictures = (tmp_path / "content.png", tmp_path / "style.png")
    settings = {**ONE_LAYER, "steps": 1, "init": "noise"}
    cells = jaxstyle.stylize_grid(*pictures, sweep={"seed": [0, 1]}, folder=tmp_path, **settings)
    assert {cell.result.image.dtype for cell in cells} == {np.dtype(np.float32)}
    again = jaxstyle.replay(tmp_path / "cells" / "seed=1.json")
    assert again.image.dtype == np.float32
