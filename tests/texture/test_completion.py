"""Completing a picture: what is known stays to the bit, what is made fits to it."""

import numpy as np
import pytest

import jaxstyle
from jaxstyle.metrics import METRICS
from jaxstyle.transfer.geometry import free_at, with_known
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources

ROWS, COLUMNS = np.indices((48, 48))
STRIPES = np.stack([0.5 + 0.3 * np.sin(2 * np.pi * COLUMNS / 8)] * 3, -1).astype(np.float32)
KEEP = np.ones((48, 48), np.float32)
KEEP[16:32, 16:32] = 0
SETTINGS = {"metric": "gram@relu1_1,relu2_1", "steps": 3, "scales": 2, "size": 48}


def test_a_hole_is_filled_and_the_rest_stays():
    spoiled = np.where(KEEP[..., None] > 0, STRIPES, np.float32([1, 0, 1]))
    result = jaxstyle.synthesize(spoiled, keep=KEEP, **SETTINGS)
    known = KEEP > 0
    np.testing.assert_array_equal(result.image[known], spoiled[known])
    made = result.image[~known]
    # Nothing is left of what was in the hole, and nothing said what it was.
    assert np.abs(made - [1, 0, 1]).mean() > 0.2
    assert np.ptp(made.mean(0)) < 0.1
    other = np.where(KEEP[..., None] > 0, STRIPES, np.float32(0))
    again = jaxstyle.synthesize(other, keep=KEEP, **SETTINGS)
    np.testing.assert_array_equal(again.image, result.image)
    assert result.history["total"][-1] < result.history["total"][-3]


def test_by_default_patches_continue_a_pattern():
    spoiled = np.where(KEEP[..., None] > 0, STRIPES, np.float32([1, 0, 1]))
    result = jaxstyle.synthesize(spoiled, keep=KEEP, size=48)
    np.testing.assert_array_equal(result.image, STRIPES)
    assert result.history["total"] == []


@pytest.mark.slow
def test_a_picture_is_continued_beyond_its_border():
    result = jaxstyle.synthesize(STRIPES, extend=8, **SETTINGS)
    assert result.image.shape == (64, 64, 3)
    np.testing.assert_array_equal(result.image[8:-8, 8:-8], STRIPES)
    assert result.image[:8].std() > 0.02


def test_known_pixels_stay_within_the_run_too():
    job = make_job(
        None,
        [STRIPES],
        jaxstyle.Settings(keep=KEEP, content_weight=0.0, init="noise", outside="style", size=48),
        Sources(),
    )
    assert job.keeps
    free = free_at(job, (48, 48))
    np.testing.assert_array_equal(free[..., 0], 1 - KEEP)
    noise = np.random.default_rng(0).random((48, 48, 3)).astype(np.float32)
    np.testing.assert_array_equal(with_known(job, noise)[free == 0], STRIPES[free == 0])
    np.testing.assert_array_equal(with_known(job, noise)[free == 1], noise[free == 1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keep": np.ones((48, 48))}, "keeps all of the picture"),
        ({"keep": np.zeros((48, 48))}, "is black"),
        ({"extend": 8, "parametrization": "laplacian"}, "expected parametrization pixels"),
        ({"extend": 8, "size": "64x32"}, "expected size as the longest side"),
        ({"extend": 8, "regions": KEEP}, "got both"),
    ],
)
def test_what_cannot_be_completed_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        jaxstyle.synthesize(STRIPES, **{**SETTINGS, **changes})


def test_two_pictures_or_a_content_are_refused():
    with pytest.raises(ValueError, match="expected one picture to complete, got 2"):
        jaxstyle.synthesize([STRIPES, STRIPES], keep=KEEP, **SETTINGS)
    with pytest.raises(ValueError, match="they complete a texture"):
        jaxstyle.stylize(STRIPES, STRIPES, keep=KEEP, **SETTINGS)
    assert METRICS["style"]["neural_neighbor"].guided
    with pytest.raises(ValueError, match="by which neural_neighbor chooses"):
        jaxstyle.synthesize(STRIPES, metric="neural_neighbor", size=64)
