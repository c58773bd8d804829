"""What `jaxstyle metrics` shows, kept between runs: the metrics themselves import JAX."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxstyle._util.cache import cache_folder
from jaxstyle._util.files import write_whole

if TYPE_CHECKING:
    from jaxstyle.metrics import Metric

GROUP = "jaxstyle.metrics"
ROW = ["name", "kind", "meaning", "cost", "paper", "layers", "parameters", "symmetric", "gathers"]
"""The facts of `--json`."""
_MORE = ["random", "zero", "weights"]


def metric_facts() -> list[dict[str, Any]]:
    """Return the facts of all metrics, with the docstrings of their functions.

    They are kept in the cache until a source file of a metric changes. Where other packages
    register metrics nothing is kept, since their files are not known.
    """
    if entry_points(group=GROUP):
        return _compute()
    path = cache_folder() / "listings" / f"metrics-{_digest()}.json"
    try:
        kept: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
        return kept
    except (OSError, ValueError):
        facts = _compute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda file: file.write(json.dumps(facts).encode()))
        for other in path.parent.glob("metrics-*.json"):
            if other != path:
                other.unlink(missing_ok=True)
    except OSError:
        pass  # a cache that cannot be written costs time, and nothing else
    return facts


def _digest() -> str:
    """Return a digest of the source files that the facts are made from."""
    digest = hashlib.sha256()
    folder = Path(__file__).parents[1] / "metrics"
    for path in (Path(__file__), *sorted(folder.glob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _compute() -> list[dict[str, Any]]:
    from jaxstyle.metrics import KINDS, METRICS

    return [_facts(metric) for kind in KINDS for metric in METRICS[kind].values()]


def _facts(metric: Metric) -> dict[str, Any]:
    facts = {fact: getattr(metric, fact) for fact in [*ROW, *_MORE]}
    given = (metric.summarize, metric.finish, metric.distance)
    functions = dict.fromkeys(f for one in given for f in _documented(one))
    facts["functions"] = [
        [f"{function.__module__}.{function.__qualname__}", inspect.getdoc(function) or ""]
        for function in functions
    ]
    plain: dict[str, Any] = json.loads(json.dumps(facts))  # the same types as from the cache
    return plain


def _documented(function: Any) -> Iterator[Any]:
    """Yield the function if it has a docstring, else those that a closure holds and that do."""
    while isinstance(function, partial):
        function = function.func
    if hasattr(function, "__qualname__") and function.__doc__:
        yield function
        return
    for cell in getattr(function, "__closure__", None) or ():
        yield from _documented(cell.cell_contents)
