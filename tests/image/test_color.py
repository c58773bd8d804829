"""Color transfer: against its formulas, against scikit-image, and with flat pictures."""

import numpy as np
import pytest

from jaxstyle.image import color

RANDOM = np.random.default_rng(8)
CONTENT = RANDOM.random((24, 32, 3)).astype(np.float32)
STYLE = (RANDOM.random((28, 36, 3)) ** 2).astype(np.float32)


def test_chroma_is_the_contents_and_luma_the_pictures():
    picture = 0.3 + 0.4 * RANDOM.random(CONTENT.shape)
    muted = 0.4 + 0.2 * CONTENT
    combined = color.with_chroma(picture, muted)
    np.testing.assert_allclose(combined @ color.LUMINANCE, picture @ color.LUMINANCE, atol=1e-5)
    difference = (combined - color.luma(combined)) - (muted - color.luma(muted))
    np.testing.assert_allclose(difference, 0, atol=1e-5)


def test_histograms_are_matched_as_by_scikit_image():
    from skimage.exposure import match_histograms

    expected = match_histograms(STYLE, CONTENT, channel_axis=2)
    np.testing.assert_allclose(color.histogram_matched(STYLE, CONTENT), expected, atol=0.01)


def test_mean_and_covariance_are_matched():
    style = 0.4 + 0.2 * STYLE
    content = 0.4 + 0.1 * CONTENT @ np.array([[1, 0.5, 0], [0, 1, 0], [0.3, 0, 1]])
    expected = content.reshape(-1, 3)
    matched = color.covariance_matched(style, content).reshape(-1, 3)
    np.testing.assert_allclose(matched.mean(0), expected.mean(0), atol=1e-3)
    np.testing.assert_allclose(np.cov(matched.T), np.cov(expected.T), rtol=0.02, atol=1e-5)


@pytest.mark.parametrize("how", ["luminance", "histogram", "covariance", "chroma"])
def test_flat_pictures_are_finite_and_in_range(how):
    flat = np.full((16, 16, 3), 0.5, np.float32)
    for content, style in ((flat, CONTENT), (CONTENT, flat), (flat, flat)):
        for picture in color.transfer_colors(how, content, style):
            assert np.isfinite(picture).all()
            assert picture.min() >= 0
            assert picture.max() <= 1
        assert np.isfinite(color.restore_colors(how, content, content)).all()
