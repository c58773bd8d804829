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
from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType

from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle._util.plugins import registered
from jaxstyle.metrics.metric import Kind, Metric

__all__ = ["KINDS", "METRICS", "Metric", "find"]

KINDS: tuple[Kind, ...] = ("style", "content", "image")


def _built_in() -> dict[Kind, dict[str, Metric]]:
    metrics: dict[Kind, dict[str, Metric]] = {kind: {} for kind in KINDS}
    for module in pkgutil.iter_modules(__path__):
        family = importlib.import_module(f"{__name__}.{module.name}")
        for metric in getattr(family, "METRICS", ()):
            if metrics[metric.kind].setdefault(metric.name, metric) is not metric:
                raise RuntimeError(f"two {metric.kind} metrics are named {metric.name!r}")
    return metrics


_BUILT_IN = _built_in()


class _Registry(Mapping[Kind, Mapping[str, Metric]]):
    """The built-in metrics, and those of other packages.

    The latter are loaded at first use, not at import: such a package imports this one first.
    """

    @cached_property
    def _metrics(self) -> dict[Kind, dict[str, Metric]]:
        metrics = {kind: dict(named) for kind, named in _BUILT_IN.items()}
        for source, metric in registered("jaxstyle.metrics", Metric):
            if metrics[metric.kind].setdefault(metric.name, metric) is not metric:
                logger.warning(
                    f"entry point {source} is left out: there is a {metric.kind} metric "
                    f"{metric.name!r} already"
                )
        return metrics

    def __getitem__(self, kind: Kind) -> Mapping[str, Metric]:
        return MappingProxyType(self._metrics[kind])

    def __iter__(self) -> Iterator[Kind]:
        return iter(KINDS)

    def __len__(self) -> int:
        return len(KINDS)


METRICS: Mapping[Kind, Mapping[str, Metric]] = _Registry()
"""Every metric by kind and name."""


def find(name: str, kind: Kind | None = None) -> Metric:
    """Return the metric of a name.

    >>> find("gram").kind
    'style'

    Args:
        name: The metric's name.
        kind: Search this kind only. By default style comes before content before image.

    Raises:
        ValueError: There is no such metric; the message names the nearest.
    """
    kinds = KINDS if kind is None else (kind,)
    # Built-in ones first, so that a package can use them while it is being imported.
    for metrics in (_BUILT_IN, METRICS):
        for candidate in kinds:
            if name in metrics[candidate]:
                return metrics[candidate][name]
    for other in KINDS:
        if name in METRICS[other]:
            raise ValueError(f"expected a {kind} metric, {name} is for {other}")
    known = [metric for candidate in kinds for metric in METRICS[candidate]]
    what = "metric" if kind is None else f"{kind} metric"
    raise ValueError(
        f"no {what} is named {name!r}{nearest(name, known) or '; see `jaxstyle metrics`'}"
    )
