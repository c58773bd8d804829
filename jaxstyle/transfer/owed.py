"""What a run owes: the papers of its recipe, its metrics and its networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jaxstyle import citations, recipes
from jaxstyle.metrics import METRICS, find
from jaxstyle.plain import from_plain
from jaxstyle.settings import MIXTURES, Settings
from jaxstyle.weights import registry
from jaxstyle.weights.sources import SOURCES

FILM = "Ruder, Dosovitskiy & Brox, GCPR 2016"
"""The label of the paper of films whose frames hold together."""


def of_run(settings: Settings, weights: Iterable[str]) -> list[str]:
    """Return the BibTeX entries that a run owes, each once: this package's first.

    Args:
        settings: Of the run.
        weights: The names of all sets that it used.
    """
    return list(dict.fromkeys(_of_run(settings, weights)))


def of_film(settings: Settings, weights: Iterable[str]) -> list[str]:
    """Return `of_run` of a film's frames, and the paper of what holds them together."""
    return [*of_run(settings, weights), citations.bibtex(FILM)]


def of_manifest(facts: Mapping[str, Any], *, film: bool = False) -> list[str]:
    """Return `of_run` of a run's manifest, or `of_film` of a film's.

    Raises:
        ValueError: A setting or a name in it does not exist.
    """
    owed_by = of_film if film else of_run
    try:
        return owed_by(from_plain(facts["settings"]), facts["weights"])
    except TypeError as error:
        raise ValueError(str(error)) from None


def _of_run(settings: Settings, weights: Iterable[str]) -> Iterator[str]:
    yield citations.bibtex("jaxstyle")
    if settings.recipe:
        yield recipes.find(settings.recipe).bibtex
    weighed = zip(
        MIXTURES.items(),
        (settings.style_weight, settings.content_weight, settings.smoothness),
        strict=True,
    )
    for (setting, kind), weight in weighed:
        for spec in getattr(settings, setting) if weight else ():
            given = getattr(spec.value, "metric", spec.value)
            metric = given or find(spec.name, kind)
            yield from map(citations.bibtex, citations.labels(metric.paper))
    for name in weights:
        yield from _of_weights(name)


def _of_weights(name: str) -> Iterator[str]:
    """Yield the entries of a network; of imported weights, of those with their architecture."""
    source = SOURCES.get(name)
    if source is None:
        architectures = {row["name"]: row["architecture"] for row in registry.listing()}
        alike = (s for s in SOURCES.values() if s.architecture == architectures.get(name))
        source = next(alike, None)
    if source:
        yield from map(citations.bibtex, citations.labels(source.paper))


def of_name(name: str) -> list[str]:
    """Return the BibTeX entries of metrics and weights of a name; none of other names."""
    entries: list[str] = []
    for metrics in METRICS.values():
        if name in metrics:
            entries += map(citations.bibtex, citations.labels(metrics[name].paper))
    entries += _of_weights(name)
    return list(dict.fromkeys(entries))
