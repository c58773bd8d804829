"""Similarity metrics: pure functions of features, one family per file.

Each file of this folder lists its metrics in a tuple `METRICS`; the mapping `METRICS` of this
package gathers them, so that a new metric is a new file and nothing else. Other packages add theirs
by an entry point in the group `jaxstyle.metrics` that loads to a `Metric` or a tuple of them:

    [project.entry-points."jaxstyle.metrics"]
    mine = "my_package.my_module:METRICS"
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import get_args

from jaxstyle._util import arguments
from jaxstyle._util.arguments import shown
from jaxstyle._util.names import nearest
from jaxstyle._util.plugins import Registry
from jaxstyle.metrics.metric import Kind, Metric

__all__ = ["KINDS", "METRICS", "Metric", "find"]

KINDS: tuple[Kind, ...] = get_args(Kind)


def _of_kind(kind: Kind) -> Mapping[str, Metric]:
    def belongs(metric: Metric) -> bool:
        return metric.kind == kind

    return Registry("jaxstyle.metrics", Metric, filter(belongs, _BUILT_IN), belongs)


_modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
_BUILT_IN: list[Metric] = [metric for m in _modules for metric in getattr(m, "METRICS", ())]
METRICS: Mapping[Kind, Mapping[str, Metric]] = MappingProxyType({k: _of_kind(k) for k in KINDS})
"""Every metric by kind and name."""


def find(name: str, kind: Kind | None = None) -> Metric:
    """Return the metric of a name.

    >>> find("gram").kind
    'style'

    Args:
        name: The metric's name.
        kind: Search this kind only. By default style comes before content before image.

    Raises:
        ValueError: There is no such metric or kind; the message names the nearest.
    """
    arguments.text("a metric", name)
    if kind is not None and kind not in KINDS:
        raise ValueError(f"expected kind to be one of {', '.join(KINDS)}, got {shown(kind)}")
    kinds = KINDS if kind is None else (kind,)
    for candidate in (*kinds, *KINDS):
        if name in METRICS[candidate]:
            if candidate not in kinds:
                raise ValueError(f"expected a metric of kind {kind}, {name} is of kind {candidate}")
            return METRICS[candidate][name]
    known = [metric for candidate in kinds for metric in METRICS[candidate]]
    what = "metric" if kind is None else f"{kind} metric"
    raise ValueError(
        f"no {what} is named {shown(name)}{nearest(name, known) or '; see `jaxstyle metrics`'}"
    )
