"""Transport of colors: statistics of the result against NumPy's, and how smooth the map is."""

import numpy as np
import pytest

from jaxstyle.image.oklab import from_oklab, to_oklab
from jaxstyle.image.transport import matched, palette_of

RANDOM = np.random.default_rng(3)


def picture(shape, low, high, bend):
    """A smooth gradient with a little texture, its colors between two."""
    rows, columns = np.meshgrid(*(np.linspace(0, 1, side) for side in shape), indexing="ij")
    weights = np.stack([rows, columns, (rows * columns) ** bend], -1)
    noisy = np.clip(weights + RANDOM.normal(0, 0.03, weights.shape), 0, 1)
    return (np.array(low) + noisy * (np.array(high) - np.array(low))).astype(np.float32)


PHOTO = picture((60, 80), (0.1, 0.2, 0.1), (0.8, 0.7, 0.5), 1)
PAINTING = picture((50, 40), (0.7, 0.3, 0.2), (0.2, 0.4, 0.8), 2)


def statistics(image):
    colors = image.reshape(-1, 3).astype(np.float64)
    return colors.mean(0), np.cov(colors.T)


def test_mean_and_covariance_become_the_palettes():
    result = matched(PHOTO, PAINTING)
    (mean, spread), (wanted, wanted_spread) = map(statistics, (result, PAINTING))
    _, before = statistics(PHOTO)
    np.testing.assert_allclose(mean, wanted, atol=0.01)
    error = np.linalg.norm(spread - wanted_spread)
    assert error < 0.12 * np.linalg.norm(wanted_spread)
    assert error < 0.1 * np.linalg.norm(before - wanted_spread)


def test_each_channels_quantiles_become_the_palettes():
    places = np.linspace(0.05, 0.95, 19)
    result, wanted, before = (
        np.quantile(image.reshape(-1, 3), places, axis=0)
        for image in (matched(PHOTO, PAINTING), PAINTING, PHOTO)
    )
    assert abs(result - wanted).mean() < 0.02
    assert abs(before - wanted).mean() > 0.07


def test_its_own_palette_changes_hardly_anything():
    assert abs(matched(PHOTO, PHOTO) - PHOTO).max() < 0.03


def test_the_map_is_smooth():
    """A ramp of 8-bit levels keeps its steps: neither bands nor jumps."""
    ramp = np.repeat(np.linspace(0, 1, 256, dtype=np.float32)[None, :, None], 3, axis=2)
    whole = np.concatenate([np.broadcast_to(ramp, (40, 256, 3)), PHOTO[:40].repeat(4, 1)], axis=1)
    steps = np.diff(matched(whole, PAINTING)[0, :256], axis=0)
    assert abs(steps).max() < 8 / 255
    assert abs(np.diff(steps, axis=0)).max() < 1 / 255


def test_a_gray_picture_gets_little_grain():
    """Its noise is no color that is to be spread over the palette."""
    rows, columns = np.meshgrid(np.linspace(0, 1, 60), np.linspace(0, 1, 80), indexing="ij")
    gray = np.repeat((0.2 + 0.5 * rows * columns)[..., None], 3, axis=2).astype(np.float32)
    noise = RANDOM.normal(0, 1 / 255, gray.shape).astype(np.float32)
    before, after = (
        np.diff(image, axis=1) for image in (gray + noise, matched(gray + noise, PAINTING))
    )
    assert after.std() < 8 * before.std()
    assert matched(gray, PAINTING).std((0, 1)).max() > 0.5 * PAINTING.std((0, 1)).max()


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_flat_pictures_are_finite_and_get_a_color_of_the_palette(level):
    flat = np.full((8, 8, 3), level, np.float32)
    result = matched(flat, PAINTING)
    assert np.ptp(result.reshape(-1, 3), axis=0).max() < 1e-6
    low, high = PAINTING.min((0, 1)), PAINTING.max((0, 1))
    assert ((low <= result[0, 0]) & (result[0, 0] <= high)).all()
    np.testing.assert_allclose(matched(PHOTO, flat).mean((0, 1)), level, atol=0.02)


def test_several_palettes_count_by_their_shares():
    red, blue = (np.zeros((30, 20, 3), np.float32) for _ in range(2))
    red[..., 0], blue[..., 2] = 1, 1
    mean = palette_of([red, blue], (3.0, 1.0)).mean((0, 1))
    np.testing.assert_allclose(mean, (0.75, 0, 0.25), atol=0.01)
    assert palette_of([red], (2.0,)) is red


def test_oklab_there_and_back():
    np.testing.assert_allclose(from_oklab(to_oklab(PHOTO)), PHOTO, atol=1e-6)
