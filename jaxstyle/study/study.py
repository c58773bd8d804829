"""`study`: every objective on every pair of pictures, judged by what the objectives did not use.

    FOLDER/cells/NAME.png, NAME.json    each picture as soon as it is made, with its manifest
    FOLDER/scores/NAME.json             what the judges said of an objective's pictures: where it
                                        lies, they need not be made
    FOLDER/index.html                   the report, in one page that needs nothing else
    FOLDER/table.csv, scores.csv        each objective's means, each picture's scores
    FOLDER/summary.json, plane.svg, table.md
    FOLDER/study.json                   what was asked, of which pictures

The same command goes on where it was interrupted. Several processes can share the work, each with
its `part` of the objectives; the command without a part then finds all done, and reports.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from jaxstyle._util.files import write_whole
from jaxstyle.grid import page
from jaxstyle.grid import stylize_grid as grid
from jaxstyle.grid.results import Folder, Place
from jaxstyle.image.geometry import Picture, fit_within, resize
from jaxstyle.image.io import read_image
from jaxstyle.settings import Settings
from jaxstyle.study import report as reports
from jaxstyle.study.datasets import Named, pictures
from jaxstyle.study.panel import NETWORKS, Bench, Judge, judges
from jaxstyle.study.plane import plane
from jaxstyle.transfer import manifest
from jaxstyle.transfer.job import Run, Sources

LEAST = 64
"""Judges need 31 pixels of a style's halves."""
SHOWN = 160
"""Longest side of a picture inside of the report, pixels."""
SHOWN_MOST = 32
"""Objectives whose pictures are inside of the report."""


def study(
    contents: Sequence[str],
    styles: Sequence[str],
    objectives: Sequence[str],
    folder: Path,
    *,
    size: int = 128,
    strengths: Sequence[float] = (1.0,),
    training: Sequence[int] = (),
    networks: Sequence[str] = NETWORKS,
    part: tuple[int, int] | None = None,
    lanes: int | None = None,
    pictures_shown: bool = True,
    title: str = "Study",
    command: str | None = None,
    on_progress: Callable[[Any], object] | None = None,
    report: Callable[[str], None],
    offline: bool = False,
    **changes: Any,
) -> dict[str, Any]:
    """Make every picture, let it be judged, and write the report.

    All pictures are cut to squares of one size, so that all pairs of an objective are lanes of one
    program.

    Args:
        contents: Sets of pictures (`jaxstyle.study.datasets.pictures`), two at the least.
        styles: Likewise.
        objectives: Mixtures such as `"gram=0.5+histogram"`, or recipes for their mixtures.
        folder: Where everything goes.
        size: Side of the squares, pixels.
        strengths: Every objective is done with the style weight times each of these. Of more than
            one, objectives are compared where they keep equally much of the content.
        training: Numbers of pairs (content × styles + style) that chose between objectives
            before; they are left out of what is said of them.
        networks: Of the judges.
        part: Make and judge only the objectives k, k + n, k + 2 n …, given (k, n), and report
            nothing.
        lanes: The most pictures at a time (default: as memory allows).
        pictures_shown: Whether the report holds pictures: of the best objectives, each at the
            strength that suits it best.
        title: Of the report.
        command: The command line, told in the report.
        on_progress: Called between chunks of steps, see `stylize_grid`.
        report: Told, in lines, what is done.
        offline: Never fetch weights or pictures.
        changes: Settings that all objectives have in common.

    Returns:
        The summary, as `summary.json` has it; of a part nothing.

    Raises:
        ValueError: Pictures smaller than the size, less than two contents, a wrong objective.
        OSError: What cannot be read or written.
    """
    if size < LEAST:
        raise ValueError(f"expected a size of at least {LEAST} pixels: judges look at halves")
    if not strengths or min(strengths) <= 0 or len(set(strengths)) < len(strengths):
        raise ValueError(f"expected different strengths above 0, got {list(strengths)}")
    if part and not 0 <= part[0] < part[1]:
        raise ValueError(f"expected a part (k, n) with 0 ≤ k < n, got {part}")
    own, parts = part or (0, 1)
    points = _points(objectives[own::parts], strengths, {**changes, "size": size})
    sets = tuple(
        [_square(each, size) for each in pictures(named, offline=offline, report=report)]
        for named in (contents, styles)
    )
    if len(sets[0]) < 2:
        raise ValueError("expected two contents at the least: one is the other's measure")
    sources = Sources(report=report, offline=offline)
    pairs = list(itertools.product(*sets))
    cells: list[Any] = []
    for values, settings in points:
        filled = Run(pairs[0][0].picture, pairs[0][1].picture, settings, sources).filled()
        for content, style in pairs:
            named = {**values, "content": content.name, "style": style.name}
            cells.append((named, filled, {"content": _input(content), "style": _input(style)}))
    made = Folder(folder, cells, sources.networks.sums())
    panel = judges(networks)
    scores = _Scores(folder, panel, sets, offline=offline, report=report)
    known = [scores.known(filled) for _, filled, _ in cells[:: len(pairs)]]
    left = [
        number
        for number, place in enumerate(made.places)
        if known[number // len(pairs)] is None and not made.done(place)
    ]
    if len(left) < len(cells):
        report(f"{len(cells) - len(left)} of {len(cells)} pictures are there already")
    runs = []
    for number in left:
        point, pair = divmod(number, len(pairs))
        content, style = pairs[pair]
        runs.append(Run(content.picture, style.picture, points[point][1], sources))

    missing = Counter(number // len(pairs) for number in left)

    def judge(point: int) -> None:
        if known[point] is None and not missing[point]:
            known[point] = scores.judged(made.places[point * len(pairs) : (point + 1) * len(pairs)])

    for number, each in grid.work(runs, lanes=lanes, on_progress=on_progress, report=report):
        made.keep(made.places[left[number]], each)
        point = left[number] // len(pairs)
        missing[point] -= 1
        judge(point)
    for point in range(len(points)):
        judge(point)
    if part:
        return {}
    facts = manifest.environment()
    told: dict[str, Any] = {
        "title": title,
        "command": command,
        "settings": {**cells[0][1], "metric": "each objective's own"},
        "objectives": [_told(*each) for each in points],
        **{
            role: [{"name": each.name, "picture": _shown(each.picture)} for each in every]
            for role, every in zip(("contents", "styles"), sets, strict=True)
        },
        "judges": [
            {"name": each.name, "axis": each.axis, "metric": each.metric, "network": each.network}
            for each in panel
        ],
        "scores": known,
        "held_out": [[not judge.saw(settings) for judge in panel] for _, settings in points],
        "training_pairs": list(training),
        "facts": {**facts["versions"], "device": facts["device"]["kind"]},
    }
    asked = {name: told[name] for name in ("title", "command", "settings", "objectives", "facts")}
    asked |= {
        role: [{"name": each.name, "sha256": each.sha256} for each in every]
        for role, every in zip(("contents", "styles"), sets, strict=True)
    }
    summary = reports.summarize(told)
    told["pictures"] = {
        f"{told['objectives'][point]['name']}|{content.name}|{style.name}": _shown(read_image(file))
        for point in (_shown_points(summary) if pictures_shown else ())
        for pair, (content, style) in enumerate(pairs)
        if (file := made.places[point * len(pairs) + pair].picture).exists()
    }
    texts = {
        **reports.report(told),
        "plane.svg": plane(summary),
        "table.md": reports.markdown(summary),
        "study.json": json.dumps(asked, indent=1, default=str) + "\n",
    }
    for name, text in texts.items():
        _write(folder / name, text)
    return summary


class _Scores:
    """What the judges said, kept in the folder: it is found again without the pictures."""

    def __init__(
        self, folder: Path, panel: Sequence[Judge], sets: Sequence[Sequence[Named]], **fetched: Any
    ) -> None:
        self._folder = folder / "scores"
        self._folder.mkdir(exist_ok=True)
        self._panel, self._fetched = panel, fetched
        self._contents, self._styles = ([each.picture for each in every] for every in sets)
        self._circumstances = [
            [judge.name for judge in panel],
            *([each.sha256 for each in every] for every in sets),
        ]

    @cached_property
    def _bench(self) -> Bench:
        return Bench(self._panel, self._contents, self._styles, **self._fetched)

    def _file(self, settings: Mapping[str, Any]) -> Path:
        """Named by all that decides the scores, so that no two processes write one file.

        A setting that is younger than the first scores is left out where it is at its default.
        """
        plain = Settings().regularizer
        settings = {n: v for n, v in settings.items() if n != "regularizer" or v != plain}
        asked = json.dumps([settings, self._circumstances], sort_keys=True, default=str)
        return self._folder / f"{hashlib.sha256(asked.encode()).hexdigest()[:16]}.json"

    def known(self, settings: Mapping[str, Any]) -> list[list[float]] | None:
        """The scores of an objective's pictures, one of each pair, by each judge; if known."""
        try:
            found = json.loads(self._file(settings).read_text("utf-8"))
            scores: list[list[float]] = found["scores"]
        except (OSError, ValueError, KeyError):
            return None
        return scores

    def judged(self, places: Sequence[Place]) -> list[list[float]]:
        """Let the judges look at the pictures of an objective."""
        found = [
            self._bench.scores(read_image(each.picture), *divmod(pair, len(self._styles))).tolist()
            for pair, each in enumerate(places)
        ]
        metrics = places[0].settings["metric"]
        _write(
            self._file(places[0].settings), json.dumps({"metric": metrics, "scores": found}) + "\n"
        )
        return found


def _points(
    objectives: Sequence[str], strengths: Sequence[float], common: dict[str, Any]
) -> list[tuple[dict[str, Any], Settings]]:
    """Every objective at every strength: what tells it apart, and its settings."""
    found = []
    for objective in objectives:
        settings = grid.cell_settings({"metric": objective}, None, common)
        for strength in strengths:
            values: dict[str, Any] = {"objective": objective}
            if len(strengths) > 1:
                values["strength"] = strength
            weight = settings.style_weight * strength
            found.append((values, replace(settings, style_weight=weight)))
    return found


def _square(named: Named, size: int) -> Named:
    height, width = named.picture.shape[:2]
    side = min(height, width)
    if side < size:
        raise ValueError(f"{named.name} is smaller than {size} pixels: {width} × {height}")
    top, left = (height - side) // 2, (width - side) // 2
    middle = named.picture[top : top + side, left : left + side]
    return named._replace(picture=resize(middle, (size, size)))


def _input(named: Named) -> dict[str, str]:
    return {"path": named.name, "sha256": named.sha256, "cut": "a square, for a study"}


def _told(values: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    metrics = [each[0].partition("~")[0] for each in settings.metric]
    strength = values.get("strength")
    return {
        "name": values["objective"] + (f" ×{strength:g}" if strength else ""),
        "curve": values["objective"],
        "strength": strength or 1.0,
        "text": " + ".join(f"{each[1]:g} {each[0]}" for each in settings.metric),
        "metrics": metrics,
        "networks": [settings.style_backbone or settings.backbone],
        "kind": "single" if len(metrics) == 1 else "mixture",
        "count": len(metrics),
    }


def _shown_points(summary: Mapping[str, Any]) -> list[int]:
    ranks = {point: summary["objectives"][point]["rank"] for point in summary["best"]["of_curves"]}
    known = sorted((point for point in ranks if ranks[point] is not None), key=ranks.__getitem__)
    return known[:SHOWN_MOST]


def _shown(picture: Picture) -> str:
    shape = fit_within(picture.shape[0], picture.shape[1], SHOWN)
    return page.embedded(resize(picture, shape), quality=80)


def _write(path: Path, text: str) -> None:
    write_whole(path, lambda file: file.write(text.encode()))
