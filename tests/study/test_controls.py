"""Controls: what a method does to pictures that it should leave as they are."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from jaxstyle.settings import Settings
from jaxstyle.study import controls as module
from jaxstyle.study.controls import CONTROLS, controls
from jaxstyle.study.datasets import pictures, square


@pytest.fixture(scope="module")
def paintings():
    return [square(n, 64).picture for n in pictures(["sample:swirls", "sample:mosaic"])]


def test_what_each_is_made_of(paintings):
    content, style = CONTROLS["identity"](paintings[0])
    assert content is style is paintings[0]
    content, style = CONTROLS["crop"](paintings[0])
    np.testing.assert_array_equal(np.concatenate([style, content], 1), paintings[0])


def test_changes_are_distances_from_the_content(paintings, monkeypatch):
    """Held against scikit-image's SSIM; nothing has changed before the first step."""
    monkeypatch.setattr(module, "DISTANCES", ("ssim",))
    common = {"size": 64, "scales": 1, "optimizer": "adam", "learning_rate": 0.05}
    common |= {"metric": "moments@image", "content_weight": 0.0, "content_metric": "mse@image"}
    still = controls(paintings, Settings(**common, steps=0))
    assert [len(still[name]) for name in CONTROLS] == [2, 2]
    for made in still.values():
        for control in made:
            assert control.changed["ssim"] == pytest.approx(0, abs=1e-4)
    moved = controls(paintings, Settings(**common, steps=3, smoothness=1.0))
    for name, of_painting in CONTROLS.items():
        for painting, control in zip(paintings, moved[name], strict=True):
            content, _ = of_painting(painting)
            assert control.picture.shape == content.shape
            expected = 1 - structural_similarity(
                content,
                control.picture,
                channel_axis=2,
                data_range=1,
                gaussian_weights=True,
                use_sample_covariance=False,
            )
            assert expected > 0.001
            assert control.changed["ssim"] == pytest.approx(expected, rel=0.1)
