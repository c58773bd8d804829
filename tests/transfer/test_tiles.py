"""Tiles: each pixel has one, and together they are the whole picture."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxstyle
from jaxstyle.backbones.extractor import extractor
from jaxstyle.specs import LayerRef
from jaxstyle.transfer.steppers import tiles
from jaxstyle.weights.network_cache import NetworkCache

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("side", [64, 100, 101, 333])
@pytest.mark.parametrize("stride", [1, 4, 16])
def test_each_position_has_one_tile_that_holds_its_receptive_field(side, stride):
    before, after = 13, 22
    spans = tiles.spans(side, 100, before, after, stride)
    assert [span.first for span in spans][1:] == [span.end for span in spans][:-1]
    assert (spans[0].first, spans[-1].end) == (0, side)
    for span in spans:
        assert span.start % stride == span.first % stride == 0
        assert span.length <= 100 + stride
        assert span.start == 0 or span.first - span.start >= before
        assert span.start + span.length == side or span.start + span.length - span.end >= after


def test_too_small_a_tile_is_refused():
    with pytest.raises(ValueError, match="at least 64 are needed"):
        tiles.spans(200, 40, 16, 32, 16)


@pytest.mark.parametrize(
    ("name", "layers", "pooling", "padding"),
    [
        pytest.param(
            *("vgg16", ("relu1_1", "conv3_2", "relu4_1"), "max", "edge"), marks=pytest.mark.slow
        ),
        ("vgg16", ("relu2_1", "relu3_1"), "hanning", "zeros"),
        pytest.param("alexnet", ("relu1", "relu3"), "max", "reflect", marks=pytest.mark.slow),
    ],
)
def test_features_and_gradient_are_the_wholes(name, layers, pooling, padding):
    networks = NetworkCache()
    params = {name: networks[name].tensors}
    image = jnp.asarray(RNG.random((211, 170, 3)), jnp.float32)
    extract = extractor(
        [LayerRef(layer, name) for layer in layers],
        {name: networks.backbone(name)},
        pooling=pooling,
        padding=padding,
    )
    whole, pull = jax.vjp(jax.jit(extract), params, image)
    parts = tiles.features(extract, params, image, 160)
    assert len(tiles.tiling(extract, image.shape, 160).tiles) > 1
    for layer, expected in whole.items():
        size = np.abs(expected).max()
        np.testing.assert_allclose(parts[layer], expected, atol=1e-6 * size)
    cotangents = {
        layer: jnp.asarray(RNG.standard_normal(features.shape), jnp.float32)
        for layer, features in whole.items()
    }
    expected = pull(cotangents)[1]
    ones = jnp.ones_like(image)
    gradient = tiles.pull_back(extract, params, image, cotangents, ones, 160) - 1
    np.testing.assert_allclose(gradient, expected, atol=2e-6 * np.abs(expected).max())


# Gram, moments and covariance are sums over positions; sorted and paired positions are not.
@pytest.mark.parametrize(
    ("metrics", "layouts"),
    [
        ("gram+covariance+moments+histogram", ("40",)),
        ("gram+covariance+moments+histogram", ("recompute",)),
        ("contextual", ("40",)),
    ],
)
@pytest.mark.slow
def test_a_tiled_step_is_the_whole_step(metrics, layouts):
    settings = {
        **{"size": 64, "steps": 1, "scales": 1, "optimizer": "sgd", "smoothness": 0.1},
        **{"style_layers": ("relu2_1", "relu3_1"), "content_layers": ("relu3_1",)},
        **{"metric": metrics, "content_metric": "mse", "content_weight": 0.3},
    }
    # Nine tiles of one shape.
    content, style = RNG.random((2, 64, 64, 3))
    whole = jaxstyle.stylize(content, style, memory="whole", **settings)
    moved = np.abs(whole.image - content).max()
    assert moved > 1e-3
    for layout in layouts:
        other = jaxstyle.stylize(content, style, memory=layout, **settings)
        assert str(other.facts["memory"]["layout"]) == layout
        for name, (loss,) in whole.history.items():
            assert other.history[name][0] == pytest.approx(loss, rel=1e-4, abs=1e-9), name
        # Tiles of Winograd lie elsewhere: rounding, and here and there a ReLU on its edge.
        gap = np.abs(other.image - whole.image)
        assert gap.max() < 1e-2 * moved
        assert np.sqrt(np.mean(gap**2)) < 5e-4 * moved
