"""Smoothing: the paper's formula, and terms of smoothed features."""

import jax.numpy as jnp
import numpy as np
import pytest
from support.toy import CONTENT, STYLE

from jaxstyle.metrics import smoothing
from jaxstyle.objective.objective import distances, prepare
from jaxstyle.objective.term import term
from jaxstyle.specs import LayerRef

FEATURES = np.random.default_rng(2).normal(0, 2, (5, 4, 3)).astype(np.float32)


def extract(image):
    return dict.fromkeys(("relu2_1", "relu4_1"), image * 3)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_softmax_is_the_papers_times_the_number_of_features(temperature):
    """σ(F)ᵢₖ = exp Fᵢₖ / Σ exp F, over all positions and channels, in float64."""
    powers = np.exp(FEATURES.astype(np.float64) / temperature)
    expected = powers / powers.sum() * powers.size
    smoothed = smoothing.smooth(jnp.asarray(FEATURES), "softmax", 4, temperature)
    np.testing.assert_allclose(smoothed, expected, rtol=1e-5)


def test_relative_is_the_same_of_features_in_units_of_the_references_deviation():
    relative = term("gram", layers=("relu4_1",), smoothing="relative", temperature=2.0)
    objective = prepare(extract, [relative], CONTENT, STYLE)
    deviation = np.std(3 * np.asarray(STYLE, np.float64))
    np.testing.assert_allclose(objective.spreads[0], [deviation], rtol=1e-5)
    absolute = term("gram", layers=("relu4_1",), smoothing="softmax", temperature=2 * deviation)
    expected = prepare(extract, [absolute], CONTENT, STYLE)
    np.testing.assert_allclose(
        distances(extract, objective, CONTENT)[0],
        distances(extract, expected, CONTENT)[0],
        rtol=1e-4,
    )


@pytest.mark.parametrize(
    ("layer", "factor"),
    [("relu1", 1), ("resnet50:relu3_4", 1), ("resnet50:relu4_6", 1e-3), ("relu5_3", 1e-3)],
)
def test_scaled_is_the_released_codes(layer, factor):
    """The released code multiplies layer3 and layer4 (stages 4 and 5 of the paper) by 0.001."""
    smoothed = smoothing.smooth(jnp.asarray(FEATURES), "scaled", LayerRef.parse(layer).stage)
    np.testing.assert_allclose(smoothed, factor * FEATURES, rtol=1e-6)


@pytest.mark.parametrize("form", ["softmax", "relative"])
def test_flat_features_stay_finite(form):
    flat = jnp.full(CONTENT.shape, 0.5)
    smooth = term("gram", layers=("relu4_1",), smoothing=form)
    objective = prepare(extract, [smooth], flat, flat)
    assert np.isfinite(distances(extract, objective, CONTENT)[0]).all()


@pytest.mark.parametrize(("form", "layer"), [("softmax", "relu2_1"), ("scaled", "relu4_1")])
def test_metrics_compare_smoothed_features(form, layer):
    def smoothed(image):
        stage = LayerRef(layer).stage
        return {layer: smoothing.smooth(image * 3, form, stage, 2.0)}

    smooth = term("gram", layers=(layer,), smoothing=form, temperature=2.0)
    plain = term("gram", layers=(layer,))
    objective = prepare(extract, [smooth], CONTENT, STYLE)
    expected = prepare(smoothed, [plain], CONTENT, STYLE)
    np.testing.assert_allclose(
        distances(extract, objective, CONTENT)[0],
        distances(smoothed, expected, CONTENT)[0],
        rtol=1e-5,
    )
