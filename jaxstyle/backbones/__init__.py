"""Pretrained networks: pictures in, named features out.

Each family is one file of this folder and lists its architectures in a tuple `BACKBONES`; the
mapping of that name here gathers them. Another package adds its own by an entry point of the group
`jaxstyle.backbones` that loads to a `Backbone` or a tuple of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle._util.plugins import registered
from jaxstyle.backbones import alexnet, resnet, vgg
from jaxstyle.backbones.record import Backbone

__all__ = ["BACKBONES", "Backbone", "find"]


class _Gathered(Mapping[str, Backbone]):
    """Gathers the backbones when one is first looked up.

    Not on import: a package that registers backbones may be what imports this one, and its own
    import is complete only later.
    """

    @cached_property
    def _backbones(self) -> dict[str, Backbone]:
        builtin = (*vgg.BACKBONES, *resnet.BACKBONES, *alexnet.BACKBONES)
        gathered = {backbone.name: backbone for backbone in builtin}
        for source, backbone in registered("jaxstyle.backbones", Backbone):
            if gathered.setdefault(backbone.name, backbone) is not backbone:
                logger.warning(
                    f"entry point {source} is left out: there is a backbone {backbone.name!r} "
                    "already"
                )
        return gathered

    def __getitem__(self, name: str) -> Backbone:
        return self._backbones[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._backbones)

    def __len__(self) -> int:
        return len(self._backbones)


BACKBONES: Mapping[str, Backbone] = _Gathered()
"""Every architecture by name."""


def find(name: str) -> Backbone:
    """Return the backbone of that architecture.

    >>> find("vgg16")
    Backbone('vgg16')

    Raises:
        ValueError: There is none; the message names the nearest.
    """
    if name not in BACKBONES:
        raise ValueError(
            f"expected the architecture to be one of {', '.join(BACKBONES)}, got {name!r}"
            f"{nearest(name, BACKBONES)}"
        )
    return BACKBONES[name]
