"""Metrics of grids under masks: they count what lies inside, all of it and nothing else."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import binary_dilation, distance_transform_edt
from support.small import CONTENT, STYLE
from support.tiny import tiny

import jaxstyle
from jaxstyle.metrics import find
from jaxstyle.metrics.hypercolumns import hypercolumns
from jaxstyle.metrics.matching import patches_inside
from jaxstyle.metrics.metric import Metric
from jaxstyle.metrics.spectrum import BLOCKS, amplitude_spectra, blocks_inside
from jaxstyle.objective.objective import distances, prepare
from jaxstyle.objective.regions import inside_under, select_positions
from jaxstyle.objective.term import term

NAMES = ("patch", "power_spectrum", "cross_layer_gram", "relaxed_emd")
TRIANGLE = np.tril(np.ones((64, 64), np.float32))  # the audit's
DIAGONAL = np.eye(64, dtype=bool)
RANDOM = np.random.default_rng(0)


def layered(metric, fine):
    """Return features as the metric expects them; layers are a grid and its mean over 2 × 2."""
    if metric.expects == "grid":
        return fine
    height, width, channels = fine.shape
    return fine, fine.reshape(height // 2, 2, width // 2, 2, channels).mean((1, 3))


def selected(metric, mask):
    """Return what the metric counts under a mask."""
    if metric.expects == "grid":
        return metric.select(inside_under(mask, mask.shape))
    shapes = (mask.shape, (mask.shape[0] // 2, mask.shape[1] // 2))
    return tuple(metric.select(inside_under(mask, shape)) for shape in shapes)


def outside(metric, mask):
    """Return for each layer where nothing inside reaches."""
    fine = mask == 0
    if metric.expects == "grid":
        return (fine,)
    reached = ~fine.reshape(32, 2, 32, 2).all((1, 3))
    if metric.name == "relaxed_emd":  # interpolates between coarse positions
        reached = binary_dilation(reached, np.ones((3, 3)))
    return fine, ~reached


@pytest.mark.parametrize("mask", [TRIANGLE, np.float32(DIAGONAL)], ids=["triangle", "diagonal"])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_outside_does_not_count(name, mask):
    metric = find(name)
    at = selected(metric, mask)
    x, y = (layered(metric, RANDOM.random((64, 64, 4)).astype(np.float32)) for _ in range(2))
    strange = [999 * where[..., None] for where in outside(metric, mask)]

    @jax.jit
    @jax.value_and_grad
    def distance(x, y):
        return metric.distance(x, metric.summarize(y, at=at), at=at)

    def with_strange(features):
        grids = (
            np.float32(grid + far)
            for grid, far in zip(jax.tree.leaves(features), strange, strict=True)
        )
        return jax.tree.unflatten(jax.tree.structure(features), grids)

    value, gradient = distance(x, y)
    same, same_gradient = distance(with_strange(x), with_strange(y))
    assert value == same > 0
    for leaf, other, far in zip(
        *map(jax.tree.leaves, (gradient, same_gradient, strange)), strict=True
    ):
        np.testing.assert_array_equal(leaf, other)
        np.testing.assert_array_equal(np.asarray(leaf)[far[..., 0] > 0], 0)
        assert np.abs(leaf).max() > 0


@pytest.mark.parametrize("name", NAMES)
def test_what_is_inside_counts_by_its_share(name):
    """Of what is inside, 64 of 2080 positions are red; of the rectangle around it, half were."""
    metric = find(name)
    at = selected(metric, TRIANGLE)
    picture = np.stack([DIAGONAL, np.ones_like(DIAGONAL)], axis=2).astype(np.float32)
    share = 64 / 2080
    if name == "patch":
        # The style has one patch, a white one, that matches all: the mean square is left.
        target = metric.summarize(np.ones((3, 3, 2), np.float32))
        gradient = jax.jit(jax.grad(lambda grid: metric.distance(grid, target, at=at)))(picture)
        pull = np.asarray(gradient)[..., 0].ravel()
        covered = np.unique(at)
        assert len(covered) > 0.99 * 2080
        expected = (picture[..., 0].ravel() - 1)[covered] / len(covered)
        np.testing.assert_allclose(pull[covered], expected, rtol=1e-5)
    elif name == "power_spectrum":
        first, *_ = jax.jit(lambda grid: metric.summarize(grid, at=at))(picture)
        np.testing.assert_allclose(np.square(first).ravel(), [share, 1], rtol=1e-5)
    elif name == "cross_layer_gram":
        (matrix,) = metric.summarize(layered(metric, picture), at=at)
        np.testing.assert_allclose(matrix[:, 1], [share, 1], rtol=1e-5)
    else:
        columns = hypercolumns(layered(metric, picture), at)
        assert len(columns) == 2080 // 4
        assert columns[:, 0].mean() == pytest.approx(share, rel=0.3)
        drawn = metric.draw(layered(metric, picture), jax.random.key(0), 4096, at=at)
        assert len(drawn[0]) == 2080
        assert drawn[0][..., 0].mean() == pytest.approx(share)


def test_patch_is_as_derived_from_its_definition():
    x, y = RANDOM.random((12, 10, 3)), RANDOM.random((9, 11, 3))
    inside, of_style = RANDOM.random((12, 10)) > 0.15, RANDOM.random((9, 11)) > 0.15

    def chosen(grid, inside):
        corners = [
            (row, column)
            for row in range(grid.shape[0] - 2)
            for column in range(grid.shape[1] - 2)
            if inside[row : row + 3, column : column + 3].all()
        ]
        return {at: grid[at[0] : at[0] + 3, at[1] : at[1] + 3] for at in corners}

    of_y = list(chosen(y, of_style).values())
    squares, counts = np.zeros(x.shape[:2]), np.zeros(x.shape[:2])
    for (row, column), own in chosen(x, inside).items():
        cosines = [np.vdot(own, other) / np.linalg.norm(other) for other in of_y]
        difference = own - of_y[np.argmax(cosines)]
        squares[row : row + 3, column : column + 3] += np.mean(difference**2, axis=2)
        counts[row : row + 3, column : column + 3] += 1
    covered = counts > 0
    assert 10 < covered.sum() < inside.sum()
    metric = find("patch")
    target = metric.summarize(jnp.float32(y), at=patches_inside(of_style))
    value = metric.distance(jnp.float32(x), target, at=patches_inside(inside))
    assert value == pytest.approx(np.mean(squares[covered] / counts[covered]), rel=1e-5)


class TestSpectrum:
    def test_blocks_lie_inside_and_cover_it(self):
        inside = TRIANGLE > 0
        shares = []
        for block, starts in zip(BLOCKS, blocks_inside(inside), strict=True):
            covered = np.zeros_like(inside)
            for row, column in starts:
                part = np.s_[row : row + block, column : column + block]
                assert inside[part].all()
                covered[part] = True
            shares.append(covered.sum() / inside.sum())
        assert shares[0] == 1
        assert shares[-1] > 0.8

    def test_is_that_of_the_blocks(self):
        grid = RANDOM.random((64, 64, 2))
        at = blocks_inside(TRIANGLE > 0)
        spectra = amplitude_spectra(jnp.float32(grid), at)
        for block, starts, spectrum in zip(BLOCKS, at, spectra, strict=True):
            sine = np.sin(np.pi * (np.arange(block) + 0.5) / block)
            window = np.outer(sine, sine)[..., None] / np.sum(sine**2)
            powers = [
                np.abs(np.fft.rfft2(window * grid[r : r + block, c : c + block], axes=(0, 1))) ** 2
                for r, c in starts
            ]
            np.testing.assert_allclose(spectrum, np.sqrt(np.mean(powers, axis=0)), rtol=1e-4)

    @pytest.mark.parametrize(("width", "sides"), [(1, 1), (4, 2), (9, 3), (20, 4)])
    def test_thin_masks_have_small_blocks(self, width, sides):
        inside = np.tril(np.ones((64, 64), bool)) & ~np.tril(np.ones((64, 64), bool), -width)
        assert len(blocks_inside(inside)) == sides

    def test_one_block_does_not_stand_for_a_thin_mask(self):
        inside = np.zeros((64, 64), bool)
        inside[::4] = True
        inside[:16, :16] = True
        assert len(blocks_inside(inside)) == 1


def extract(image):
    """Return two layers, the second of half the size."""
    height, width, channels = image.shape
    return {
        "first": image,
        "second": image.reshape(height // 2, 2, width // 2, 2, channels).max((1, 3)) * 2,
    }


@pytest.mark.parametrize("count", [0, 100])
def test_relaxed_emd_draws_inside_both_pictures(count):
    part = replace(term("relaxed_emd", layers=("first", "second")), positions=count)
    shapes = {"first": (64, 64), "second": (32, 32)}
    masks = TRIANGLE, TRIANGLE[::-1]
    of_content, of_style = (select_positions(m, part.metric, part.layers, shapes) for m in masks)
    content, style = (RANDOM.random((64, 64, 3)).astype(np.float32) for _ in range(2))

    @jax.jit
    def pull(style, step):
        selection = [(of_content, (of_style,))]
        objective = prepare(extract, [part], content, style, selection=selection)
        return jax.grad(lambda image: distances(extract, objective, image, step)[0][0])(content)

    far = ~np.kron(binary_dilation(outside(part.metric, TRIANGLE)[1] == 0), np.ones((2, 2), bool))
    of_style_far = far[::-1, :, None]
    gradients = [np.asarray(pull(style, step)) for step in range(3)]
    strange = np.where(of_style_far, 99, style).astype(np.float32)
    for step, gradient in enumerate(gradients):
        np.testing.assert_array_equal(gradient, pull(strange, step))
        np.testing.assert_array_equal(gradient[far], 0)
        assert np.abs(gradient).max() > 0
    assert np.array_equal(gradients[0], gradients[1]) == (count == 0)


def test_a_run_with_masks_changes_what_is_inside():
    mine = Metric("mine", jnp.mean, lambda x, y: (jnp.mean(x) - y) ** 2, expects="grid")
    mask = np.tril(np.ones(CONTENT.shape[:2], np.float32))
    result = jaxstyle.stylize(
        CONTENT,
        STYLE,
        metric=[(metric, 1.0, ("relu1", "relu2")) for metric in (*NAMES, mine)],
        content_mask=mask,
        style_mask=mask[::-1],
        content_weight=0,
        smoothness=0,
        backbone=tiny(),
        positions=100,
        **{"size": 48, "scales": 1, "steps": 3, "optimizer": "adam"},
    )
    changes = np.abs(result.image - CONTENT).max(2)
    far = distance_transform_edt(mask == 0) > 12  # than the network sees from inside
    assert far.sum() > 50
    assert changes[far].max() < 1e-6
    assert (changes[mask > 0] > 1e-3).mean() > 0.99
    assert {*NAMES, "mine"} <= set(result.history)
