"""All layers of all networks against torch, and the function that computes them."""

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.fetching import needed
from support.made_up import made_up_resnet50
from support.reference_picture import picture

from jaxstyle.backbones import extractor, find, ops, winograd
from jaxstyle.specs import LayerRef
from jaxstyle.weights import registry
from jaxstyle.weights.convert import layouts

REFERENCE = np.load(Path(__file__).parents[1] / "data" / "features_reference.npz")
SETTINGS = sorted({tuple(name.split("/")[:3]) for name in REFERENCE})


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """torchvision's ResNet-50, whose weights are in no package: its layout, with other numbers."""
    path = tmp_path_factory.mktemp("weights") / "resnet50.npz"
    state = made_up_resnet50()
    state |= {"fc.weight": np.zeros((10, 2048), np.float32), "bn1.num_batches_tracked": np.array(7)}
    np.savez(path, **state)
    converted = layouts.read(path)
    assert converted.architecture == "resnet50-v1.5"
    return registry.Weights("resnet50-v1.5", converted.architecture, "", converted.tensors)


@pytest.mark.parametrize(("name", "pooling", "padding"), SETTINGS)
def test_every_layer_agrees_with_torch(name, pooling, padding, imported):
    loaded = imported if name == "resnet50-v1.5" else needed(name)
    # Of a block's pooling: below.
    layers = [layer for layer in find(loaded.architecture).layers if not layer.startswith("pool")]
    run = jax.jit(
        partial(
            extractor.features,
            layers=layers,
            architecture=loaded.architecture,
            pooling=pooling,
            padding=padding,
        )
    )
    values = run(loaded.tensors, jnp.asarray(picture()))
    assert set(values) == set(layers)
    for layer in layers:
        value = np.asarray(values[layer])
        places = np.random.default_rng(len(layer)).integers(0, value.size, 48)
        expected = REFERENCE[f"{name}/{pooling}/{padding}/{layer}"]
        error = np.linalg.norm(value.ravel()[places] - expected) / np.linalg.norm(expected)
        print(f"{name} {pooling} {padding} {layer}: {error:.1e}")
        assert error < 1e-4, layer


def test_only_what_the_layers_need_is_computed():
    tensors = registry.load("vgg16").tensors
    shallow = {name: tensors[name] for name in ("preprocess", "conv1_1", "conv1_2", "conv2_1")}
    values = extractor.features(shallow, jnp.asarray(picture()), ("relu2_1", "conv1_1"))
    assert {name: value.shape for name, value in values.items()} == {
        "conv1_1": (45, 64, 64),
        "relu2_1": (22, 32, 128),
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layers": ("relu6_1",)}, "has no layer 'relu6_1'; did you mean"),
        ({"layers": ("relu3_4",)}, "vgg16 has no layer"),
        ({"architecture": "vgg17"}, "did you mean 'vgg1"),
        ({"architecture": "resnet50", "layers": ("relu2_4",)}, "resnet50 has no layer 'relu2_4'"),
        ({"architecture": "alexnet", "layers": ("relu5",)}, "needs at least 31"),
        ({"pooling": "min"}, "expected pooling to be one of max, average"),
        ({"padding": "torus"}, "expected padding to be one of"),
        ({"dtype": "float16"}, "expected dtype to be one of float32, bfloat16"),
        ({"image": jnp.zeros((8, 8))}, r"shape \(height, width, 3\)"),
        ({"image": jnp.zeros((9, 7, 3)), "layers": ("relu4_1",)}, "at least 8"),
    ],
)
def test_wrong_arguments_are_refused(change, words):
    arguments = {"params": {}, "image": jnp.zeros((30, 30, 3)), "layers": ("relu1_1",)} | change
    with pytest.raises(ValueError, match=words):
        extractor.features(**arguments)


@pytest.mark.parametrize("name", ["vgg16", "alexnet"])
@pytest.mark.parametrize("padding", ["zeros", "reflect", "edge"])
def test_a_single_position_survives_every_padding(name, padding):
    deepest = find(name).layers[-1]
    least = find(name).min_side((deepest,))
    image = jnp.full((least, least, 3), 0.5)
    tensors = registry.load(name).tensors
    how = {"layers": (deepest,), "architecture": name, "padding": padding}
    values = jax.jit(partial(extractor.features, **how))(tensors, image)
    assert values[deepest].shape[:2] == (1, 1)
    assert np.isfinite(values[deepest]).all()


def correlated(x, kernel, border):
    """A convolution by its formula, float64."""
    x = np.pad(np.float64(x), ((border, border), (border, border), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
    return np.einsum("hwcij,ijcd->hwd", windows, np.float64(kernel))


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 6), (7, 5), (8, 13), (16, 17)])
@pytest.mark.parametrize("border", [0, 1, 2])
def test_every_algorithm_of_convolution_agrees_with_the_formula(shape, border):
    if min(shape) + 2 * border < 3:
        pytest.skip("nothing is left")
    random = np.random.default_rng(border)
    x = random.standard_normal((*shape, 5)).astype(np.float32)
    kernel = random.standard_normal((3, 3, 5, 4)).astype(np.float32)
    params = {"kernel": kernel, "bias": np.zeros(4, np.float32)}
    quick = params | {"winograd": winograd.transformed(kernel)}
    expected = correlated(x, kernel, border)
    cotangent = random.standard_normal(expected.shape).astype(np.float32)
    wide = np.pad(np.float64(cotangent), (((2 - border,) * 2,) * 2 + ((0, 0),)))
    expected_gradient = correlated(wide, kernel[::-1, ::-1].swapaxes(2, 3), 0)

    @jax.jit
    def both(params, x, cotangent):
        conv = partial(ops.Conv(4, 3, 1, border).apply, {"params": params})
        result, pull_back = jax.vjp(conv, x)
        return result, *pull_back(cotangent)

    for given in (params, quick):
        result, gradient = both(given, x, cotangent)
        np.testing.assert_allclose(result, expected, atol=1e-4)
        np.testing.assert_allclose(gradient, expected_gradient, atol=1e-4)


@pytest.mark.parametrize(("name", "layer"), [("vgg16", "relu2_1"), ("resnet18", "relu1")])
def test_bfloat16_rounds_features_and_passes_gradients(name, layer):
    tensors = registry.load("vgg16").tensors if name == "vgg16" else made_up(name, layer)

    def feature(image, dtype):
        how = {"architecture": name, "dtype": dtype}
        return extractor.features(tensors, image, (layer,), **how)[layer]

    @partial(jax.jit, static_argnames="dtype")
    def both(image, dtype):
        value, pull_back = jax.vjp(partial(feature, dtype=dtype), image)
        return value, *pull_back(2 * value)  # the gradient of the sum of squares

    image = jnp.asarray(picture()[:16, :16])
    (exact, gradient), (rounded, rounded_gradient) = both(image, "float32"), both(image, "bfloat16")
    assert (exact.dtype, rounded.dtype) == (jnp.float32, jnp.bfloat16)
    assert rounded_gradient.dtype == jnp.float32
    # A rounding is 2e-3; there are several, and some change which of a window is the greatest.
    pairs = (exact, rounded, 2e-2), (gradient, rounded_gradient, 0.2)
    for one, other, most in pairs:
        gap = jnp.linalg.norm(one - other) / jnp.linalg.norm(one)
        print(f"{name} {layer}: {gap:.4f}")
        assert 1e-4 < gap < most


def made_up(architecture, layer):
    """Random weights of a network up to a layer."""
    random = np.random.default_rng(0)
    affine = {"kernel": np.eye(3, dtype=np.float32), "bias": np.zeros(3, np.float32)}
    tensors = {"preprocess": affine}
    for spec in find(architecture).needed([layer]):
        shape = spec.size, spec.size, spec.inputs, spec.outputs
        kernel = random.standard_normal(shape) * (2 / spec.size**2 / spec.inputs) ** 0.5
        tensors[spec.name] = {
            "kernel": (kernel[0, 0] if spec.size == 1 else kernel).astype(np.float32),
            "bias": np.zeros(spec.outputs, np.float32),
        }
    return tensors


REF = LayerRef("relu1_2", "vgg16")


def test_precision_says_what_products_may_round_to(monkeypatch):
    tensors = {"vgg16": registry.load("vgg16").tensors}

    def traced_features(precision):
        extract = extractor.extractor([REF], {"vgg16": find("vgg16")}, precision=precision)
        traced = jax.make_jaxpr(extract)(tensors, jnp.zeros((8, 8, 3)))
        text = str(traced.jaxpr)
        convolutions = text[text.index("conv_general_dilated") :]
        return convolutions, jax.tree.leaves(jax.eval_shape(extract, tensors, jnp.zeros((8, 8, 3))))

    exact = "precision=(Precision.HIGHEST, Precision.HIGHEST)"
    text, (feature,) = traced_features("float32")
    assert text.count(exact) == 2
    assert feature.dtype == jnp.float32
    text, (feature,) = traced_features("tensorfloat32")
    assert exact not in text
    assert feature.dtype == jnp.float32
    assert traced_features("bfloat16")[1][0].dtype == jnp.float32  # on a CPU
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert traced_features("bfloat16")[1][0].dtype == jnp.bfloat16


@pytest.mark.parametrize("size", [2, 3])
def test_the_gradient_of_max_pooling_goes_to_the_greatest(size):
    x = jnp.array([[1.0, 5.0, 0.5], [3.0, 2.0, 0.2], [0.1, 0.4, 0.3]])[..., None]
    gradient = jax.grad(lambda x: ops.pool(x, "max", "zeros", size).sum())(x)
    np.testing.assert_array_equal(gradient[..., 0], [[0, 1, 0], [0, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_a_block_has_a_layer_of_its_pooling(pooling):
    layers = ("relu2_2", "pool2", "conv3_1")
    run = partial(extractor.features, pooling=pooling)
    values = run(registry.load("vgg16").tensors, jnp.asarray(picture()), layers)
    pooled = ops.pool(values["relu2_2"], pooling, "zeros")
    np.testing.assert_array_equal(values["pool2"], pooled)
    alone = run(registry.load("vgg16").tensors, jnp.asarray(picture()), ["pool2"])
    np.testing.assert_array_equal(alone["pool2"], pooled)


def test_hanning_pooling_is_the_root_of_the_weighted_mean_square():
    x = np.random.default_rng(0).random((5, 6, 2))
    window = np.outer(np.hanning(5)[1:-1], np.hanning(5)[1:-1])
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    expected = [
        [
            np.sqrt(
                np.einsum("hwc,hw->c", padded[i : i + 3, j : j + 3] ** 2, window / window.sum())
            )
            for j in (0, 2, 4)
        ]
        for i in (0, 2, 4)
    ]
    pooled = ops.pool(jnp.asarray(x, jnp.float32), "hanning", "zeros")
    np.testing.assert_allclose(pooled, expected, rtol=1e-6)


def test_several_networks_at_once_each_run_once(monkeypatch):
    runs = []
    features = extractor.features

    def counted(params, image, layers, **how):
        runs.append((how["architecture"].name, how["pooling"], tuple(layers)))
        return features(params, image, layers, **how)

    monkeypatch.setattr(extractor, "features", counted)
    names = ("vgg16:relu1_1", "alexnet:relu2", "vgg16:relu2_1", "vgg16/hanning/zeros:relu2_1")
    params = {name: registry.load(name).tensors for name in ("vgg16", "alexnet")}
    extract = extractor.extractor(
        map(LayerRef.parse, names), {name: find(name) for name in params}, pooling="average"
    )
    values = jax.eval_shape(extract, params, picture())
    assert set(values) == set(names)
    assert runs == [
        ("vgg16", "average", ("relu1_1", "relu2_1")),
        ("alexnet", "average", ("relu2",)),
        ("vgg16", "hanning", ("relu2_1",)),
    ]
    fields = extract.receptive_fields()
    assert fields.keys() == values.keys()
    assert fields["vgg16:relu2_1"] == (2, -4, 5)
    assert fields["vgg16/hanning/zeros:relu2_1"] == (2, -5, 5)


def test_leading_axes_are_a_batch():
    """The values are those of the pictures one by one."""
    tensors = registry.load("vgg16").tensors
    pictures = np.random.default_rng(0).random((2, 3, 17, 20, 3)).astype(np.float32)
    layers = ("relu1_2", "relu2_1")
    extract = extractor.extractor(
        [LayerRef(layer, "vgg16") for layer in layers], {"vgg16": find("vgg16")}
    )
    single = jax.jit(lambda image: extractor.features(tensors, image, layers))
    batch = extractor.features(tensors, pictures, layers)
    by_ref = extract({"vgg16": tensors}, pictures)
    for layer in layers:
        expected = np.stack([[single(image)[layer] for image in row] for row in pictures])
        np.testing.assert_allclose(batch[layer], expected, atol=1e-4)
        np.testing.assert_allclose(by_ref[f"vgg16:{layer}"], expected, atol=1e-4)
    with pytest.raises(ValueError, match=r"shape \(height, width, 3\)"):
        extractor.features(tensors, pictures[..., :1], layers)
