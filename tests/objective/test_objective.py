"""The weighted sum, its targets and its calibration, with a network of one convolution."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.toy import CONTENT, STYLE, TERMS, calibrated_objective, extract, losses_of

from jaxstyle.objective.calibration import calibrate, calibration_reference
from jaxstyle.objective.objective import evaluate, prepare
from jaxstyle.objective.term import term


@pytest.fixture
def float64():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


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

    def test_constants_are_finite_where_the_gradient_vanishes(self):
        objective = calibrate(extract, prepare(extract, TERMS, CONTENT, CONTENT), CONTENT)
        assert all(np.isfinite(scale).all() for scale in objective.scales)

    def test_in_float64(self, float64):
        content, style = (jnp.asarray(picture, jnp.float64) for picture in (CONTENT, STYLE))
        objective = prepare(extract, (term("gram", 1.0, ("first",)),), content, style)
        for reference in (content, content.astype(jnp.float32)):
            calibrated = calibrate(extract, objective, reference)
            assert np.isfinite(calibrated.scales[0]).all()
        assert evaluate(extract, objective, content).total.dtype == jnp.float64


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
