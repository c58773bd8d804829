"""Pretrained networks: pictures in, named features out.

Each family is one file of this folder and lists its architectures in a tuple `BACKBONES`; the
mapping of that name here gathers them. Another package adds its own by an entry point of the group
`jaxstyle.backbones` that loads to a `Backbone` or a tuple of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from jaxstyle._util import arguments
from jaxstyle._util.names import nearest
from jaxstyle._util.plugins import Registry
from jaxstyle.backbones import alexnet, resnet, vgg
from jaxstyle.backbones.record import Backbone

__all__ = ["BACKBONES", "Backbone", "find"]

BACKBONES: Mapping[str, Backbone] = Registry(
    "jaxstyle.backbones", Backbone, (*vgg.BACKBONES, *resnet.BACKBONES, *alexnet.BACKBONES)
)
"""Every architecture by name."""


def find(name: str) -> Backbone:
    """Return the backbone of that architecture.

    >>> find("vgg16")
    Backbone('vgg16')

    Raises:
        ValueError: There is none; the message names the nearest.
    """
    arguments.text("the architecture", name)
    if name not in BACKBONES:
        raise ValueError(
            f"expected the architecture to be one of {', '.join(BACKBONES)}, "
            f"got {arguments.shown(name)}{nearest(name, BACKBONES)}"
        )
    return BACKBONES[name]
