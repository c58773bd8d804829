"""Networks on pictures that wrap: features, and their gradient, move with the picture."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.fetching import needed

from jaxstyle.backbones import extractor, find, ops
from jaxstyle.backbones.record import Convolution
from jaxstyle.specs import LayerRef
from jaxstyle.transfer.steppers import tiles
from jaxstyle.weights.network_cache import NetworkCache

RANDOM = np.random.default_rng(6)
NETWORKS = [
    ("vgg16", ("relu1_1", "relu2_2", "relu3_1"), "max", 4),
    pytest.param("vgg16", ("relu3_2", "relu4_1"), "max", 8, marks=pytest.mark.slow),
    pytest.param("vgg16", ("pool1", "relu3_1^1", "relu5_1"), "average", 16, marks=pytest.mark.slow),
    pytest.param("vgg16", ("relu2_2", "relu4_3"), "hanning", 8, marks=pytest.mark.slow),
    pytest.param("vgg19-normalized", ("relu1_1", "relu5_4"), "max", 16, marks=pytest.mark.slow),
    pytest.param("alexnet", ("relu1", "relu2", "relu5"), "max", 16, marks=pytest.mark.slow),
    pytest.param("alexnet", ("relu1", "relu5"), "average", 16, marks=pytest.mark.slow),
    pytest.param("resnet18", ("relu1", "relu5_2"), "max", 32, marks=pytest.mark.slow),
    pytest.param("resnet50", ("relu1", "relu4_6"), "max", 16, marks=pytest.mark.slow),
]


def made(name, layers, pooling, padding="edge", wrap=(True, True)):
    loaded = needed(name)
    refs = [LayerRef.parse(f"{name}:{layer}") for layer in layers]
    architecture = loaded.architecture
    backbone = find(architecture) if isinstance(architecture, str) else architecture
    extract = extractor.extractor(
        refs, {name: backbone}, pooling=pooling, padding=padding, wrap=wrap
    )
    return extract, {name: NetworkCache().on_device(name, list(layers))}


@pytest.mark.parametrize(("name", "layers", "pooling", "stride"), NETWORKS)
def test_features_and_gradient_move_with_the_picture(name, layers, pooling, stride):
    layers = tuple(layers)
    extract, params = made(name, [layer.partition("^")[0] for layer in layers], pooling)
    extract = extractor.extractor(
        [LayerRef.parse(f"{name}:{layer}") for layer in layers],
        dict(extract.backbones),
        pooling=pooling,
        padding="edge",
        wrap=(True, True),
    )
    assert extract.stride == stride
    image = jnp.asarray(np.random.default_rng(6).random((3 * 32, 2 * 32, 3)), jnp.float32)
    shift = (stride, -2 * stride)
    features = jax.jit(partial(extract, params))
    strides = {ref: field.stride for ref, field in extract.receptive_fields().items()}
    before, after = features(image), features(jnp.roll(image, shift, (0, 1)))
    for layer, grid in before.items():
        assert grid.shape[:2] == (96 // strides[layer], 64 // strides[layer])
        expected = np.roll(grid, [by // strides[layer] for by in shift], (0, 1))
        size = np.abs(expected).max()
        np.testing.assert_allclose(after[layer], expected, atol=2e-5 * size)
    slope = jax.jit(jax.grad(lambda x: sum(jnp.mean(g**2) for g in extract(params, x).values())))
    gradient, moved = slope(image), slope(jnp.roll(image, shift, (0, 1)))
    # Where a rounding chooses another side of a ReLU or another maximum, the pixels that it sees
    # differ a little; one edge that does not wrap changes nearly all of them.
    off = np.abs(moved - np.roll(gradient, shift, (0, 1))) / np.abs(gradient).max()
    assert (off > 1e-4).mean() < 0.08
    assert off.max() < 1e-2


def test_one_axis_wraps_and_the_other_ends():
    extract, params = made("vgg16", ("relu2_1",), "max", wrap=(False, True))
    image = jnp.asarray(RANDOM.random((32, 48, 3)), jnp.float32)
    across, down = jnp.roll(image, 16, 1), jnp.roll(image, 16, 0)
    features = jax.jit(lambda x: extract(params, x)["vgg16:relu2_1"])
    expected = np.asarray(features(image))
    np.testing.assert_allclose(features(across), np.roll(expected, 8, 1), atol=1e-4)
    assert np.abs(features(down) - np.roll(expected, 8, 0)).max() > 1e-2
    # Far from the edges that wrap, a picture that ends has the same.
    ending = jax.jit(lambda x: extract.of_styles(params, x)["vgg16:relu2_1"])(image)
    np.testing.assert_allclose(ending[:, 6:-6], expected[:, 6:-6], atol=1e-4)


def test_padding_wrap_is_both_axes_of_every_picture():
    extract, params = made("vgg16", ("relu2_1",), "max")
    padded, _ = made("vgg16", ("relu2_1",), "max", padding="wrap", wrap=(False, False))
    image = jnp.asarray(RANDOM.random((32, 48, 3)), jnp.float32)
    for other in (padded, padded.of_styles):
        np.testing.assert_allclose(
            other(params, image)["vgg16:relu2_1"], extract(params, image)["vgg16:relu2_1"]
        )
    assert padded.around == (True, True)


@pytest.mark.parametrize(
    ("size", "stride", "border"), [(3, 1, None), (7, 2, 3), (11, 4, 2), (3, 2, 1)]
)
def test_a_wrapped_convolution_is_the_product_of_spectra(size, stride, border):
    spec = Convolution("conv", size, 2, 3, stride, border)
    x = RANDOM.standard_normal((16, 24, 2)).astype(np.float32)
    kernel = RANDOM.standard_normal((size, size, 2, 3)).astype(np.float32)

    class Alone(ops.nn.Module):
        @ops.nn.compact
        def __call__(self, x):
            return ops.convolve(spec, x, "zeros", (True, True))

    params = {"conv": {"kernel": kernel, "bias": np.zeros(3, np.float32)}}
    result = Alone().apply({"params": params}, jnp.asarray(x))
    # Correlation with a kernel that begins `pad` positions before the place.
    padded = np.zeros((16, 24, 2, 3))
    padded[:size, :size] = kernel
    padded = np.roll(padded, (-spec.pad, -spec.pad), (0, 1))
    waves = np.fft.fft2(x, axes=(0, 1)), np.conj(np.fft.fft2(padded, axes=(0, 1)))
    product = np.einsum("hwc,hwcd->hwd", *waves)
    expected = np.fft.ifft2(product, axes=(0, 1)).real[::stride, ::stride]
    np.testing.assert_allclose(result, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("wrap", [(True, True), (False, True)])
def test_tiles_of_a_wrapped_picture_are_the_whole(wrap):
    extract, params = made("vgg16", ("relu2_1", "relu3_1"), "max", wrap=wrap)
    image = jnp.asarray(RANDOM.random((112, 160, 3)), jnp.float32)
    whole, pull = jax.vjp(jax.jit(extract), params, image)
    parts = tiles.features(extract, params, image, 96)
    for layer, expected in whole.items():
        np.testing.assert_allclose(parts[layer], expected, atol=2e-5 * np.abs(expected).max())
    cotangents = {
        layer: jnp.asarray(RANDOM.standard_normal(grid.shape), jnp.float32)
        for layer, grid in whole.items()
    }
    expected = pull(cotangents)[1]
    ones = jnp.ones_like(image)
    gradient = tiles.pull_back(extract, params, image, cotangents, ones, 96) - 1
    # Where a rounding chooses another side of a ReLU or another maximum, some pixels differ; a seam
    # that is wrong changes a sixth of them or more.
    wrong = np.abs(gradient - expected) > 5e-6 * np.abs(expected).max()
    assert wrong.mean() < 0.08
