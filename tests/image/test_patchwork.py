"""Patchworks, and which patches are nearest."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from jaxstyle.image.nearest_patches import PATCH, nearest_patches
from jaxstyle.image.patch_levels import Sample, Unknown, level_of
from jaxstyle.image.patchwork import patchwork
from jaxstyle.image.seams import LARGEST, without_seams

RANDOM = np.random.default_rng(3)
ROWS, COLUMNS = np.indices((30, 30))
CHECKS = np.stack([(ROWS // 3 + COLUMNS // 5) % 2, ROWS // 3 % 2, COLUMNS // 5 % 2], -1)
CHECKS = (0.2 + 0.6 * CHECKS).astype(np.float32)  # repeats each 6 rows and 10 columns


def test_a_hole_in_a_regular_pattern_is_filled():
    free = np.zeros((30, 30), np.float32)
    free[10:19, 9:20] = 1
    spoiled = np.where(free[..., None] > 0, RANDOM.random((30, 30, 3)), CHECKS).astype(np.float32)
    samples, unknown = [Sample(spoiled, 1 - free)], Unknown(spoiled, free)
    made = patchwork(samples, (30, 30), np.random.default_rng(0), unknown=unknown)
    np.testing.assert_array_equal(made[free == 0], CHECKS[free == 0])
    np.testing.assert_allclose(made, CHECKS, atol=1e-5)


@pytest.mark.parametrize("middle", [(60, 70), (71, 44), (67, 83)])
def test_a_hole_in_a_large_picture_is_in_line_with_the_pattern(middle):
    rows, columns = np.indices((120, 150))
    stripes = np.stack([(rows // 5 + columns // 8) % 2, rows // 5 % 3 / 2, columns % 8 / 8], -1)
    free = (np.maximum(abs(rows - middle[0]), abs(columns - middle[1])) < 15).astype(np.float32)
    spoiled = np.where(free[..., None] > 0, 0.5, stripes).astype(np.float32)
    samples, unknown = [Sample(spoiled, 1 - free)], Unknown(spoiled, free)
    made = patchwork(samples, (120, 150), np.random.default_rng(0), unknown=unknown)
    np.testing.assert_array_equal(made, stripes.astype(np.float32))


def test_a_hole_in_a_slope_has_no_seam():
    rows, columns = np.indices((64, 80))
    grain = np.random.default_rng(5).normal(0, 0.01, (64, 80, 1))
    slope = np.clip((rows + 2 * columns)[..., None] / 250 + 0.05 + grain, 0, 1).repeat(3, 2)
    free = ((rows - 30) ** 2 + (columns - 40) ** 2 < 144).astype(np.float32)
    spoiled = np.where(free[..., None] > 0, 0.5, slope).astype(np.float32)
    samples, unknown = [Sample(spoiled, 1 - free)], Unknown(spoiled, free)
    made = patchwork(samples, (64, 80), np.random.default_rng(0), unknown=unknown)
    np.testing.assert_array_equal(made[free == 0], spoiled[free == 0])
    # Nowhere else is this color in this picture, and its grain is as strong as around it.
    inside = free > 0
    error = (made - ((rows + 2 * columns)[..., None] / 250 + 0.05))[inside]
    assert np.abs(error).max() < 0.06
    assert error.std() < 0.02
    steps = [np.diff(one[..., 0], axis=1)[inside[:, 1:] & inside[:, :-1]] for one in (made, slope)]
    assert steps[0].std() == pytest.approx(steps[1].std(), rel=0.25)


def test_pieces_of_a_slope_fit_to_each_other():
    sample = np.broadcast_to(np.linspace(0.1, 0.9, 100)[:, None], (20, 100, 3)).astype(np.float32)
    level = level_of([Sample(sample)])
    # The right half comes from ten columns farther: a jump of 0.08.
    columns = np.r_[:20, 30:50]
    sources = np.arange(20)[:, None] * 100 + columns
    for wrap in ((False, False), (True, False)):
        made = without_seams(
            sample[:, columns], sources, level, np.ones((20, 40), np.float32), wrap
        )
        np.testing.assert_allclose(np.diff(made, axis=1), 0.8 / 99, atol=1e-6)
        np.testing.assert_allclose(made.mean(), sample[:, columns].mean(), atol=1e-6)
    # Around an edge that is wrapped the slope cannot go on: the jump there is one, and stays.
    around = without_seams(
        sample[:, columns], sources, level, np.ones((20, 40), np.float32), (False, True)
    )
    assert around[0, 0, 0] - around[0, -1, 0] < -0.3


@pytest.mark.parametrize("wrap", [(False, False), (True, True)])
def test_a_picture_has_pixels_and_neighborhoods_of_the_sample(wrap):
    sample = (0.5 + 0.5 * CHECKS * RANDOM.random((30, 30, 1))).astype(np.float32)
    made = patchwork([Sample(sample)], (36, 40), np.random.default_rng(0), wrap=wrap)
    again = patchwork([Sample(sample)], (36, 40), np.random.default_rng(0), wrap=wrap)
    np.testing.assert_array_equal(again, made)
    other = patchwork([Sample(sample)], (36, 40), np.random.default_rng(1), wrap=wrap)
    assert np.abs(other - made).mean() > 0.01
    # Small jumps between pieces are evened out, and nothing else is changed.
    distances, _ = cKDTree(sample.reshape(-1, 3)).query(made.reshape(-1, 3))
    assert distances.max() < LARGEST
    assert np.median(distances) < 0.01
    # Shuffled pixels would have neighborhoods that the sample has not.
    shuffled = RANDOM.permutation(made.reshape(-1, 3)).reshape(made.shape)
    assert brute(made, sample).mean() < 0.4 * brute(shuffled, sample).mean()
    if wrap[0]:
        over = np.roll(made, (18, 20), (0, 1))[12:25, 13:28]
        assert brute(over, sample).mean() < 0.4 * brute(shuffled, sample).mean()


@pytest.mark.parametrize("side", [40, 80])  # the larger is moved at its full size
def test_rare_speckles_stay_as_frequent(side):
    sample = (
        (np.random.default_rng(3).random((side, side, 1)) < 0.1).repeat(3, 2).astype(np.float32)
    )
    made = patchwork([Sample(sample)], (side, side + 20), np.random.default_rng(0))
    # The pixel that is nearest to the mean of what patches say would seldom be one.
    assert made.mean() == pytest.approx(sample.mean(), rel=0.15)


def test_nothing_is_made_of_a_sample_without_a_whole_patch():
    known = (COLUMNS % 4 == 0).astype(np.float32)
    assert patchwork([Sample(CHECKS, known)], (30, 30), RANDOM) is None


def brute(picture, sample):
    windows = [
        np.lib.stride_tricks.sliding_window_view(one, (PATCH, PATCH), (0, 1)).astype(float)
        for one in (picture, sample)
    ]
    queries, patches = (one.reshape(-1, 3 * PATCH**2) for one in windows)
    return np.array([np.min(np.mean((patches - query) ** 2, 1)) for query in queries])


def cost(picture, sample, field):
    theirs = np.lib.stride_tricks.sliding_window_view(sample, (PATCH, PATCH), (0, 1))
    mine = np.lib.stride_tricks.sliding_window_view(picture, (PATCH, PATCH), (0, 1))
    matches = theirs[field[..., 0], field[..., 1]]
    return np.mean((mine - matches) ** 2, (2, 3, 4)).ravel()


def test_nearest_patches_of_small_pictures_are_the_nearest():
    picture, sample = RANDOM.random((2, 14, 16, 3)).astype(np.float32)
    field = nearest_patches(picture, sample)
    np.testing.assert_allclose(cost(picture, sample, field), brute(picture, sample), rtol=1e-4)


def test_of_larger_ones_pieces_are_recognized():
    waves = np.cumsum(np.cumsum(RANDOM.standard_normal((80, 96, 3)), 0), 1)
    sample = ((waves - waves.min()) / np.ptp(waves)).astype(np.float32)
    sample = 0.5 * sample + 0.5 * RANDOM.random(sample.shape).astype(np.float32)
    # The left and the right of another place each.
    picture = np.concatenate([sample[12:60, 50:80], sample[28:76, 4:34]], 1)
    field = nearest_patches(picture, sample)
    expected = np.indices(field.shape[:2]).transpose(1, 2, 0)
    left = (field == expected + np.array([12, 50])).all(-1)[:, : 30 - PATCH]
    right = (field == expected + np.array([28, -26])).all(-1)[:, 30:]
    assert left.mean() > 0.9
    assert right.mean() > 0.9
