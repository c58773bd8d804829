"""When a texture is made of patches alone, and when an optimizer takes steps."""

import numpy as np
import pytest

import jaxstyle
from jaxstyle.texture.settings import texture_settings

KEEP = np.ones((4, 4), np.float32)


@pytest.mark.parametrize(
    ("changes", "scales", "steps"),
    [
        ({}, 1, 0),
        ({"size": 96, "tile": "both", "init": "patches"}, 1, 0),
        ({"steps": 0}, 1, 0),
        ({"keep": KEEP}, 1, 0),
        ({"extend": 8}, 1, 0),
        ({"metric": "gram"}, None, 30),
        ({"init": "noise"}, None, 30),
        ({"init": KEEP}, None, 30),
        ({"style_layers": ()}, 1, 0),
        ({"optimizer": "adam"}, None, 30),
        ({"steps": 7}, None, 7),
        ({"keep": KEEP, "metric": "gram"}, 1, 30),
        ({"extend": 8, "steps": 7, "scales": 2}, 2, 7),
    ],
)
def test_steps_are_taken_where_something_asks_for_them(changes, scales, steps):
    chosen = texture_settings(None, changes)
    assert (chosen.scales, chosen.steps) == (scales, steps)


def test_a_recipe_and_given_settings_keep_their_own():
    by_recipe = texture_settings(None, {"recipe": "gatys_texture"})
    assert (by_recipe.init, by_recipe.scales) == ("imagenet_mean", 1)
    assert by_recipe.steps > 100
    given = jaxstyle.Settings(metric="gram", steps=9)
    assert texture_settings(given, {"size": 64}).steps == 9


def test_by_default_pixels_are_the_samples():
    sample = np.kron(np.random.default_rng(0).random((5, 5, 3)), np.ones((8, 8, 1)))
    result = jaxstyle.synthesize(sample.astype(np.float32), size=48, tile="both")
    assert result.image.shape == (48, 48, 3)
    assert result.history["total"] == []
    distances = np.abs(result.image.reshape(-1, 1, 3) - sample.reshape(-1, 3)[None, ::8])
    assert np.median(distances.max(2).min(1)) < 0.03


def test_it_can_begin_with_an_array():
    start = np.random.default_rng(1).random((40, 40, 3)).astype(np.float32)
    result = jaxstyle.synthesize(start[::-1], init=start, steps=0, size=40)
    np.testing.assert_allclose(result.image, start, atol=1e-6)
