"""The pictures of a study: every objective, at every strength, on every pair."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from jaxstyle.grid import page
from jaxstyle.grid.cells import cell_settings
from jaxstyle.grid.results import CellRecord, ResultFolder
from jaxstyle.image.geometry import Picture, fit_within, resize
from jaxstyle.image.io import read_image
from jaxstyle.metrics import Metric
from jaxstyle.objective.term import Term
from jaxstyle.settings import Settings
from jaxstyle.specs import MetricSpec, as_specs
from jaxstyle.study.datasets import Named
from jaxstyle.transfer.job import Job, make_job, resolved_settings
from jaxstyle.transfer.sources import Sources

THUMBNAIL = 160
"""Longest side of a picture in the report, pixels."""

Mixture = str | MetricSpec | Metric | Term | Sequence[Any]
"""Style metrics as `jaxstyle.specs.as_specs` takes them; a text may also be a recipe's name."""


class Point(NamedTuple):
    """An objective at a strength, a factor of the style weight; None if there is only one."""

    curve: str
    strength: float | None
    settings: Settings

    @property
    def name(self) -> str:
        """Unique in the study."""
        return self.curve if self.strength is None else f"{self.curve} ×{self.strength:g}"

    def described(self) -> dict[str, Any]:
        """Return the objective as the report has it."""
        specs = self.settings.metric
        backbone = self.settings.style_backbone or self.settings.backbone
        return {
            "name": self.name,
            "curve": self.curve,
            "strength": self.strength or 1.0,
            "text": " + ".join(f"{spec.weight:g} {spec.label}" for spec in specs),
            "metrics": [spec.name for spec in specs],
            "networks": [getattr(backbone, "name", backbone)],
            "kind": "single" if len(specs) == 1 else "mixture",
            "count": len(specs),
        }


def named(objectives: Sequence[Mixture] | Mapping[str, Mixture]) -> list[tuple[str, Mixture]]:
    """Return each objective with its name: its text, if it has no other.

    >>> [name for name, _ in named(["gram", [("gram", 0.5), "histogram"]])]
    ['gram', 'gram=0.5+histogram']

    Raises:
        ValueError: Two objectives have one name.
    """
    if isinstance(objectives, Mapping):
        return list(objectives.items())
    texts = [o if isinstance(o, str) else "+".join(map(str, as_specs(o))) for o in objectives]
    for name, count in Counter(texts).items():
        if count > 1:
            raise ValueError(f"{count} objectives are named {name}; name them in a mapping")
    return list(zip(texts, objectives, strict=True))


def points_of(
    name: str, mixture: Mixture, strengths: Sequence[float], common: Mapping[str, Any]
) -> list[Point]:
    """Return an objective at every strength; `common` are the settings that objectives share."""
    settings = cell_settings({"metric": mixture}, None, common)
    return [
        Point(
            name,
            strength if len(strengths) > 1 else None,
            replace(settings, style_weight=settings.style_weight * strength),
        )
        for strength in strengths
    ]


class StudyCells:
    """The cells of a study in their folder, point by point, pair by pair.

    Attributes:
        points: Objectives at their strengths.
        contents: Squares.
        styles: Squares.
        pairs: Each content with each style.
        settings: Of each point, as a manifest holds them.
        results: The folder.
        offline: Never fetch weights.
    """

    def __init__(
        self,
        folder: Path,
        points: Sequence[Point],
        contents: Sequence[Named],
        styles: Sequence[Named],
        offline: bool,
    ) -> None:
        self.points, self.contents, self.styles = points, contents, styles
        self.pairs, self.offline = list(itertools.product(contents, styles)), offline
        self._sources = Sources(offline=offline)
        firsts = range(0, len(points) * len(self.pairs), len(self.pairs))
        self.settings = [resolved_settings(self.job(number)) for number in firsts]
        cells = []
        for point, settings in zip(points, self.settings, strict=True):
            swept: dict[str, Any] = {"objective": point.curve}
            if point.strength is not None:
                swept["strength"] = point.strength
            for content, style in self.pairs:
                values = {**swept, "content": content.name, "style": style.name}
                cells.append((values, settings, _inputs(content, style)))
        self.results = ResultFolder(folder, cells, self._sources.networks.checksums())

    def job(self, number: int) -> Job:
        """Return the job of a cell."""
        point, pair = divmod(number, len(self.pairs))
        content, style = self.pairs[pair]
        settings = self.points[point].settings
        job = make_job(content.picture, style.picture, settings, self._sources)
        return replace(job, inputs=_inputs(content, style))

    def records(self, point: int) -> Sequence[CellRecord]:
        """Return the records of a point's cells."""
        return self.results.records[point * len(self.pairs) : (point + 1) * len(self.pairs)]

    def thumbnails(self, points: Sequence[int]) -> dict[str, str]:
        """Return pictures for the report by `"objective|content|style"`, as far as they exist."""
        return {
            f"{self.points[point].name}|{content.name}|{style.name}": thumbnail(
                read_image(record.picture)
            )
            for point in points
            for record, (content, style) in zip(self.records(point), self.pairs, strict=True)
            if record.picture.exists()
        }


def square(named: Named, size: int) -> Named:
    """Crop a picture to its middle square, and resize that.

    Raises:
        ValueError: The picture is smaller than the size.
    """
    height, width = named.picture.shape[:2]
    side = min(height, width)
    if side < size:
        raise ValueError(f"{named.name} is smaller than {size} pixels: {width} × {height}")
    top, left = (height - side) // 2, (width - side) // 2
    middle = named.picture[top : top + side, left : left + side]
    return named._replace(picture=resize(middle, (size, size)))


def thumbnail(picture: Picture) -> str:
    """Return a small picture as a data URI."""
    shape = fit_within(picture.shape[0], picture.shape[1], THUMBNAIL)
    return page.embedded(resize(picture, shape), quality=80)


def _inputs(content: Named, style: Named) -> dict[str, dict[str, str]]:
    """Return what the manifest of a cell says of its pictures."""
    return {
        role: {"path": named.name, "sha256": named.sha256, "cut": "a square, for a study"}
        for role, named in (("content", content), ("style", style))
    }
