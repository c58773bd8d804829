"""Products across layers and at places apart, against sums over positions."""

import numpy as np
import pytest

from jaxstyle.metrics import find
from jaxstyle.metrics.correlations import SHIFTS, translated_gram_matrices

RANDOM = np.random.default_rng(5)


def layers(height, width):
    """Return features of three layers, each of half the size, the shallow ones of few channels."""
    shapes = ((height, width, 3), (height // 2, width // 2, 4), (height // 4, width // 4, 5))
    return tuple(RANDOM.random(shape).astype(np.float32) for shape in shapes)


def products(x, z):
    """Compute the mean product of channels at the same positions."""
    return np.einsum("hwc,hwd->cd", x, z) / (x.shape[0] * x.shape[1])


def nearest(z):
    return z.repeat(2, 0).repeat(2, 1)


def bilinear(z):
    """Interpolate to twice the size: a quarter of the neighbor's, three of the nearest."""
    for axis in (0, 1):
        edged = np.pad(z, [(1, 1) if k == axis else (0, 0) for k in range(3)], mode="edge")
        before, middle, after = (
            np.take(edged, np.arange(z.shape[axis]) + k, axis) for k in range(3)
        )
        pair = np.stack([(before + 3 * middle) / 4, (3 * middle + after) / 4], axis + 1)
        z = pair.reshape([2 * n if k == axis else n for k, n in enumerate(z.shape)])
    return z


def differences(x, y, resize, shift=0.0):
    for k in (0, 1):
        a, b = (products(of[k] + shift, resize(of[k + 1]) + shift) for of in (x, y))
        yield np.mean((a - b) ** 2)


def test_inter_layer_gram():
    x, y = layers(16, 12), layers(8, 20)
    metric = find("inter_layer_gram")
    value = metric.distance(x, metric.summarize(y))
    np.testing.assert_allclose(value, np.mean([*differences(x, y, bilinear)]), rtol=1e-4)


@pytest.mark.parametrize(("ratio", "shares"), [(2.0, (2 / 3, 1 / 3)), (0.25, (0.2, 0.8))])
def test_correlation_chain(ratio, shares):
    x, y = layers(16, 12), layers(8, 20)
    metric = find("correlation_chain")
    value = metric.distance(x, metric.summarize(y), ratio=ratio)
    expected = np.dot(shares, [*differences(x, y, nearest, -1.0)])
    np.testing.assert_allclose(value, expected, rtol=1e-4)


def translated(x, shift):
    yield products(x[:-shift], x[shift:])
    yield products(x[:, :-shift], x[:, shift:])


def apart(x, y, shifts):
    squares = [
        np.mean((a - b) ** 2)
        for shift in shifts
        for a, b in zip(translated(x, shift), translated(y, shift), strict=True)
    ]
    return np.mean(squares)


def test_translated_gram():
    x, y = (RANDOM.random(shape).astype(np.float32) for shape in ((140, 150, 3), (64, 200, 3)))
    metric = find("translated_gram")
    # The smaller of the two says which shifts fit.
    for one, other in ((x, y), (y, x)):
        value = metric.distance(one, metric.summarize(other))
        np.testing.assert_allclose(value, apart(x, y, (4, 8)), rtol=1e-3)
    value = metric.distance(x, metric.summarize(x[::-1]))
    np.testing.assert_allclose(value, apart(x, x[::-1], (4, 8, 16)), rtol=1e-3)


def test_targets_of_translated_gram_are_averaged_over_those_that_a_shift_fits():
    metric = find("translated_gram")
    x, large, small = (RANDOM.random((side, side, 2)).astype(np.float32) for side in (64, 64, 32))
    pairs = zip(metric.summarize(large), metric.summarize(small), strict=True)
    target = tuple((3 * one + other) / 4 for one, other in pairs)
    four = [
        np.mean((a - (3 * b + c) / 4) ** 2)
        for a, b, c in zip(*(translated(one, 4) for one in (x, large, small)), strict=True)
    ]
    expected = (np.mean(four) + apart(x, large, (8,))) / 2
    np.testing.assert_allclose(metric.distance(x, target), expected, rtol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1, 2), (4, 9, 2)])
def test_where_no_shift_fits_translated_gram_is_zero(shape):
    metric = find("translated_gram")
    x, y = np.ones(shape, np.float32), RANDOM.random((9, 9, 2)).astype(np.float32)
    assert metric.distance(x, metric.summarize(y)) == 0
    assert metric.distance(y, metric.summarize(x)) == 0


def test_shifts_are_powers_of_two_up_to_an_eighth_of_the_shorter_side():
    _, fits = translated_gram_matrices(np.ones((256, 520, 1), np.float32))
    assert [shift for shift, fit in zip(SHIFTS, fits, strict=True) if fit] == [4, 8, 16, 32]
