"""Rotations of a picture, bilinear resampling and details."""

import numpy as np
import pytest

from jaxstyle.image.geometry import bilinear, details, rotate


@pytest.mark.parametrize("quarters", range(4))
def test_quarter_turns_are_exact(quarters):
    picture = np.random.default_rng(8).random((24, 32, 3)).astype(np.float32)
    np.testing.assert_array_equal(rotate(picture, 90 * quarters), np.rot90(picture, quarters))


@pytest.mark.parametrize("degrees", [10, 45, 80, 100, 135, -30, 359])
@pytest.mark.parametrize("shape", [(60, 90), (90, 60), (30, 120), (64, 64)])
def test_other_rotations_have_no_empty_corners(degrees, shape):
    rotated = rotate(np.full((*shape, 3), 0.7, np.float32), degrees)
    assert min(rotated.shape[:2]) >= 10
    np.testing.assert_allclose(rotated, 0.7, atol=0.02)


@pytest.mark.parametrize(("old", "new"), [(7, 3), (8, 16), (5, 5), (1, 4), (9, 1)])
def test_bilinear_resampling(old, new):
    line = np.random.default_rng(0).random(old).astype(np.float32)
    at_ends = np.interp(np.linspace(0, old - 1, new), np.arange(old), line)
    np.testing.assert_allclose(bilinear(old, new, corners=True) @ line, at_ends, atol=1e-6)
    places = (np.arange(new) + 0.5) * old / new - 0.5
    expected = np.interp(places, np.arange(old), line)  # the edge is repeated beyond the centers
    np.testing.assert_allclose(bilinear(old, new) @ line, expected, atol=1e-6)


def test_details_are_what_a_half_sized_copy_lacks():
    flat = np.full((9, 12, 3), 0.3, np.float32)
    np.testing.assert_allclose(details(flat), 0, atol=1e-6)
    picture = np.random.default_rng(0).random((9, 12, 3)).astype(np.float32)
    half = np.einsum("ij,jkc,lk->ilc", bilinear(9, 4), picture, bilinear(12, 6))
    again = np.einsum("ij,jkc,lk->ilc", bilinear(4, 9), half, bilinear(6, 12))
    np.testing.assert_allclose(details(picture), picture - again, atol=1e-6)
