from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxstyle.backbones import vgg, weights

REFERENCE = np.load(Path(__file__).parent / "data" / "vgg_reference.npz")


def picture() -> np.ndarray:
    """The picture of tests/reference_features.py."""
    y, x = np.mgrid[0:45, 0:64] / 64
    waves = [0.5 + 0.4 * np.sin(9 * x * (k + 1) + 7 * y * (3 - k)) for k in range(3)]
    noise = np.random.default_rng(7).normal(0, 0.05, (45, 64, 3))
    return np.clip(np.stack(waves, -1) + noise, 0, 1).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "pooling", "padding"),
    [
        ("vgg16", "max", "zeros"),
        ("vgg16", "average", "edge"),
        ("vgg19-normalized", "max", "reflect"),
    ],
)
def test_every_layer_agrees_with_torch(name, pooling, padding):
    try:
        loaded = weights.load(name, offline=True)
    except FileNotFoundError:
        pytest.skip(f"{name} has not been fetched on this machine")
    layers = vgg.layer_names(loaded.architecture)
    run = jax.jit(
        partial(
            vgg.features,
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
    found = vgg.features(shallow, jnp.asarray(picture()), ("relu2_1", "conv1_1"))
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
        ({"pooling": "min"}, "expected pooling to be one of max, average"),
        ({"padding": "wrap"}, "expected padding to be one of"),
        ({"image": jnp.zeros((8, 8))}, r"shape \(height, width, 3\)"),
        ({"image": jnp.zeros((9, 7, 3)), "layers": ("relu4_1",)}, "at least 8"),
    ],
)
def test_what_cannot_be_is_told(change, words):
    arguments = {"params": {}, "image": jnp.zeros((32, 32, 3)), "layers": ("relu1_1",)} | change
    with pytest.raises(ValueError, match=words):
        vgg.features(**arguments)


def test_a_single_position_survives_every_padding():
    tensors = weights.load("vgg16").tensors
    image = jnp.full((16, 16, 3), 0.5)
    for padding in ("zeros", "reflect", "edge"):
        found = vgg.features(tensors, image, ("relu5_1",), padding=padding)
        assert found["relu5_1"].shape == (1, 1, 512)
        assert np.isfinite(found["relu5_1"]).all()


def test_the_gradient_of_max_pooling_goes_to_the_greatest():
    x = jnp.array([[1.0, 5.0], [3.0, 2.0]])[..., None]
    gradient = jax.grad(lambda x: vgg._pool(x, "max").sum())(x)
    np.testing.assert_array_equal(gradient[..., 0], [[0, 1], [0, 0]])
