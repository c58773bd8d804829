"""The pictures of a study, every objective at every strength on every pair, and their scores."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from jaxstyle._util.files import write_whole
from jaxstyle.grid import page
from jaxstyle.grid.cells import cell_settings
from jaxstyle.grid.results import CellRecord, ResultFolder
from jaxstyle.image.geometry import Picture, fit_within, resize
from jaxstyle.image.io import read_image
from jaxstyle.image.transparency import WHITE
from jaxstyle.kinds import is_list
from jaxstyle.metrics import Metric
from jaxstyle.objective.term import Term
from jaxstyle.plain import from_plain, to_plain
from jaxstyle.settings import Settings
from jaxstyle.specs import MetricSpec, as_specs
from jaxstyle.study.datasets import Named
from jaxstyle.study.judging import StudyJudge, networks_of
from jaxstyle.transfer.job import Job, resolved_settings
from jaxstyle.transfer.make_job import make_job
from jaxstyle.transfer.sources import Sources

THUMBNAIL = 160
"""Longest side of a picture in the report, pixels."""

Mixture = str | MetricSpec | Metric | Term | Sequence[Any]
"""Style metrics as `jaxstyle.specs.as_specs` takes them; a text may also be a recipe's name."""
StudyObjective = Mixture | Mapping[str, Any]
"""A mixture, or settings by name, such as `{"metric": "gram", "content_metric": "lpips"}`."""
Scores = list[list[float]]
"""Of an objective: pair by judge."""
SCALE = "opposite halves"
"""The scale of scores, see `jaxstyle.study.judging`: those of another cannot be compared."""


class Point(NamedTuple):
    """An objective at a strength, a factor of the style weight; None if there is only one."""

    curve: str
    strength: float | None
    settings: Settings
    others: tuple[str, ...] = ()  # its settings besides the mixture

    @property
    def name(self) -> str:
        """Unique in the study."""
        return self.curve if self.strength is None else f"{self.curve} ×{self.strength:g}"

    def described(self, terms: Sequence[Term]) -> dict[str, Any]:
        """Return the objective, whose terms are given, as the report has it."""
        specs = self.settings.metric
        style = [term for term in terms if term.metric.kind == "style"]
        plain = to_plain(self.settings)
        others = [f"{name} {_shown(plain[name])}" for name in self.others]
        return {
            "name": self.name,
            "curve": self.curve,
            "strength": self.strength or 1.0,
            "text": "; ".join([_shown(plain["metric"]), *others]),
            "metrics": [spec.name for spec in specs],
            "networks": sorted(networks_of(style)),
            "kind": "single" if len(specs) == 1 else "mixture",
            "count": len(specs),
        }


def _shown(value: Any) -> str:
    """Return a setting as a text: a mixture as a sum."""
    if is_list(value) and value and all(map(is_list, value)):
        return " + ".join(f"{weight:g} {label}" for label, weight, *_ in value)
    return ", ".join(map(str, value)) if is_list(value) else str(value)


def named(
    objectives: Sequence[StudyObjective] | Mapping[str, StudyObjective],
) -> list[tuple[str, StudyObjective]]:
    """Return each objective with its name: its text, if it has no other. Names are unique.

    >>> [name for name, _ in named(["gram", [("gram", 0.5), "histogram"]])]
    ['gram', 'gram=0.5+histogram']
    """
    if isinstance(objectives, Mapping):
        return list(objectives.items())
    if any(isinstance(objective, Mapping) for objective in objectives):
        raise ValueError("expected a name for objectives that are settings, in a mapping")
    texts = [o if isinstance(o, str) else "+".join(map(str, as_specs(o))) for o in objectives]
    for name, count in Counter(texts).items():
        if count > 1:
            raise ValueError(f"{count} objectives are named {name}; name them in a mapping")
    return list(zip(texts, objectives, strict=True))


def points_of(
    objectives: Iterable[tuple[str, StudyObjective]],
    strengths: Sequence[float],
    common: Mapping[str, Any],
) -> list[Point]:
    """Return every objective at every strength; `common` are the settings that all share."""
    points = []
    for name, objective in objectives:
        changes = objective if isinstance(objective, Mapping) else {"metric": objective}
        if "size" in changes:
            raise ValueError(f"expected no size of {name} alone: a study has one")
        chosen = cell_settings(changes, None, common)
        others = tuple(sorted({*changes} - {"metric"}))
        for s in strengths:
            settings = replace(chosen, style_weight=chosen.style_weight * s)
            points.append(Point(name, s if len(strengths) > 1 else None, settings, others))
    return points


class StudyFolder(ResultFolder):
    """A study's folder."""

    products = (
        *("study.json", "index.html", "table.csv", "scores.csv", "summary.json"),
        *("plane.svg", "table.md"),
    )
    mark = "study.json"


class StudyCells:
    """The cells of a study in their folder, point by point, pair by pair (content by style)."""

    def __init__(
        self,
        folder: Path,
        points: Sequence[Point],
        contents: Sequence[Named],
        styles: Sequence[Named],
        offline: bool,
    ) -> None:
        """Plan the cells of all points on all pairs of squares."""
        self.points, self.contents, self.styles = points, contents, styles
        self.pairs, self.offline = list(itertools.product(contents, styles)), offline
        self._sources = Sources(offline=offline)
        firsts = range(0, len(points) * len(self.pairs), len(self.pairs))
        jobs = [self.job(number) for number in firsts]
        self.settings = [resolved_settings(job) for job in jobs]  # as a manifest holds them
        self.terms = [job.terms for job in jobs]
        cells = []
        for point, settings in zip(points, self.settings, strict=True):
            strength = {} if point.strength is None else {"strength": point.strength}
            for content, style in self.pairs:
                pair = {"content": content.name, "style": style.name}
                values = {"objective": point.curve, **strength, **pair}
                cells.append((values, settings, _inputs(content, style)))
        self.results = StudyFolder(folder, cells, self._sources.networks.checksums())

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
        pictures = {
            f"{self.points[point].name}|{content.name}|{style.name}": record.picture
            for point in points
            for record, (content, style) in zip(self.records(point), self.pairs, strict=True)
        }
        return {
            n: self.thumbnail(read_image(p, background=WHITE))
            for n, p in pictures.items()
            if p.exists()
        }

    @staticmethod
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


_BEFORE = to_plain(from_plain({}))  # the values that stand for the absence of later settings
_LATER = {setting.name for setting in fields(Settings) if setting.metadata["since"] > 1}


class ScoreFiles(NamedTuple):
    """A folder with one file of scores for each objective, found without the pictures."""

    folder: Path
    judges: Sequence[StudyJudge]
    contents: Sequence[Named]
    styles: Sequence[Named]

    def path(self, settings: Mapping[str, Any]) -> Path:
        """Return the file of an objective, named after all that decides its scores.

        So no two processes write one file. The names must never change, because committed results
        are found by them: a setting that a later version added is left out at the value that
        stands for its absence.
        """
        lasting = {
            name: value
            for name, value in settings.items()
            if name not in _LATER or json.dumps(value) != json.dumps(_BEFORE[name])
        }
        digests = ([named.sha256 for named in group] for group in (self.contents, self.styles))
        circumstances = [[judge.name for judge in self.judges], *digests, SCALE]
        text = json.dumps([lasting, circumstances], sort_keys=True, default=str)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"

    def read(self, settings: Mapping[str, Any]) -> Scores | None:
        """Return the scores of an objective's pictures, or None."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            scores: Scores = json.loads(self.path(settings).read_text("utf-8"))["scores"]
            return scores
        return None

    def write(self, settings: Mapping[str, Any], scores: Scores) -> None:
        """Write the scores of an objective's pictures."""
        self.folder.mkdir(exist_ok=True)
        text = json.dumps({"metric": settings["metric"], "scores": scores}) + "\n"
        write_whole(self.path(settings), lambda file: file.write(text.encode()))
