"""Weights by name for a run: loaded, and put on the device, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import jax
import numpy as np

from jaxstyle._util.arguments import instance, shown, text
from jaxstyle.backbones import BACKBONES, Backbone, winograd
from jaxstyle.backbones.extractor import Parameters
from jaxstyle.weights import registry
from jaxstyle.weights.cache import Weights


class NetworkCache(Mapping[str, Weights]):
    """Weights by name, loaded (and fetched if necessary) when they are first looked up.

    >>> networks = NetworkCache()
    >>> networks.backbone("vgg16").layers[-1]
    'pool5'
    >>> list(networks)
    ['vgg16']
    """

    def __init__(self, *, offline: bool = False) -> None:
        """Create an empty cache; one that is `offline` never fetches."""
        self._offline = offline
        self._loaded: dict[str, Weights] = {}
        self._on_device: dict[str, Parameters] = {}
        self._winograd: dict[tuple[str, str], jax.Array] = {}

    def add(self, weights: Weights) -> None:
        """Add weights from elsewhere, or raise a `ValueError` if others of that name are in use."""
        if self._loaded.setdefault(weights.name, weights) is not weights:
            raise ValueError(f"other weights are named {weights.name!r}; choose another name")

    def name_of(self, network: str | Weights) -> str:
        """Return the name of a network; weights that come from elsewhere are added first."""
        if isinstance(network, str):
            return text("a network", network)
        if not isinstance(network, Weights):
            raise TypeError(f"expected weights or their name, got {shown(network)}")
        instance("the tensors of weights", network.tensors, Mapping)
        text("the name of weights", network.name)
        self.add(network)
        return network.name

    def __getitem__(self, name: str) -> Weights:
        if name not in self._loaded:
            self._loaded[name] = registry.load(name, offline=self._offline)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)

    def backbone(self, name: str) -> Backbone:
        """Return the record of a network, or raise a `ValueError` if the weights are of none."""
        architecture = self[name].architecture
        if isinstance(architecture, Backbone):
            return architecture
        if architecture not in BACKBONES:
            raise ValueError(f"{name} is no network that features could be taken from")
        return BACKBONES[architecture]

    def on_device(self, name: str, layers: Iterable[str]) -> Parameters:
        """Return a network's weights on the device, the same arrays at each call.

        On a CPU the convolutions that `layers` need are prepared for Winograd's algorithm.

        Raises:
            ValueError: The weights lack a tensor that `layers` need.
        """
        self._check_tensors(name, layers)
        if name not in self._on_device:
            self._on_device[name] = jax.device_put(self[name].tensors)
        params = dict(self._on_device[name])
        if jax.default_backend() == "cpu":
            for entry in self.backbone(name).fast_convolutions(layers):
                if (name, entry) not in self._winograd:
                    kernel = np.asarray(self[name].tensors[entry]["kernel"])
                    self._winograd[name, entry] = jax.device_put(winograd.transformed(kernel))
                params[entry] = {**params[entry], "winograd": self._winograd[name, entry]}
        return params

    def _check_tensors(self, name: str, layers: Iterable[str]) -> None:
        for spec in self.backbone(name).needed(layers):
            for tensor, shape in spec.shapes.items():
                entry, _, kind = tensor.rpartition(".")
                given = self[name].tensors.get(entry, {}).get(kind)
                got = None if given is None else np.shape(given)
                if got != shape:
                    raise ValueError(
                        f"expected {tensor} of shape {shape} in the weights {name}, got {got}"
                    )

    def checksums(self) -> dict[str, str]:
        """Return the SHA-256 of all weights that were looked up so far, by name."""
        return {name: weights.sha256 for name, weights in self._loaded.items()}
