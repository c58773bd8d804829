"""`study`: every objective on every pair of pictures, judged by what the objectives did not use.

    FOLDER/cells/NAME.png, NAME.json    each picture as soon as it is made, with its manifest
    FOLDER/index.html                   the report, in one page that needs nothing else
    FOLDER/table.csv, scores.csv        each objective's means, each picture's scores
    FOLDER/summary.json, plane.svg, table.md
    FOLDER/study.json                   what was asked, of which pictures

The same command goes on where it was interrupted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxstyle import grid, images, manifest, page
from jaxstyle.files import sha256, write_whole
from jaxstyle.folder import Folder
from jaxstyle.images import Picture
from jaxstyle.run import Run, Sources
from jaxstyle.settings import Settings
from jaxstyle.study import report as reports
from jaxstyle.study.datasets import Named, pictures
from jaxstyle.study.panel import NETWORKS, Bench, Judge, judges
from jaxstyle.study.plane import plane

LEAST = 64
"""Judges need 31 pixels of a style's halves."""
SHOWN = 160
"""Longest side of a picture inside of the report, pixels."""


def study(
    contents: Sequence[str],
    styles: Sequence[str],
    objectives: Sequence[str],
    folder: Path,
    *,
    size: int = 128,
    training: Sequence[int] = (),
    networks: Sequence[str] = NETWORKS,
    lanes: int | None = None,
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
        training: Numbers of pairs (content × styles + style) that chose between objectives
            before; they are left out of what is said of them.
        networks: Of the judges.
        lanes: The most pictures at a time (default: as memory allows).
        title: Of the report.
        command: The command line, told in the report.
        on_progress: Called between chunks of steps, see `stylize_grid`.
        report: Told, in lines, what is done.
        offline: Never fetch weights or pictures.
        changes: Settings that all objectives have in common.

    Returns:
        The summary, as `summary.json` has it.

    Raises:
        ValueError: Pictures smaller than the size, less than two contents, a wrong objective.
        OSError: What cannot be read or written.
    """
    if size < LEAST:
        raise ValueError(f"expected a size of at least {LEAST} pixels: judges look at halves")
    common = {**changes, "size": size}
    own = [grid.cell_settings({"metric": each}, None, common) for each in objectives]
    sets = [
        [_square(each, size) for each in pictures(named, offline=offline, report=report)]
        for named in (contents, styles)
    ]
    if len(sets[0]) < 2:
        raise ValueError("expected two contents at the least: one is the other's measure")
    pairs = [(content, style) for content in sets[0] for style in sets[1]]
    sources = Sources(report=report, offline=offline)
    runs, cells = [], []
    for objective, settings in zip(objectives, own, strict=True):
        for content, style in pairs:
            runs.append(Run(content.picture, style.picture, settings, sources))
            values = {"objective": objective, "content": content.name, "style": style.name}
            inputs = {"content": _input(content), "style": _input(style)}
            cells.append((values, runs[-1].filled(), inputs))
    made = Folder(folder, cells)
    left = [number for number, place in enumerate(made.places) if not made.done(place)]
    if len(left) < len(runs):
        report(f"{len(runs) - len(left)} of {len(runs)} pictures are there already")
    waiting = [runs[number] for number in left]
    for number, one in grid.work(waiting, lanes=lanes, on_progress=on_progress, report=report):
        made.keep(made.places[left[number]], one)
    panel = judges(networks)
    report(f"{len(runs)} pictures are judged by {len(panel)} judges …")
    shape = (len(objectives), len(pairs), len(panel))
    found = [images.read(place.picture) for place in made.places]
    scores = judged(found, panel, sets, made, offline=offline, report=report).reshape(shape)
    facts = manifest.surroundings()
    told = {
        "title": title,
        "command": command,
        "settings": {**runs[0].filled(), "metric": "each objective's own"},
        "objectives": [_told(name, one) for name, one in zip(objectives, own, strict=True)],
        **{
            role: [{"name": each.name, "picture": _shown(each.picture)} for each in every]
            for role, every in zip(("contents", "styles"), sets, strict=True)
        },
        "judges": [
            {"name": each.name, "axis": each.axis, "metric": each.metric, "network": each.network}
            for each in panel
        ],
        "scores": scores.tolist(),
        "held_out": [[not judge.saw(one) for judge in panel] for one in own],
        "training_pairs": list(training),
        "pictures": {
            "|".join(place.labels.values()): _shown(picture)
            for place, picture in zip(made.places, found, strict=True)
        },
        "facts": {**facts["versions"], "device": facts["device"]["kind"]},
    }
    asked = {name: told[name] for name in ("title", "command", "settings", "objectives", "facts")}
    asked |= {
        role: [{"name": each.name, "sha256": each.sha256} for each in every]
        for role, every in zip(("contents", "styles"), sets, strict=True)
    }
    summary = reports.summarize(told)
    texts = {
        **reports.report(told),
        "plane.svg": plane(summary),
        "table.md": reports.markdown(summary),
        "study.json": json.dumps(asked, indent=1, default=str) + "\n",
    }
    for name, text in texts.items():
        _write(folder / name, text)
    return summary


def judged(
    found: Sequence[Picture],
    panel: Sequence[Judge],
    sets: Sequence[Sequence[Named]],
    made: Folder,
    *,
    offline: bool,
    report: Callable[[str], None],
) -> Float[np.ndarray, "cells judges"]:
    """Each picture's scores; those of the same bytes are kept in the folder."""
    keep = made.folder / "scores.json"
    known: dict[str, list[float]] = {}
    if keep.exists():
        known = json.loads(keep.read_text("utf-8"))
    own, styles = ([each.picture for each in every] for every in sets)
    names = ",".join(judge.name for judge in panel)
    everything = "".join(each.sha256 for every in sets for each in every)
    bench: Bench | None = None
    rows = []
    for number, (picture, place) in enumerate(zip(found, made.places, strict=True)):
        key = hashlib.sha256(f"{sha256(place.picture)}{names}{everything}".encode()).hexdigest()
        if key not in known:
            bench = bench or Bench(panel, own, styles, offline=offline, report=report)
            pair = number % (len(own) * len(styles))
            scored = bench.scores(picture, pair // len(styles), pair % len(styles))
            known[key] = scored.tolist()
            if number % 20 == 0:
                _write(keep, json.dumps(known))
        rows.append(known[key])
    _write(keep, json.dumps(known))
    return np.array(rows, np.float64)


def _square(named: Named, size: int) -> Named:
    height, width = named.picture.shape[:2]
    side = min(height, width)
    if side < size:
        raise ValueError(f"{named.name} is smaller than {size} pixels: {width} × {height}")
    top, left = (height - side) // 2, (width - side) // 2
    middle = named.picture[top : top + side, left : left + side]
    return named._replace(picture=images.resize(middle, (size, size)))


def _input(named: Named) -> dict[str, str]:
    return {"path": named.name, "sha256": named.sha256}


def _told(name: str, settings: Settings) -> dict[str, Any]:
    metrics = [each[0].partition("~")[0] for each in settings.metric]
    return {
        "name": name,
        "text": " + ".join(f"{each[1]:g} {each[0]}" for each in settings.metric),
        "metrics": metrics,
        "networks": [settings.style_backbone or settings.backbone],
        "kind": "single" if len(metrics) == 1 else "mixture",
        "count": len(metrics),
    }


def _shown(picture: Picture) -> str:
    shape = images.fit(picture.shape[0], picture.shape[1], SHOWN)
    return page.embedded(images.resize(picture, shape), quality=80)


def _write(path: Path, text: str) -> None:
    write_whole(path, lambda file: file.write(text.encode()))
