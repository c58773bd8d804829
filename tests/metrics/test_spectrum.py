"""The projection onto pictures with a sample's spectrum, against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxstyle.metrics import find
from jaxstyle.metrics.spectrum import fitted

RANDOM = np.random.default_rng(9)
METRIC = find("spectrum_projection")


def compared(picture, sample):
    return METRIC.distance(picture, METRIC.summarize(sample))


@pytest.mark.parametrize("shape", [(8, 12), (7, 9), (1, 5)])
def test_is_the_distance_to_the_nearest_picture(shape):
    x, y = RANDOM.random((2, *shape, 3))
    waves, reference = (np.fft.fft2(picture, axes=(0, 1)) for picture in (x, y))
    products = np.sum(waves * reference.conj(), axis=2, keepdims=True)
    nearest = np.fft.ifft2(products / np.abs(products) * reference, axes=(0, 1))
    assert np.abs(nearest.imag).max() < 1e-12
    value, gradient = jax.value_and_grad(compared)(jnp.float32(x), jnp.float32(y))
    difference = x - nearest.real
    np.testing.assert_allclose(value, np.mean(difference**2), rtol=1e-5)
    np.testing.assert_allclose(gradient, 2 * difference / x.size, atol=1e-6)
    # No picture of other phases is nearer: Σ |products| is the most that a picture can agree.
    powers = np.abs(waves) ** 2 + np.abs(reference) ** 2
    least = (np.sum(powers) - 2 * np.sum(np.abs(products))) / x.size / (shape[0] * shape[1])
    np.testing.assert_allclose(value, least, rtol=1e-5)


def test_sees_no_shift():
    y = jnp.float32(RANDOM.random((10, 12, 3)))
    assert compared(jnp.roll(y, (3, 5), (0, 1)), y) < 1e-10
    assert compared(y[..., ::-1], y) > 1e-3


def test_a_sample_of_another_size_keeps_mean_and_variance():
    sample = RANDOM.random((9, 16, 3))
    for shape in ((9, 16), (20, 30), (20, 10), (5, 16)):
        made = np.asarray(fitted(jnp.float32(sample), shape), float)
        assert made.shape == (*shape, 3)
        top, left = (max(0, (old - new) // 2) for old, new in zip((9, 16), shape, strict=True))
        part = sample[top : top + shape[0], left : left + shape[1]]
        np.testing.assert_allclose(made.mean((0, 1)), part.mean((0, 1)), atol=1e-6)
        np.testing.assert_allclose(made.std((0, 1)), part.std((0, 1)), atol=1e-6)
    np.testing.assert_array_equal(fitted(sample, (9, 16)), sample)
