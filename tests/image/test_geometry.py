"""Rotations of a picture."""

import numpy as np
import pytest

from jaxstyle.image.geometry import rotate


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
