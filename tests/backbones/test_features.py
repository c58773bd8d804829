"""Every network's every layer against torch, and the one function they are all behind."""

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.fetching import needed
from support.made_up import made_up_resnet50
from support.reference_picture import picture

from jaxstyle.backbones import architectures, winograd
from jaxstyle.backbones import extractor as networks
from jaxstyle.backbones import ops as building
from jaxstyle.objective import build as terms
from jaxstyle.weights import registry as weights
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
    layout, tensors = layouts.read(path)
    assert layout.architecture == "resnet50-v1.5"
    return weights.Weights("resnet50-v1.5", layout.architecture, "", tensors)


@pytest.mark.parametrize(("name", "pooling", "padding"), SETTINGS)
def test_every_layer_agrees_with_torch(name, pooling, padding, imported):
    loaded = imported if name == "resnet50-v1.5" else needed(name)
    layers = architectures.layer_names(loaded.architecture)
    run = jax.jit(
        partial(
            networks.features,
            layers=layers,
            architecture=loaded.architecture,
            pooling=pooling,
            padding=padding,
        )
    )
    found = run(loaded.tensors, jnp.asarray(picture()))
    assert set(found) == set(layers)
    for layer in layers:
        value = np.asarray(found[layer])
        places = np.random.default_rng(len(layer)).integers(0, value.size, 48)
        expected = REFERENCE[f"{name}/{pooling}/{padding}/{layer}"]
        error = np.linalg.norm(value.ravel()[places] - expected) / np.linalg.norm(expected)
        print(f"{name} {pooling} {padding} {layer}: {error:.1e}")
        assert error < 1e-4, layer


def test_only_what_the_layers_need_is_computed():
    tensors = weights.load("vgg16").tensors
    shallow = {name: tensors[name] for name in ("preprocess", "conv1_1", "conv1_2", "conv2_1")}
    found = networks.features(shallow, jnp.asarray(picture()), ("relu2_1", "conv1_1"))
    assert {name: value.shape for name, value in found.items()} == {
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
        ({"padding": "wrap"}, "expected padding to be one of"),
        ({"dtype": "float16"}, "expected dtype to be one of float32, bfloat16"),
        ({"image": jnp.zeros((8, 8))}, r"shape \(height, width, 3\)"),
        ({"image": jnp.zeros((9, 7, 3)), "layers": ("relu4_1",)}, "at least 8"),
    ],
)
def test_what_cannot_be_is_told(change, words):
    arguments = {"params": {}, "image": jnp.zeros((30, 30, 3)), "layers": ("relu1_1",)} | change
    with pytest.raises(ValueError, match=words):
        networks.features(**arguments)


@pytest.mark.parametrize("name", ["vgg16", "alexnet"])
@pytest.mark.parametrize("padding", ["zeros", "reflect", "edge"])
def test_a_single_position_survives_every_padding(name, padding):
    deepest = architectures.layer_names(name)[-1]
    least = architectures.smallest_side(name, (deepest,))
    image = jnp.full((least, least, 3), 0.5)
    tensors = weights.load(name).tensors
    found = networks.features(tensors, image, (deepest,), architecture=name, padding=padding)
    assert found[deepest].shape[:2] == (1, 1)
    assert np.isfinite(found[deepest]).all()


def correlated(x, kernel, border):
    """A convolution by its formula, float64."""
    x = np.pad(np.float64(x), ((border, border), (border, border), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
    return np.einsum("hwcij,ijcd->hwd", windows, np.float64(kernel))


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 6), (7, 5), (8, 13), (16, 17)])
@pytest.mark.parametrize("border", [0, 1, 2])
def test_every_way_to_convolve_agrees_with_the_formula(shape, border):
    if min(shape) + 2 * border < 3:
        pytest.skip("nothing is left")
    random = np.random.default_rng(border)
    x = random.standard_normal((*shape, 5)).astype(np.float32)
    kernel = random.standard_normal((3, 3, 5, 4)).astype(np.float32)
    params = {"kernel": kernel, "bias": np.zeros(4, np.float32)}
    quick = params | {"winograd": winograd.transformed(kernel)}
    expected = correlated(x, kernel, border)
    slope = random.standard_normal(expected.shape).astype(np.float32)
    wide = np.pad(np.float64(slope), (((2 - border,) * 2,) * 2 + ((0, 0),)))
    back = correlated(wide, kernel[::-1, ::-1].swapaxes(2, 3), 0)
    for given in (params, quick):
        conv = partial(building.Conv(4, 3, 1, border).apply, {"params": given})
        found, pull_back = jax.vjp(conv, x)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        np.testing.assert_allclose(pull_back(slope)[0], back, atol=1e-4)


@pytest.mark.parametrize(("name", "layer"), [("vgg16", "relu2_1"), ("resnet18", "relu1")])
def test_bfloat16_rounds_features_and_passes_gradients(name, layer):
    tensors = weights.load("vgg16").tensors if name == "vgg16" else made_up(name, layer)

    def seen(dtype, image):
        return networks.features(tensors, image, (layer,), architecture=name, dtype=dtype)[layer]

    image = jnp.asarray(picture()[:16, :16])
    exact, rounded = seen("float32", image), seen("bfloat16", image)
    assert (exact.dtype, rounded.dtype) == (jnp.float32, jnp.bfloat16)
    slopes = [
        jax.grad(lambda x, dtype=dtype: jnp.sum(seen(dtype, x).astype(jnp.float32) ** 2))(image)
        for dtype in ("float32", "bfloat16")
    ]
    assert slopes[1].dtype == jnp.float32
    # A rounding is 2e-3; there are several, and some change which of a window is the greatest.
    for (one, other), most in (((exact, rounded), 2e-2), (slopes, 0.2)):
        gap = jnp.linalg.norm(one - other) / jnp.linalg.norm(one)
        print(f"{name} {layer}: {gap:.4f}")
        assert 1e-4 < gap < most


def made_up(architecture, layer):
    """Random weights of a network up to a layer."""
    random = np.random.default_rng(0)
    affine = {"kernel": np.eye(3, dtype=np.float32), "bias": np.zeros(3, np.float32)}
    found = {"preprocess": affine}
    for each in architectures.needed(architecture, [layer]):
        shape = each.size, each.size, each.inputs, each.outputs
        kernel = random.standard_normal(shape) * (2 / each.size**2 / each.inputs) ** 0.5
        found[each.name] = {
            "kernel": (kernel[0, 0] if each.size == 1 else kernel).astype(np.float32),
            "bias": np.zeros(each.outputs, np.float32),
        }
    return found


def test_precision_says_what_products_may_round_to(monkeypatch):
    tensors = {"vgg16": weights.load("vgg16").tensors}

    def asked(precision):
        extract = networks.extractor(["vgg16:relu1_2"], {"vgg16": "vgg16"}, precision=precision)
        traced = jax.make_jaxpr(extract)(tensors, jnp.zeros((8, 8, 3)))
        text = str(traced.jaxpr)
        convolutions = text[text.index("conv_general_dilated") :]
        return convolutions, jax.tree.leaves(jax.eval_shape(extract, tensors, jnp.zeros((8, 8, 3))))

    exact = "precision=(Precision.HIGHEST, Precision.HIGHEST)"
    text, (feature,) = asked("float32")
    assert text.count(exact) == 2
    assert feature.dtype == jnp.float32
    text, (feature,) = asked("tensorfloat32")
    assert exact not in text
    assert feature.dtype == jnp.float32
    assert asked("bfloat16")[1][0].dtype == jnp.float32  # on a CPU
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert asked("bfloat16")[1][0].dtype == jnp.bfloat16


def test_winograds_way_is_taken_by_deep_layers_and_changes_nothing():
    tensors = weights.load("vgg16").tensors
    known = terms.Networks()
    params = known.on_device("vgg16", ["relu3_1", "relu4_1"])
    names = {name for name, entry in params.items() if "winograd" in entry}
    assert names == {"conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv4_1"}
    again = known.on_device("vgg16", ["relu4_2"])
    assert again["conv3_1"]["winograd"] is params["conv3_1"]["winograd"]
    image = np.random.default_rng(0).random((70, 90, 3)).astype(np.float32)
    for padding in ("zeros", "reflect"):
        one, other = (
            networks.features(given, image, ("relu3_1", "relu4_1"), padding=padding)
            for given in (params, tensors)
        )
        for layer in one:
            gap = np.abs(one[layer] - other[layer]).max() / np.abs(other[layer]).max()
            assert 0 < gap < 2e-5


@pytest.mark.parametrize("size", [2, 3])
def test_the_gradient_of_max_pooling_goes_to_the_greatest(size):
    x = jnp.array([[1.0, 5.0, 0.5], [3.0, 2.0, 0.2], [0.1, 0.4, 0.3]])[..., None]
    gradient = jax.grad(lambda x: building.pool(x, "max", "zeros", size).sum())(x)
    np.testing.assert_array_equal(gradient[..., 0], [[0, 1, 0], [0, 0, 0], [0, 0, 0]])


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
    found = building.pool(jnp.asarray(x, jnp.float32), "hanning", "zeros")
    np.testing.assert_allclose(found, expected, rtol=1e-6)


class TestNamesOfLayers:
    def test_a_place_is_what_its_name_says(self):
        for name in ("resnet50:relu3_4", "alexnet/max/zeros:relu1"):
            assert str(networks.place(name, "vgg16")) == name
        assert str(networks.place("relu3_1", "vgg16")) == "vgg16:relu3_1"

    @pytest.mark.parametrize("name", ["vgg16/max:relu1_1", "vgg16/min/zeros:relu1_1", "a/b/c/d:e"])
    def test_others_are_told(self, name):
        with pytest.raises(ValueError, match="expected a layer such as"):
            networks.place(name, "vgg16")

    def test_usual_layers_have_counterparts(self):
        usual = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1")
        expected = {
            "vgg19": usual,
            "resnet50": ("relu1", "relu2_3", "relu3_4", "relu4_6", "relu4_6", "relu5_3"),
            "alexnet": ("relu1", "relu2", "relu3", "relu4", "relu4", "relu5"),
        }
        for architecture, layers in expected.items():
            found = [architectures.counterpart(architecture, layer) for layer in usual]
            assert tuple(found) == layers


def test_several_networks_at_once_each_run_once(monkeypatch):
    runs = []
    alone = networks.features

    def counted(params, image, layers, **how):
        runs.append((how["architecture"], how["pooling"], tuple(layers)))
        return alone(params, image, layers, **how)

    monkeypatch.setattr(networks, "features", counted)
    names = ("vgg16:relu1_1", "alexnet:relu2", "vgg16:relu2_1", "vgg16/hanning/zeros:relu2_1")
    params = {name: weights.load(name).tensors for name in ("vgg16", "alexnet")}
    extract = networks.extractor(names, {name: name for name in params}, pooling="average")
    found = extract(params, jnp.asarray(picture()))
    assert set(found) == set(names)
    assert runs == [
        ("vgg16", "average", ("relu1_1", "relu2_1")),
        ("alexnet", "average", ("relu2",)),
        ("vgg16", "hanning", ("relu2_1",)),
    ]
