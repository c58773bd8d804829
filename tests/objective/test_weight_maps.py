"""Weights by place: of every content metric, of runs, and what becomes of transparent pixels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from objective.test_regions import CONTENT, LAYERS, extract, rectangle, select
from support import small

import jaxstyle
from jaxstyle.metrics import METRICS
from jaxstyle.objective import guidance
from jaxstyle.objective.objective import distances, evaluate, prepare
from jaxstyle.objective.regions import (
    ContentAssignment,
    Region,
    StyleAssignment,
    multiplied,
    union,
    weigh,
)
from jaxstyle.objective.term import term
from jaxstyle.settings import Settings

CONTENT_METRICS = [metric for metric in METRICS["content"].values() if metric.weights is None]
HALF = np.zeros((40, 48), np.float32)
HALF[:, :24] = 1
SHAPE = (40, 48)


@pytest.mark.parametrize("metric", CONTENT_METRICS, ids=lambda metric: metric.name)
def test_every_content_metric_counts_what_is_inside_alone(metric):
    part = term(metric)
    if part.layers[0].is_image is False:
        part = term(metric, layers=LAYERS[:1])
    inside = np.s_[4:20, 8:30]
    mask = rectangle(CONTENT, *inside)
    selection = [(select(part, CONTENT, mask), (select(part, CONTENT, mask),))]
    other = np.clip(CONTENT * 0.8 + 0.1 * CONTENT[::-1], 0, 1)

    @jax.jit
    def losses(image, content):
        objective = prepare(extract, [part], content, content, selection=selection)
        value, gradient = jax.value_and_grad(
            lambda image: jnp.sum(distances(extract, objective, image)[0])
        )(image)
        cropped = prepare(extract, [part], content[inside], content[inside])
        return value, gradient, jnp.sum(distances(extract, cropped, image[inside])[0])

    value, gradient, expected = losses(other, CONTENT)
    np.testing.assert_allclose(value, expected, rtol=5e-4, atol=1e-7)
    assert np.abs(gradient[inside]).max() > 0
    np.testing.assert_array_equal(np.asarray(gradient)[mask == 0], 0)


def test_a_masked_mean_is_the_formula():
    soft = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (24, 1))
    part = term("mse", layers=["image"])
    (positions,) = select(part, CONTENT, soft)
    image = CONTENT[::-1]
    objective = prepare(
        extract, [part], CONTENT, CONTENT, selection=[((positions,), ((positions,),))]
    )
    value = evaluate(extract, objective, image).total
    squares = ((image - CONTENT) ** 2).reshape(-1, 3)[positions]
    np.testing.assert_allclose(value, squares.mean(), rtol=1e-5)
    # Of a weighted mean over all positions it is what the density makes of it.
    weighted = (soft[..., None] * (image - CONTENT) ** 2).mean() / soft.mean()
    np.testing.assert_allclose(value, weighted, rtol=0.05)


class TestWeights:
    def test_a_constant_map_is_a_weight(self):
        for calibrated in (True, False):
            _, factor = weigh(None, np.full((4, 6), 0.25, np.float32), calibrated)
            assert factor == pytest.approx(0.25)

    def test_a_binary_map_keeps_the_pull_inside(self):
        assert weigh(None, HALF, calibrated=True)[1] == pytest.approx(np.sqrt(0.5))
        assert weigh(None, HALF, calibrated=False)[1] == pytest.approx(0.5)
        density, factor = weigh(HALF, HALF, calibrated=True)
        np.testing.assert_array_equal(density, HALF)
        assert factor == pytest.approx(1.0)
        assert weigh(HALF, 1 - HALF, calibrated=True)[1] == 0

    def test_masks_are_multiplied_in_one_size(self):
        assert multiplied([None, HALF], (4, 4)) is HALF
        assert multiplied([None, None], (4, 4)) is None
        product = multiplied([HALF, np.ones((20, 24), np.float32) / 2], SHAPE)
        np.testing.assert_array_equal(product, HALF / 2)

    def test_masks_that_meet_leave_no_gap(self):
        ramp = np.tile(np.linspace(0, 1, 48, dtype=np.float32), (40, 1))
        np.testing.assert_array_equal(union([ramp, 1 - ramp], (20, 24)), 1)
        np.testing.assert_array_equal(union([HALF, HALF], SHAPE), HALF)


def gather(**changes):
    alphas = {name: changes.pop(name) for name in tuple(changes) if name.endswith(("alpha", "as"))}
    styles = changes.pop("styles", [small.STYLE])
    return guidance.gather(Settings(**changes), small.CONTENT, styles, 48, **alphas)


class TestGuides:
    def test_a_map_of_the_content(self):
        guide = gather(content_weight_map=HALF)
        assert guide.contents == ContentAssignment(0, pytest.approx(np.sqrt(0.5)))
        assert guide.assignments == (StyleAssignment(),)
        np.testing.assert_array_equal(guide.regions[0].content[:40], HALF)
        assert gather(content_weight_map=HALF, calibrate=False).contents.weight == 0.5

    def test_a_map_of_the_style_counts_in_every_region(self):
        guide = gather(
            style_weight_map=HALF, content_mask=[HALF, 1 - HALF / 2], styles=[small.STYLE] * 2
        )
        assert [one.region for one in guide.assignments] == [0, 1]
        # The first region is where the map is 1, of the second a half of its half.
        np.testing.assert_array_equal(guide.regions[0].content[:40, :48], HALF)
        np.testing.assert_array_equal(guide.regions[1].content[:40, :48], HALF / 2)
        assert guide.assignments[0].weight == pytest.approx(np.sqrt(0.5))
        assert guide.assignments[1].weight == pytest.approx(np.sqrt(0.25))

    def test_transparent_content_counts_nowhere(self):
        guide = gather(content_alpha=HALF, content_mask=[np.ones(SHAPE, np.float32)])
        np.testing.assert_array_equal(guide.regions[guide.contents.region].content[:40], HALF)
        np.testing.assert_array_equal(
            guide.regions[guide.assignments[0].region].content[:40, :48], HALF
        )
        assert guide.contents.weight == guide.assignments[0].weight == pytest.approx(np.sqrt(0.5))

    def test_transparent_styles_keep_their_own_shares(self):
        alphas = (HALF, None)
        guide = gather(style_alphas=alphas, styles=[small.STYLE, small.OTHER], blend="mix")
        assert guide.assignments[0].shares == (0.5, 0.5)
        np.testing.assert_array_equal(guide.style_mask(Region(), 0)[:40], HALF)
        assert guide.style_mask(Region(), 1) is None
        masked = gather(
            style_alphas=(HALF,), content_mask=[HALF], style_mask=[HALF / 2], style_rotation=(180,)
        )
        mask = masked.style_mask(masked.regions[0], 0)
        np.testing.assert_array_equal(mask[:40], HALF[:, ::-1] / 2)

    def test_a_mask_of_transparent_style_is_refused(self):
        with pytest.raises(ValueError, match="transparent wherever its mask selects it"):
            gather(style_alphas=(HALF,), content_mask=[HALF], style_mask=[1 - HALF])

    @pytest.mark.parametrize("name", ["content_weight_map", "style_weight_map"])
    def test_maps_must_fit(self, name):
        role = name.replace("_", " ")
        with pytest.raises(ValueError, match=f"expected the {role} in the proportions"):
            gather(**{name: HALF.T})
        with pytest.raises(ValueError, match=f"the {role} is black; a weight of 0"):
            gather(**{name: 0 * HALF})


ONE_STEP = {
    **small.SMALL,
    **{"steps": 1, "optimizer": "sgd", "learning_rate": 1.0, "safeguard": "none"},
    **{"calibrate": False, "smoothness": 0.0, "init": small.OTHER},
}


def test_maps_of_ones_change_no_byte():
    ones = np.ones(SHAPE, np.uint8)
    plain = jaxstyle.stylize(small.CONTENT, small.STYLE, **small.SMALL)
    mapped = jaxstyle.stylize(
        small.CONTENT, small.STYLE, content_weight_map=ones, style_weight_map=ones, **small.SMALL
    )
    np.testing.assert_array_equal(mapped.image, plain.image)


def test_pixels_are_pulled_as_the_map_says():
    changes = {"content_metric": "mse@image", "style_weight": 0.0, "content_weight": 100.0}

    def moved(**more):
        settings = ONE_STEP | changes | more
        settings.pop("content_layers")
        result = jaxstyle.stylize(small.CONTENT, small.STYLE, **settings)
        return result.image - small.OTHER

    plain, half = moved(), moved(content_weight_map=HALF)
    assert np.abs(plain).max() > 1e-3
    np.testing.assert_array_equal(half[:, 24:], 0)
    np.testing.assert_allclose(half[:, :24], plain[:, :24], atol=1e-6)


def test_features_pull_nothing_beyond_their_receptive_field():
    settings = ONE_STEP | {"style_weight_map": HALF, "content_weight_map": HALF}
    moved = jaxstyle.stylize(small.CONTENT, small.STYLE, **settings).image - small.OTHER
    assert np.abs(moved[:, :24]).max() > 0
    # relu2_1 of VGG: six pixels on each side, and what pooling adds.
    np.testing.assert_array_equal(moved[:, 34:], 0)
