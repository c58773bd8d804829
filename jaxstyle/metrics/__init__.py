"""Similarity metrics: pure functions on features, one family a file.

Each file of this folder lists what it offers in a tuple `METRICS`; the mapping of that name here
gathers them, so that a new metric is a new file and nothing else.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from jaxstyle.metrics.metric import Metric
from jaxstyle.suggest import nearest

__all__ = ["METRICS", "Metric", "find"]


def _gather() -> Mapping[str, Metric]:
    found: dict[str, Metric] = {}
    for module in pkgutil.iter_modules(__path__):
        offered = getattr(importlib.import_module(f"{__name__}.{module.name}"), "METRICS", ())
        for metric in offered:
            if metric.name in found:
                raise RuntimeError(f"two metrics are named {metric.name!r}")
            found[metric.name] = metric
    return MappingProxyType(found)


METRICS: Mapping[str, Metric] = _gather()
"""Every metric by name."""


def find(name: str) -> Metric:
    """The metric of that name.

    >>> find("gram").kind
    'style'

    Raises:
        ValueError: There is none; the message names the nearest.
    """
    if name not in METRICS:
        raise ValueError(
            f"no metric is named {name!r}{nearest(name, METRICS)}; there are {', '.join(METRICS)}"
        )
    return METRICS[name]
