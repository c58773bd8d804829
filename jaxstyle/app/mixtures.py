"""Mixtures of metrics as a page shows them: rows with a field for each part, and one text.

Both say the same. What is shown names in `source` which of them was changed last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from jaxstyle.backbones import find as find_network
from jaxstyle.metrics import METRICS, find
from jaxstyle.metrics.metric import Kind
from jaxstyle.metrics.smoothing import Smoothing
from jaxstyle.specs import LayerRef, MetricSpec, as_layers, parse_mixture
from jaxstyle.weights.registry import listing

USABLE = ("ready", "not fetched")
"""Status of networks that a run can have: by name alone, nothing of the page is one."""


def networks() -> dict[str, str]:
    """Return the networks that a run can have by name, with their architectures."""
    rows = listing()
    return {
        row["name"]: row["architecture"]
        for row in rows
        if row["layers"] and row["status"] in USABLE
    }


def catalog(kind: Kind) -> dict[str, Any]:
    """Return what the fields offer: metrics of a kind, networks with their layers, smoothings."""
    metrics = {
        metric.name: {
            "meaning": metric.meaning,
            "layers": ", ".join(map(str, metric.layers)),
            "fixed": _is_fixed(metric.layers),
        }
        for metric in METRICS[kind].values()
    }
    layers = {name: list(find_network(one).layers) for name, one in networks().items()}
    return {"metrics": metrics, "networks": layers, "smoothings": list(get_args(Smoothing))}


def shown_for(specs: Sequence[MetricSpec]) -> dict[str, Any]:
    """Return what is shown for a mixture.

    >>> shown_for([MetricSpec.parse("gram@alexnet:relu1,alexnet:relu2=0.5")])["text"]
    'gram@alexnet:relu1,alexnet:relu2=0.5'
    """
    return {"rows": [_row(spec) for spec in specs], "text": "+".join(map(str, specs))}


def specs_from(shown: Mapping[str, Any], kind: Kind) -> tuple[MetricSpec, ...]:
    """Return the mixture that is shown; rows without a metric are left out.

    >>> row = {"metric": "gram", "weight": "0.5", "network": "alexnet"}
    >>> print(*specs_from({"rows": [row]}, "style")[0].layers[:2])
    alexnet:relu1 alexnet:relu2

    Args:
        shown: `rows` and `text`, and in `source` which of them counts (default: the rows).
        kind: Of its metrics.

    Raises:
        ValueError: A part that cannot be used.
    """
    if shown.get("source") == "text":
        text = str(shown.get("text") or "").strip()
        specs = parse_mixture(text) if text else ()
    else:
        rows = shown.get("rows") or ()
        specs = tuple(_spec(row, kind) for row in rows if row.get("metric"))
    for spec in specs:
        find(spec.name, kind)
    return specs


def _row(spec: MetricSpec) -> dict[str, Any]:
    prefixes = {str(ref).rpartition(":")[0] for ref in spec.layers}
    network = prefixes.pop() if len(prefixes) == 1 else ""
    layers = [str(ref).removeprefix(f"{network}:") for ref in spec.layers]
    return {
        "metric": spec.name,
        "weight": spec.weight,
        "layers": ", ".join(layers),
        "network": network,
        "smoothing": spec.smoothing,
        "temperature": spec.temperature,
        "steps": spec.steps,
    }


def _spec(row: Mapping[str, Any], kind: Kind) -> MetricSpec:
    name = str(row["metric"])
    temperature = _number(row, "temperature")
    smoothing = str(row.get("smoothing") or "none")
    label = name if smoothing == "none" else f"{name}~{smoothing}/{temperature!r}"
    words = re.split(r"[,\s]+", str(row.get("layers") or "").strip())
    network = str(row.get("network") or "")
    layers: list[str | LayerRef] = [
        f"{network}:{word}" if network and ":" not in word else word for word in words if word
    ]
    if network and not layers:
        layers = [*_usual_layers(name, kind, network)]
    return MetricSpec.of(label, _number(row, "weight"), layers, str(row.get("steps") or "").strip())


def _usual_layers(name: str, kind: Kind, network: str) -> list[LayerRef]:
    """Return a metric's usual layers by what a network calls them."""
    known, base = networks(), network.partition("/")[0]
    metric = find(name, kind)
    if base not in known or _is_fixed(metric.layers):
        return []
    record = find_network(known[base])
    names = dict.fromkeys(record.counterpart(layer) for layer in metric.layers)
    return [LayerRef.parse(f"{network}:{layer}") for layer in names]


def _is_fixed(layers: Sequence[str]) -> bool:
    """Whether a metric is of the picture, or of a network of its own: no layers can be chosen."""
    return all(ref.is_fixed for ref in as_layers(layers))


def _number(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    try:
        return 1.0 if value in (None, "") else float(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"expected a number as the {name} of {row['metric']}, got {value!r}"
        ) from None
