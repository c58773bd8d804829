"""Rotations of a picture, bilinear resampling, details, and the shapes of thin pictures."""

import numpy as np
import pytest

from jaxstyle.image.geometry import bilinear, bucket_of, details, fit_within, rotate


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


def sixteenths(height, width):
    """Return the bucket of a picture that is not thin, which runs of any age rely on."""
    longest = max(height, width)
    unit = max(1, round(longest / 16))
    return tuple(min(longest, -(-side // unit) * unit) for side in (height, width))


LONGEST = (*range(1, 200), 256, 333, 512, 1000, 1024, 17_000)


@pytest.mark.parametrize("longest", LONGEST[::7])
def test_a_bucket_adds_little_and_is_as_ever_for_pictures_up_to_4_to_1(longest):
    for side in range(1, longest + 1):
        rows, columns = bucket_of(side, longest)
        assert bucket_of(longest, side) == (columns, rows)
        assert columns == longest
        if 4 * side >= longest:
            assert (rows, columns) == sixteenths(side, longest)
        else:
            assert side <= rows <= max(1.25 * side, 16)
            # The deepest layers still get what a whole unit gave them.
            assert rows >= min(16, sixteenths(side, longest)[0])


def test_thin_pictures_share_their_buckets():
    assert bucket_of(64, 17_000) == (64, 17_000)
    assert len({bucket_of(side, 17_000) for side in range(1, 17_001)}) < 70


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((64, 17_000), (16, 4250)), ((10, 1000), (10, 1000)), ((300, 400), (192, 256)),
     ((17_000, 64), (4250, 16)), ((16, 16), (16, 16))],
)  # fmt: skip
def test_a_short_side_keeps_its_least(shape, expected):
    assert fit_within(*shape, 256, least=16) == expected
