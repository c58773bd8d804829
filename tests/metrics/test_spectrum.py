"""The projection onto pictures with a sample's spectrum, against NumPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxstyle.metrics import find

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


BOTH = (True, True)


def nearest_in_numpy(x, y):
    waves, reference = (np.fft.fft2(picture, axes=(0, 1)) for picture in (x, y))
    products = np.sum(waves * reference.conj(), axis=2, keepdims=True)
    return np.fft.ifft2(products / np.abs(products) * reference, axes=(0, 1)).real


@pytest.mark.parametrize(
    ("wrap", "tops", "lefts"),
    [((False, False), (0, 4, 8), (0, 4, 7)), (BOTH, (0, 4, 8, 12), (0, 3, 7, 11))],
)
def test_a_larger_picture_is_compared_in_windows_of_the_samples_size(wrap, tops, lefts):
    x, y = RANDOM.random((16, 15, 3)), RANDOM.random((8, 8, 3))
    sums, counts = np.zeros_like(x), np.zeros((16, 15, 1))
    squares = []
    for top in tops:
        for left in lefts:
            places = np.ix_((top + np.arange(8)) % 16, (left + np.arange(8)) % 15)
            nearest = nearest_in_numpy(x[places], y)
            sums[places] += nearest
            counts[places] += 1
            squares.append((places, (x[places] - nearest) ** 2))
    value, gradient = jax.value_and_grad(METRIC.distance)(jnp.float32(x), jnp.float32(y), wrap=wrap)
    expected = sum(np.sum(square / counts[places]) for places, square in squares) / x.size
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient, 2 * (x - sums / counts) / x.size, atol=1e-7)


@pytest.mark.parametrize("wrap", [(False, False), BOTH])
def test_copies_of_a_sample_have_its_spectrum(wrap):
    sample = jnp.float32(RANDOM.random((6, 10, 3)))
    copies = jnp.roll(jnp.tile(sample, (4, 2, 1)), (2, 3), (0, 1))
    assert METRIC.distance(copies, sample, wrap=wrap) < 1e-12
    assert METRIC.distance(copies[:21, :13], sample) < 1e-12


@pytest.mark.parametrize(("shape", "wrap"), [((40, 56), (False, False)), ((36, 48), BOTH)])
def test_power_is_the_samples_everywhere_and_white_noise_stays_white(shape, wrap):
    sample = jnp.float32(0.2 * RANDOM.standard_normal((16, 24, 3)) + (0.4, 0.5, 0.6))
    picture = jnp.float32(0.05 * RANDOM.standard_normal((*shape, 3)) + 0.5)
    gradient = jax.jit(lambda x: jax.grad(METRIC.distance)(x, sample, wrap=wrap))
    for _ in range(20):  # half of the picture's size times the gradient leads to the nearest
        picture = picture - picture.size / 2 * gradient(picture)
    np.testing.assert_allclose(picture.mean((0, 1)), sample.mean((0, 1)), atol=0.02)
    np.testing.assert_allclose(picture.std((0, 1)), sample.std((0, 1)), rtol=0.05)
    for part in (picture[:18, :24], picture[-18:, :24], picture[:18, -24:], picture[-18:, -24:]):
        np.testing.assert_allclose(part.std(), np.std(sample), rtol=0.15)
    plane = np.asarray(picture - picture.mean((0, 1)))
    for axis in (0, 1):
        neighbors = np.mean(plane * np.roll(plane, 1, axis)) / np.mean(plane**2)
        theirs = np.asarray(sample - sample.mean((0, 1)))
        expected = np.mean(theirs * np.roll(theirs, 1, axis)) / np.mean(theirs**2)
        assert abs(neighbors - expected) < 0.1


def test_of_a_larger_sample_the_middle_is_taken():
    picture, sample = RANDOM.random((2, 9, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(
        compared(picture[:5, :12], sample), compared(picture[:5, :12], sample[2:7, 2:14]), rtol=1e-6
    )
