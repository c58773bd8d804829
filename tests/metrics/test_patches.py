"""Every second patch, against its definition in loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxstyle.metrics import find
from jaxstyle.metrics.patches import every_second, every_second_inside

RANDOM = np.random.default_rng(5)
METRIC = find("patch_stride_2")


def corners(shape, inside=None):
    """Return where patches begin: every second row and column, and the last."""
    rows, columns = ((0, shape[0]), (0, shape[1]))
    if inside is not None:
        # Of the rectangle around the mask.
        rows, columns = ((k.min(), k.max() + 1) for k in np.nonzero(inside))
    down, across = (sorted({*range(a, b - 2, 2), b - 3}) for a, b in (rows, columns))
    places = [(row, column) for row in down for column in across]
    return [at for at in places if inside is None or inside[np.ix_(*_ranges(at))].all()]


def _ranges(at):
    return tuple(range(first, first + 3) for first in at)


def cut(grid, at):
    return grid[np.ix_(*_ranges(at))]


def pull(x, y, inside=None, of_style=None):
    """Return the mean at each position of what its patches match, and how many there are."""
    of_y = [cut(y, at) for at in corners(y.shape[:2], of_style)]
    sums, counts = np.zeros(x.shape), np.zeros(x.shape[:2])
    for at in corners(x.shape[:2], inside):
        cosines = [np.vdot(cut(x, at), other) / np.linalg.norm(other) for other in of_y]
        sums[np.ix_(*_ranges(at))] += of_y[np.argmax(cosines)]
        counts[np.ix_(*_ranges(at))] += 1
    return sums / np.maximum(counts, 1)[..., None], counts


@pytest.mark.parametrize(
    ("masked", "shape"),
    [
        (False, (12, 10)),
        (True, (9, 11)),
        (False, (3, 4)),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in ((False, (9, 11)), (True, (12, 10)), (True, (3, 4)))
        ),
    ],
)
def test_a_position_is_pulled_to_the_mean_of_what_its_patches_match(shape, masked):
    x, y = RANDOM.random((*shape, 3)), RANDOM.random((9, 8, 3))
    inside, of_style = (np.ones(grid.shape[:2], bool) for grid in (x, y))
    at = of_y = None
    if masked:
        inside[-1], of_style[:, 0] = shape[0] == 3, False
        at, of_y = every_second_inside(inside), every_second_inside(of_style)
    matched, counts = pull(x, y, inside, of_style)
    target = METRIC.summarize(jnp.float32(y), of_y)
    gradient = jax.grad(METRIC.distance)(jnp.float32(x), target, at)
    covered = counts > 0
    expected = 2 * (x - matched) / (covered.sum() * 3)
    np.testing.assert_allclose(gradient[covered], expected[covered], atol=1e-6)
    np.testing.assert_array_equal(gradient[~covered], 0)


def test_every_position_is_in_a_patch():
    for shape in ((1, 1), (1, 7), (2, 5), (3, 3), (4, 9), (10, 7)):
        positions = every_second(shape)
        assert set(positions.ravel()) == set(range(shape[0] * shape[1]))
        # Those of one corner are all different: sums over them have no order.
        assert all(len(set(column)) == len(positions) for column in positions.T)


def test_a_mask_without_a_whole_patch_has_those_around_its_positions():
    assert len(every_second_inside(np.eye(8, dtype=bool))) == 8


def test_patches_of_several_styles_are_joined():
    styles = [jnp.float32(RANDOM.random((8, 8, 3))) for _ in range(2)]
    targets = [METRIC.summarize(style) for style in styles]
    joined = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *targets)
    for style, target in zip(styles, reversed(targets), strict=True):
        assert METRIC.distance(style, joined) < 1e-9 < METRIC.distance(style, target)
