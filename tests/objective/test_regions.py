"""Regions: positions under masks, for every style metric, and which style goes where."""

from dataclasses import replace
from operator import attrgetter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.quick import with_slow

from jaxstyle.metrics import METRICS
from jaxstyle.objective.objective import distances, prepare
from jaxstyle.objective.regions import (
    Region,
    StyleAssignment,
    assign_styles,
    can_repeat,
    inside_under,
    positions_under,
    rectangle_around,
    select_positions,
)
from jaxstyle.objective.term import term

RANDOM = np.random.default_rng(8)
CONTENT = RANDOM.random((24, 32, 3)).astype(np.float32)
STYLE = (RANDOM.random((28, 36, 3)) ** 2).astype(np.float32)
LAYERS = ("first", "second")
FILTERS = jnp.asarray(RANDOM.normal(size=(3, 6)), jnp.float32)


def extract(image):
    """Two layers whose positions depend on what lies under them, the second of half the size."""
    first = jnp.maximum(image @ FILTERS, 0)
    height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
    pooled = first[:height, :width].reshape(height // 2, 2, width // 2, 2, 6).max((1, 3))
    return {"first": first, "second": pooled * 2}


def select(part, picture, mask, **repeats):
    features = jax.eval_shape(extract, picture) | {"image": picture}
    shapes = {name: grid.shape[:2] for name, grid in features.items()}
    return select_positions(mask, part.metric, part.layers, shapes, **repeats)


def rectangle(picture, rows, columns):
    mask = np.zeros(picture.shape[:2], np.float32)
    mask[rows, columns] = 1
    return mask


STYLE_METRICS = [metric for metric in METRICS["style"].values() if metric.weights is None]


VARIANTS = ("patch_stride_2", "redrawn_sliced_wasserstein", "iterated_gaussian_wasserstein")
"""Metrics that share most of their code with another one."""


@pytest.mark.parametrize(
    "metric", with_slow(STYLE_METRICS, lambda name: name not in VARIANTS, attrgetter("name"))
)
class TestEveryStyleMetricUnderMasks:
    def part(self, metric):
        if metric.layers == ("image",):
            return term(metric)
        # Between layers of different sizes hypercolumns interpolate; a crop lacks what is beside.
        return term(
            metric, layers=LAYERS[:1] if metric.expects == "layers" and metric.draw else LAYERS
        )

    def test_ones_select_everything_in_order(self, metric):
        part = self.part(metric)
        for picture in (CONTENT, STYLE):
            ones = np.ones(picture.shape[:2], np.float32)
            assert select(part, picture, ones) == (None,) * len(part.layers)

    def test_an_aligned_binary_mask_is_the_crop(self, metric):
        part = self.part(metric)
        inside, of_style = np.s_[4:20, 8:30], np.s_[2:22, 6:26]
        mask, style_mask = rectangle(CONTENT, *inside), rectangle(STYLE, *of_style)
        selection = [(select(part, CONTENT, mask), (select(part, STYLE, style_mask),))]

        @jax.jit
        def losses(image, content, style):
            objective = prepare(extract, [part], content, style, selection=selection)

            def total(image):
                (by_layer,) = distances(extract, objective, image)
                return jnp.sum(by_layer), by_layer

            (_, masked), gradient = jax.value_and_grad(total, has_aux=True)(image)
            cropped = prepare(extract, [part], content[inside], style[of_style])
            return masked, gradient, distances(extract, cropped, image[inside])[0]

        masked, gradient, expected = losses(CONTENT * 0.8 + 0.1, CONTENT, STYLE)
        np.testing.assert_allclose(masked, expected, rtol=5e-4, atol=1e-7)
        assert np.abs(gradient[inside]).max() > 0
        np.testing.assert_array_equal(np.asarray(gradient)[mask == 0], 0)


REPEATABLE = [metric for metric in STYLE_METRICS if can_repeat(metric) and not metric.draw]


QUICK = ("gram", "moments", "mmd", "sliced_wasserstein", "patch")


@pytest.mark.parametrize("metric", with_slow(REPEATABLE, QUICK.__contains__, attrgetter("name")))
def test_repeated_positions_weigh_the_same(metric):
    layers = metric.layers if metric.layers == ("image",) else LAYERS
    part = term(metric, layers=layers)
    masks = [rectangle(CONTENT, slice(None), part_of) for part_of in (np.s_[:16], np.s_[:20])]
    once, twice = (select(part, CONTENT, masks[0], repeats=many) for many in (False, True))
    other = select(part, CONTENT, masks[1], repeats=True)
    shapes = [[np.shape(leaf) for leaf in jax.tree.leaves(one)] for one in (twice, other)]
    assert shapes[0] == shapes[1]

    @jax.jit
    def loss(image, selected):
        selection = [(selected, ((None,) * len(layers),))]
        objective = prepare(extract, [part], image, STYLE, selection=selection)
        return distances(extract, objective, image)[0]

    # Sorted values are interpolated between positions, which are twice as many.
    np.testing.assert_allclose(loss(CONTENT, twice), loss(CONTENT, once), rtol=1e-2)


@pytest.mark.parametrize("name", ["cross_layer_gram", "relaxed_emd"])
def test_a_mask_may_leave_out_nothing_of_a_coarse_layer(name):
    part = term(name, layers=LAYERS)
    mask = np.ones(CONTENT.shape[:2], np.float32)
    mask[3, 5] = 0
    first, second = select(part, CONTENT, mask)
    assert second is None
    assert first.tolist() == np.flatnonzero(mask).tolist()
    selection = [((first, second), ((None, None),))]
    objective = prepare(extract, [part], CONTENT, STYLE, selection=selection)
    (value,) = distances(extract, objective, CONTENT)
    content, style = (tuple(extract(picture).values()) for picture in (CONTENT, STYLE))
    counted = part.metric.distance(content, part.metric.summarize(style), at=(first, None))
    np.testing.assert_allclose(value, [counted], rtol=1e-5)


class TestPositions:
    def test_a_soft_mask_is_a_density(self):
        mask = np.tile(np.linspace(0, 1, 40, dtype=np.float32), (30, 1))
        positions = positions_under(mask, (30, 40))
        assert len(positions) == pytest.approx(mask.sum(), rel=0.02)
        counts = np.bincount(positions % 40, minlength=40) / 30
        np.testing.assert_allclose(counts, mask[0], atol=0.15)
        assert np.bincount(positions).max() == 1

    def test_a_rectangle_is_filled_with_the_nearest_inside(self):
        inside = np.array([[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]], bool)
        assert rectangle_around(inside).tolist() == [[5, 5, 7], [5, 5, 7], [14, 14, 14]]

    def test_a_region_too_small_for_a_layer_keeps_one_position(self):
        mask = np.zeros((64, 64), np.float32)
        mask[40, 9] = 1
        assert positions_under(mask, (4, 4)).tolist() == [8]
        assert np.flatnonzero(inside_under(mask, (4, 4))).tolist() == [8]


class TestAssignment:
    def test_regions_take_their_own_style(self):
        half = rectangle(CONTENT, slice(None), slice(0, 16))
        weight = pytest.approx(np.sqrt(0.5))
        assert assign_styles((1.0, 1.0), 1, (Region(half), Region(1 - half)), "sum") == (
            StyleAssignment((0,), (1.0,), 0, weight),
            StyleAssignment((1,), (1.0,), 1, weight),
        )

    def test_variants_share_and_styles_count_by_their_shares(self):
        assignments = assign_styles((3.0, 1.0), 2, (), "sum")
        assert [(assignment.styles, assignment.weight) for assignment in assignments] == [
            ((0,), 0.375),
            ((1,), 0.375),
            ((2,), 0.125),
            ((3,), 0.125),
        ]

    def test_another_number_of_styles_than_of_regions_raises(self):
        with pytest.raises(ValueError, match="expected one style or one for each of 3 regions"):
            assign_styles((1.0, 1.0), 1, (Region(),) * 3, "sum")

    def test_mixed_targets_are_the_mean(self):
        gram = term("gram", layers=LAYERS)
        mixed = replace(gram, styles=(0, 1), shares=(0.25, 0.75))
        styles = (STYLE, STYLE[:20] ** 2)
        (targets,) = prepare(extract, [mixed], CONTENT, styles).targets
        ((one, other),) = zip(
            *(prepare(extract, [gram], CONTENT, style).targets for style in styles), strict=True
        )
        for layer in (0, 1):
            expected = 0.25 * one[layer] + 0.75 * other[layer]
            np.testing.assert_allclose(targets[layer], expected, rtol=1e-5)
