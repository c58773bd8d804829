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


@pytest.mark.parametrize("how", ["luminance", "histogram", "covariance", "chroma", "oklab"])
def test_flat_pictures_are_finite_and_in_range(how):
    flat = np.full((16, 16, 3), 0.5, np.float32)
    for content, style in ((flat, CONTENT), (CONTENT, flat), (flat, flat)):
        for picture in color.transfer_colors(how, content, style):
            assert np.isfinite(picture).all()
            assert picture.min() >= 0
            assert picture.max() <= 1
        for picture in (content, style):
            shown = color.restore_colors(how, picture, content, style)
            assert np.isfinite(shown).all()
            assert shown.min() >= 0
            assert shown.max() <= 1


def test_oklab_of_known_colors():
    # Ottosson's matrices, of values taken as linear: white has lightness 1 and no chroma.
    np.testing.assert_allclose(color.to_oklab(np.ones((1, 1, 3)))[0, 0], [1, 0, 0], atol=1e-3)
    red = color.to_oklab(np.array([[[1.0, 0, 0]]]))[0, 0]
    np.testing.assert_allclose(red, [0.6280, 0.2249, 0.1258], atol=1e-3)
    np.testing.assert_allclose(color.from_oklab(color.to_oklab(CONTENT)), CONTENT, atol=1e-5)


def test_oklab_keeps_lightness_and_has_the_styles_chroma():
    image, content = 0.4 + 0.2 * CONTENT, 0.3 + 0.4 * CONTENT[::-1]
    wide = RANDOM.random((64, 64, 3)).astype(np.float32)
    shown = color.oklab_matched(image, content, wide)
    lab, before = color.to_oklab(shown), color.to_oklab(image)
    np.testing.assert_allclose(lab[..., 0], before[..., 0], atol=0.02)
    np.testing.assert_allclose(
        lab[..., 1:].mean((0, 1)), color.to_oklab(wide)[..., 1:].mean((0, 1)), atol=0.02
    )
    # Of a gray style: the picture's own colors, moved.
    gray = color.luma(wide)
    assert np.ptp(color.oklab_matched(image, content, gray), axis=2).max() < 0.02


def test_edges_bound_the_smoothing_of_chroma():
    lab = np.zeros((6, 8, 3))
    lab[:, 4:] = [9, 1, -1]  # an edge that nothing passes
    np.testing.assert_allclose(color._within_edges(lab), lab[..., 1:], atol=1e-6)
