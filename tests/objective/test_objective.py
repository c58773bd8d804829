"""The weighted sum, its targets and its calibration, with a network of one convolution."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.toy import CONTENT, STYLE, TERMS, calibrated_objective, extract, losses_of

from jaxstyle.objective import calibration
from jaxstyle.objective.calibration import calibrate, calibration_reference
from jaxstyle.objective.objective import evaluate, prepare
from jaxstyle.objective.term import term


def test_the_sum_is_the_formula():
    image, content = STYLE[:8, :8], CONTENT[:8, :8]
    x, y, c = (
        {name: np.asarray(features, np.float64) for name, features in extract(picture).items()}
        for picture in (image, STYLE, content)
    )

    def gram(features):
        features = features.reshape(-1, features.shape[-1])
        return features.T @ features / len(features)

    g = [np.mean((gram(x[name]) - gram(y[name])) ** 2) for name in ("first", "second")]
    m = np.mean((x["second"] - c["second"]) ** 2)
    p = np.asarray(image, np.float64)
    t = np.mean(np.diff(p, axis=0) ** 2) + np.mean(np.diff(p, axis=1) ** 2)
    losses = evaluate(extract, prepare(extract, TERMS, content, STYLE), image)
    np.testing.assert_allclose(losses.terms, [3 * g[0] + g[1], m, t], rtol=1e-4)
    np.testing.assert_allclose(losses.total, 2 * (3 * g[0] + g[1]) + m / 2 + t / 4, rtol=1e-4)


def test_a_product_is_the_formula():
    factors = [replace(t, is_factor=t.metric.kind != "image") for t in TERMS]
    image = 1 - CONTENT
    summed, multiplied = (
        evaluate(extract, prepare(extract, terms, CONTENT, STYLE), image)
        for terms in (TERMS, factors)
    )
    np.testing.assert_array_equal(summed.terms, multiplied.terms)
    weighted = {"style": 0.0, "content": 0.0, "image": 0.0}
    for term_, loss in zip(TERMS, summed.terms, strict=True):
        weighted[term_.metric.kind] += float(term_.weight * loss)
    expected = weighted["style"] * weighted["content"] + weighted["image"]
    np.testing.assert_allclose(multiplied.total, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["gram", "cross_layer_gram", "shifted_gram", "moments"])
def test_features_in_bfloat16_are_compared_in_float32(name):
    def rounded(image):
        return {name: x.astype(jnp.bfloat16) for name, x in extract(image).items()}

    def same_in_float32(image):
        return {name: x.astype(jnp.float32) for name, x in rounded(image).items()}

    terms = (term(name, 1.0, ("first", "second")),)
    totals = [
        evaluate(features, prepare(features, terms, CONTENT, STYLE), STYLE[:8, :8]).total
        for features in (rounded, same_in_float32)
    ]
    assert totals[0].dtype == jnp.float32
    np.testing.assert_allclose(totals[0], totals[1], rtol=1e-5)


class TestCalibration:
    def test_terms_pull_equally(self):
        objective = calibrated_objective()
        alone = [
            replace(objective, terms=(term("gram", 1.0, ("first", "second"), weights), *TERMS[1:]))
            for weights in ((TERMS[0].layer_weights[0], 0), (0, TERMS[0].layer_weights[1]))
        ]

        @jax.jit
        @jax.jacrev
        def gradients(image):
            by_layer = [losses_of(one)(image).terms[0] for one in alone]
            return jnp.stack([*losses_of(objective)(image).terms, *by_layer])

        sizes = np.sqrt(np.mean(gradients(calibration_reference(CONTENT, STYLE)) ** 2, (1, 2, 3)))
        np.testing.assert_allclose(sizes[: len(TERMS)], 1, rtol=1e-3)
        # Within the first term the layers share by their weights, 3 : 1, whatever their own scale.
        assert sizes[-2] / sizes[-1] == pytest.approx(3, rel=1e-3)

    def test_two_equal_pictures_give_no_enormous_constants(self):
        # Rounding is not a gradient: at the reversed picture there is a real one.
        usual = calibrated_objective()
        reference = calibration_reference(CONTENT, CONTENT + 1e-6)
        equal = calibrate(extract, prepare(extract, TERMS, CONTENT, CONTENT), reference)
        for scales, others in zip(equal.scales, usual.scales, strict=True):
            np.testing.assert_array_less(scales, 100 * others)
            assert (scales > 0).all()

    def test_the_order_of_styles_changes_nothing(self):
        terms = tuple(replace(term("gram", layers=("first",)), styles=(k,)) for k in (0, 1))
        other = STYLE[::-1] ** 3
        scales = []
        for styles in ((STYLE, other), (other, STYLE)):
            prepared = prepare(extract, terms, CONTENT, styles)
            reference = calibration_reference(CONTENT, styles)
            scales.append([float(s[0]) for s in calibrate(extract, prepared, reference).scales])
        np.testing.assert_allclose(scales[0], scales[1][::-1], rtol=1e-4)

    @pytest.mark.parametrize("masked", [False, True])
    def test_in_windows_of_a_large_picture(self, monkeypatch, masked):
        monkeypatch.setattr(calibration, "ALIGNED", 4)
        content, style = jnp.asarray(np.random.default_rng(3).random((2, 60, 44, 3)), jnp.float32)
        everywhere = [((None,), ((None,),))]
        if masked:  # the middle, which windows in the corners miss
            inside = np.zeros((60, 44), bool)
            inside[28:32, 20:24] = True
            everywhere = [((jnp.flatnonzero(inside.ravel()),), ((None,),))]
        terms = (term("moments", layers=("first",)),)
        prepared = prepare(extract, terms, content, style, selection=everywhere)
        reference = calibration_reference(content, style)
        (whole,) = calibrate(extract, prepared, reference).scales
        monkeypatch.setattr(calibration, "WINDOW", 16)
        assert len(calibration._windows((60, 44), masked)[0]) == (12 if masked else 4)
        (by_windows,) = calibrate(extract, prepared, reference).scales
        np.testing.assert_allclose(by_windows, whole, rtol=0.1)
        assert (by_windows != whole).all()

    def test_windows_of_a_long_picture(self):
        starts, shape = calibration._windows((100, 1000), False)
        assert shape == (100, 128)
        assert starts == [(0, 0), (0, 864)]
        assert calibration._windows((256, 256), True) == ([(0, 0)], (256, 256))

    def test_of_drawn_positions_is_that_of_all(self, monkeypatch):
        monkeypatch.setattr(calibration, "POSITIONS", 256)
        content, style = jnp.asarray(np.random.default_rng(4).random((2, 40, 40, 3)), jnp.float32)
        scales = {}
        for positions in (0, 64):
            drawn = replace(term("nearest_neighbor", layers=("first",)), positions=positions)

            @jax.jit
            def scale_of(drawn, content, style):
                prepared = prepare(extract, (drawn,), content, style)
                reference = calibration_reference(content, style)
                return calibrate(extract, prepared, reference).scales[0][0]

            scales[positions] = float(scale_of(drawn, content, style))
        assert scales[64] == pytest.approx(scales[0], rel=0.1)

    def test_in_float64(self, float64):
        content, style = (jnp.asarray(picture, jnp.float64) for picture in (CONTENT, STYLE))

        @jax.jit
        def calibrated(content, style, reference):
            objective = prepare(extract, (term("gram", 1.0, ("first",)),), content, style)
            scales = calibrate(extract, objective, reference).scales
            return scales[0], evaluate(extract, objective, content).total

        for reference in (content, content.astype(jnp.float32)):
            scales, total = calibrated(content, style, reference)
            assert np.isfinite(scales).all()
            assert total.dtype == jnp.float64


class TestDrawing:
    NEAREST = replace(term("nearest_neighbor", layers=("first",)), positions=30)

    def gradients(self, drawn, steps):
        objective = prepare(extract, (drawn,), CONTENT, STYLE)

        def total(image, step):
            return evaluate(extract, objective, image, step).total

        return jax.jit(jax.vmap(jax.grad(total), (None, 0)))(CONTENT, jnp.arange(steps))

    def test_each_step_compares_other_positions(self):
        gradients = self.gradients(self.NEAREST, 3)
        touched = np.any(gradients != 0, axis=3).reshape(3, -1)
        assert (touched.sum(axis=1) <= 30).all()
        assert len(np.unique(touched, axis=0)) == 3
        np.testing.assert_array_equal(gradients, self.gradients(self.NEAREST, 3))

    def test_is_unbiased_where_the_reference_is_whole(self):
        (exact,) = self.gradients(replace(self.NEAREST, positions=0), 1)
        mean = jnp.mean(self.gradients(self.NEAREST, 400), axis=0)
        assert jnp.linalg.norm(mean - exact) < 0.15 * jnp.linalg.norm(exact)

    def test_a_content_metric_compares_the_same_positions(self):
        drawn = replace(term("self_similarity", layers=("first",)), positions=20)
        objective = prepare(extract, (drawn,), CONTENT, STYLE)
        assert evaluate(extract, objective, CONTENT, 5).total < 1e-5

    def test_more_positions_than_there_are_is_all_of_them(self):
        few = self.gradients(replace(self.NEAREST, positions=0), 1)
        np.testing.assert_array_equal(self.gradients(replace(self.NEAREST, positions=120), 1), few)


def test_changing_a_weight_does_not_trace_again():
    traces = []

    @jax.jit
    def total(objective, image):
        traces.append(1)
        return evaluate(extract, objective, image).total

    values = []
    for weight in (1.0, 2.0, 3.0):
        terms = (term("gram", weight, ("first",)),)
        values.append(float(total(prepare(extract, terms, CONTENT, STYLE), CONTENT)))
    assert len(traces) == 1
    np.testing.assert_allclose(values, np.array([1, 2, 3]) * values[0], rtol=1e-5)


class TestTerm:
    def test_another_number_of_layer_weights_raises(self):
        with pytest.raises(ValueError, match="expected 2 layer weights"):
            term("gram", 1.0, ("first", "second"), (1.0,))

    def test_unknown_parameters_raise(self):
        with pytest.raises(ValueError, match="gram has no parameter 'shift'; it has none"):
            term("gram", shift=-1.0)
        with pytest.raises(ValueError, match="did you mean 'bandwidth'"):
            term("contextual", bandwith=0.1)


@pytest.mark.parametrize("name", ["absolute_moments", "mmd", "relaxed_emd"])
def test_what_each_step_draws_estimates_the_whole(name):
    whole = term(name, 1.0, ("first", "second"))
    drawn = replace(whole, positions=40)

    def loss(terms, step):
        return evaluate(extract, prepare(extract, terms, CONTENT, STYLE), 1 - CONTENT, step).total

    assert drawn.draws_target
    values = jax.vmap(lambda step: loss((drawn,), step))(jnp.arange(20))
    assert values.std() > 0
    np.testing.assert_allclose(values.mean(), loss((whole,), 0), rtol=0.3)
