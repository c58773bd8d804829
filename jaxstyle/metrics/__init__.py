"""Similarity metrics: pure functions on features, one family a file.

Each file of this folder lists what it offers in a tuple `METRICS`; the mapping of that name here
gathers them, so that a new metric is a new file and nothing else.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from jaxstyle._util.names import nearest
from jaxstyle.metrics.metric import Kind, Metric

__all__ = ["KINDS", "METRICS", "Metric", "find"]

KINDS: tuple[Kind, ...] = ("style", "content", "image")


def _gather() -> Mapping[Kind, Mapping[str, Metric]]:
    found: dict[Kind, dict[str, Metric]] = {kind: {} for kind in KINDS}
    for module in pkgutil.iter_modules(__path__):
        offered = getattr(importlib.import_module(f"{__name__}.{module.name}"), "METRICS", ())
        for metric in offered:
            if metric.name in found[metric.kind]:
                raise RuntimeError(f"two {metric.kind} metrics are named {metric.name!r}")
            found[metric.kind][metric.name] = metric
    return MappingProxyType({kind: MappingProxyType(named) for kind, named in found.items()})


METRICS: Mapping[Kind, Mapping[str, Metric]] = _gather()
"""Every metric by kind and name."""


def find(name: str, kind: Kind | None = None) -> Metric:
    """The metric of that name.

    >>> find("gram").kind
    'style'

    Args:
        name: The metric's.
        kind: Only among these; without it style comes before content before image.

    Raises:
        ValueError: There is none; the message names the nearest.
    """
    kinds = KINDS if kind is None else (kind,)
    for each in kinds:
        if name in METRICS[each]:
            return METRICS[each][name]
    for each in KINDS:
        if name in METRICS[each]:
            raise ValueError(f"expected a {kind} metric, {name} is for {each}")
    known = [known for each in kinds for known in METRICS[each]]
    what = "metric" if kind is None else f"{kind} metric"
    raise ValueError(
        f"no {what} is named {name!r}{nearest(name, known) or '; see `jaxstyle metrics`'}"
    )
