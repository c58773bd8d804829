"""The matting Laplacian against Levin et al.'s matrix, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from jaxstyle.metrics import find

RANDOM = np.random.default_rng(8)
METRIC = find("matting", "content")
SMOOTH = scipy.ndimage.gaussian_filter(RANDOM.random((14, 12, 3)), (2, 2, 0))
CONTENTS = {
    "noise": RANDOM.random((9, 12, 3)),
    "smooth": SMOOTH,
    "gray": np.repeat(SMOOTH[..., :1], 3, axis=2),
    "black and white": np.repeat(SMOOTH[..., :1] > 0.5, 3, axis=2).astype(float),
    "flat": np.full((7, 8, 3), 0.3),
}


def matrix(content, ridge=1e-7):
    """Compute L, of all pairs of pixels, window by window."""
    height, width, _ = content.shape
    colors = content.reshape(-1, 3)
    places = np.arange(len(colors)).reshape(height, width)
    result = np.zeros((len(colors), len(colors)))
    for row in range(height - 2):
        for column in range(width - 2):
            window = places[row : row + 3, column : column + 3].ravel()
            covariance = np.cov(colors[window].T, bias=True) + ridge / 9 * np.eye(3)
            centered = colors[window] - colors[window].mean(0)
            affinity = 1 + centered @ np.linalg.inv(covariance) @ centered.T
            result[np.ix_(window, window)] += np.eye(9) - affinity / 9
    return result


def compared(picture, content):
    return METRIC.distance(picture, METRIC.summarize(content))


@pytest.mark.parametrize("name", CONTENTS)
def test_is_levins_quadratic_form(name):
    content = np.float32(CONTENTS[name]).astype(float)
    picture = RANDOM.random(content.shape)
    pulls = matrix(content) @ picture.reshape(-1, 3)
    count = 27 * (content.shape[0] - 2) * (content.shape[1] - 2)
    value, gradient = jax.jit(jax.value_and_grad(compared))(
        jnp.float32(picture), jnp.float32(content)
    )
    np.testing.assert_allclose(value, np.vdot(picture.reshape(-1, 3), pulls) / count, rtol=1e-5)
    expected = 2 * pulls.reshape(content.shape) / count
    np.testing.assert_allclose(gradient, expected, atol=1e-5 * np.abs(expected).max())


def test_lets_colors_change_by_an_affine_function():
    content = jnp.float32(CONTENTS["noise"])
    changed = content @ jnp.float32(RANDOM.random((3, 3))) + 0.2
    assert compared(changed, content) < 1e-6 * compared(changed[::-1], content)


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 9, 3), (5, 2, 3)])
def test_a_picture_without_a_window_has_no_difference(shape):
    content, picture = (jnp.float32(RANDOM.random(shape)) for _ in range(2))
    value, gradient = jax.value_and_grad(compared)(picture, content)
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)
