"""Weights on the device, prepared once."""

from functools import partial

import jax
import numpy as np
import pytest

from jaxstyle.backbones.extractor import features
from jaxstyle.weights import registry
from jaxstyle.weights.network_cache import NetworkCache


def test_winograds_algorithm_is_used_by_deep_layers_and_changes_nothing():
    tensors = registry.load("vgg16").tensors
    networks = NetworkCache()
    params = networks.on_device("vgg16", ["relu3_1", "relu4_1"])
    names = {name for name, entry in params.items() if "winograd" in entry}
    assert names == {"conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv4_1"}
    again = networks.on_device("vgg16", ["relu4_2"])
    assert again["conv3_1"]["winograd"] is params["conv3_1"]["winograd"]
    image = np.random.default_rng(0).random((70, 90, 3)).astype(np.float32)
    for padding in ("zeros", "reflect"):
        compiled = jax.jit(partial(features, layers=("relu3_1", "relu4_1"), padding=padding))
        fast, plain = compiled(params, image), compiled(tensors, image)
        for layer in fast:
            gap = np.abs(fast[layer] - plain[layer]).max() / np.abs(plain[layer]).max()
            assert 0 < gap < 2e-5


def test_weights_are_loaded_when_they_are_looked_up(monkeypatch):
    loaded = []
    load = registry.load
    monkeypatch.setattr(
        registry, "load", lambda name, **how: loaded.append(name) or load(name, **how)
    )
    networks = NetworkCache(offline=True)
    assert not networks.checksums()
    assert networks["alexnet"] is networks["alexnet"]
    assert networks.backbone("alexnet").name == "alexnet"
    assert loaded == ["alexnet"]
    assert networks.checksums() == {"alexnet": registry.SOURCES["alexnet"].sha256}


def test_what_is_no_network_is_refused():
    with pytest.raises(ValueError, match="lpips-alex is no network"):
        NetworkCache().backbone("lpips-alex")
    with pytest.raises(ValueError, match="did you mean 'vgg16'"):
        NetworkCache().backbone("vgg-16")
