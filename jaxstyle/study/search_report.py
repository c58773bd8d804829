"""The page of a search, and what it found, as files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxstyle._util.files import write_whole
from jaxstyle.grid import page
from jaxstyle.image.geometry import Picture, fit_within, resize
from jaxstyle.image.io import read_image
from jaxstyle.specs import MetricSpec
from jaxstyle.study.datasets import Named
from jaxstyle.study.plane import plane
from jaxstyle.study.statistics import PLANE, front
from jaxstyle.study.summary import as_json

MOST_SHOWN = 400
"""Pictures in the page, those of the front first."""
LARGEST = 320
"""Longest side of a picture in the page, pixels."""
_TEMPLATE = Path(__file__).with_name("search.html")


def write(
    folder: Path,
    facts: Mapping[str, Any],
    points: Sequence[Mapping[str, Any]],
    groups: Mapping[str, Sequence[Named]],
) -> dict[str, Any]:
    """Write `front.json` and `index.html`, and return what the former holds.

    Args:
        folder: Of the search, in which the pictures' files are.
        facts: `title`, `command`, `trials`, `rungs`, `judges`.
        points: Trials of full cost, see `jaxstyle.study.search.search`.
        groups: The contents and the styles.
    """
    values = np.array([[point[axis] for axis in PLANE] for point in points])
    on_front = front(*values.T).tolist()
    rows = [dict(point, front=is_front) for point, is_front in zip(points, on_front, strict=True)]
    rows.sort(key=lambda row: (not row["front"], row["effectiveness"]))
    kept = as_json({"trials": facts["trials"], "points": rows})
    data = as_json({**facts, "points": rows, "planes": _planes(rows)})
    room = MOST_SHOWN
    for row in data["points"]:
        row["bars"] = {n: list(map(_bar, specs)) for n, specs in row["metrics"].items()}
        for shown in row["pictures"][: max(room, 0)]:
            if (folder / shown["file"]).exists():
                shown["picture"] = _embedded(read_image(folder / shown["file"]))
        room -= len(row["pictures"])
    data |= {
        role: [{"name": one.name, "picture": _embedded(one.picture)} for one in group]
        for role, group in groups.items()
    }
    _write(folder / "front.json", json.dumps(kept, indent=1) + "\n")
    _write(folder / "index.html", page.filled(_TEMPLATE, data))
    return kept


def _write(path: Path, text: str) -> None:
    content = text.encode("utf-8", "backslashreplace")
    write_whole(path, lambda file: file.write(content))


def _planes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the plane for wide screens and for narrow ones."""
    objectives = [
        {
            "name": f"{row['number']}",
            "kind": "mixture" if len(row["metrics"]["metric"]) > 1 else "single",
            "front": row["front"],
            **{axis: {"mean": row[axis], "low": None, "high": None} for axis in PLANE},
            "paint": {"mean": None, "low": None, "high": None},
        }
        for row in rows
    ]
    return [plane({"objectives": objectives}, width=width) for width in (620, 360)]


def _bar(text: str) -> dict[str, Any]:
    """Return a metric's name, layers and weight."""
    spec = MetricSpec.parse(text)
    layers = ", ".join(map(str, spec.layers))
    return {"name": spec.label, "layers": layers, "weight": spec.weight}


def _embedded(picture: Picture) -> str:
    shape = fit_within(picture.shape[0], picture.shape[1], LARGEST)
    return page.embedded(picture if shape == picture.shape[:2] else resize(picture, shape))
