"""The folder of a grid: its cells, and at the end a contact sheet, a page and tables.

FOLDER/cells/NAME.png, NAME.json    each cell, as soon as it is done
FOLDER/sheet.png                    all pictures with their labels
FOLDER/index.html                   all in one page that needs nothing else
FOLDER/table.csv, table.json        values and last losses of each cell
FOLDER/cells.json                   the names of all cells, from the start
FOLDER/batch-….checkpoint           a batch that is being made
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxstyle._util.lock import exclusive_lock
from jaxstyle._util.log import logger
from jaxstyle.grid import contact_sheet, page
from jaxstyle.grid.results import CellRecord, ResultFolder
from jaxstyle.grid.sweep import label
from jaxstyle.image.geometry import Picture, fit_within, resize
from jaxstyle.image.io import read_image, write_image
from jaxstyle.image.load import load_image
from jaxstyle.transfer.checkpoint import Checkpoints
from jaxstyle.transfer.job import Job, identity, resolved_settings
from jaxstyle.transfer.manifest import Manifest
from jaxstyle.transfer.result import Result
from jaxstyle.transfer.sources import Source, Sources
from jaxstyle.transfer.steppers.batched import BatchSpec

SHOWN = 512
"""Longest side of a picture in the page, pixels; the files are as they are."""
SMALL = 192
"""Longest side of a picture on the contact sheet, pixels."""

Finished = Sequence[tuple[CellRecord, Manifest]]


class GridFolder:
    """A grid's folder, which no other process writes meanwhile.

    Of several processes the first writes; for the others everything here does nothing.
    """

    def __init__(self, folder: Path, points: Sequence[Mapping[str, Any]], jobs: Sequence[Job]):
        """Nothing is read or written before the folder is entered.

        Raises:
            ValueError: It is a file.
        """
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"expected a folder to write into, {folder} is a file")
        self._folder, self._points, self._jobs = folder, points, jobs
        self._first = jax.process_index() == 0
        self._stack = ExitStack()
        self._shown: dict[str, tuple[str, str, str]] = {}
        self._command: str | None = None
        self._zipped = False

    def __enter__(self) -> GridFolder:
        if self._first:
            self._stack.enter_context(exclusive_lock(self._folder))
            cells = [
                (values, resolved_settings(job), job.inputs)
                for values, job in zip(self._points, self._jobs, strict=True)
            ]
            weights = self._jobs[0].networks.checksums()
            self._results = ResultFolder(self._folder, cells, weights)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def show(
        self, pictures: Sequence[Sequence[Source]], *, command: str | None, zipped: bool
    ) -> None:
        """Show contents and styles above the grid, and the command line that made it."""
        self._command, self._zipped = command, zipped
        if not self._first:
            return
        for content, *styles in pictures:
            for role, source in (("content", content), *(("style", style) for style in styles)):
                key = f"{role} {source if isinstance(source, (str, Path)) else id(source)}"
                if key not in self._shown:
                    self._shown[key] = (role, *_embedded(source, role))

    def is_done(self, number: int) -> bool:
        """Whether a cell is whole and was made of the same settings, files and weights."""
        return self._first and self._results.is_done(self._results.records[number])

    def lists_same_cells(self) -> bool:
        """Whether the last grid in this folder had the same cells."""
        return self._first and self._results.lists_same_cells()

    def batch_of(self, number: int) -> BatchSpec | None:
        """Return the batch in which a finished cell was made; None if it was alone."""
        return self._results.batch_of(self._results.records[number]) if self._first else None

    def checkpoints(self, lanes: Sequence[Job]) -> Checkpoints:
        """Return the checkpoints of a batch."""
        identities = [identity(job) for job in lanes]
        digest = hashlib.sha256(json.dumps(identities, sort_keys=True).encode()).hexdigest()
        return Checkpoints(self._folder / f"batch-{digest[:16]}", identities)

    def clear_checkpoints(self) -> None:
        """Remove checkpoints of batches that will not be resumed."""
        if self._first:
            for path in self._folder.glob("batch-*.checkpoint*"):
                path.unlink(missing_ok=True)

    def write(self, number: int, result: Result) -> None:
        """Write a cell's picture and manifest."""
        if result.failure:
            logger.warning(f"{self._points[number]}: {result.failure}")
        if self._first:
            self._results.write(self._results.records[number], result)

    def result(self, number: int) -> Result:
        """Read a finished cell back; its picture has 8 bits."""
        record, job = self._results.records[number], self._jobs[number]
        facts = self._results.manifest(record)
        assert facts is not None  # it is done
        names = ("settings", "scales", "calibration", "weights", "memory", "seconds")
        kept = {name: facts[name] for name in names}  # type: ignore[literal-required]
        image = read_image(record.picture)
        history, failure = facts["history"], facts["failure"]
        obstacles = tuple(job.obstacles)
        return Result(image, history, failure, kept, job.inputs, obstacles)  # type: ignore[arg-type]

    def finish(self) -> None:
        """Write the contact sheet, the page and the tables from the cells that are finished."""
        if not self._first:
            return
        manifests = [self._results.manifest(record) for record in self._results.records]
        pairs = list(zip(self._results.records, manifests, strict=True))
        finished = [(record, facts) for record, facts in pairs if facts is not None]
        if not finished:
            return
        pictures = {r.picture: read_image(r.picture, size=SHOWN) for r, _ in finished}
        across = len({list(record.labels.values())[-1] for record in self._results.records})
        write_image(self._folder / "sheet.png", _sheet(finished, pictures, across))
        rows = [_row(record, facts) for record, facts in finished]
        self._results.write_text("table.csv", _csv(rows))
        self._results.write_text("table.json", json.dumps(rows, indent=1, default=str) + "\n")
        axes: dict[str, dict[str, None]] = {}
        for record in self._results.records:
            for name, value in record.labels.items():
                axes.setdefault(name, {})[value] = None
        data = {
            "title": " × ".join(axes),
            "command": self._command,
            "zipped": self._zipped,
            "inputs": [
                {"role": role, "name": name, "picture": picture}
                for role, name, picture in self._shown.values()
            ],
            "axes": [{"name": name, "values": [*values]} for name, values in axes.items()],
            "cells": [_cell(record, facts, pictures) for record, facts in pairs],
            "facts": _summary([facts for _, facts in finished]),
        }
        self._results.write_text("index.html", page.page(data))


def _embedded(source: Source, role: str) -> tuple[str, str]:
    """Return the name of a picture and its data URI."""
    if isinstance(source, (str, Path)):
        path = Sources().path(source)
        return path.name, page.embedded(read_image(path, size=SHOWN))
    return "an array", page.embedded(load_image(source, f"the {role}", SHOWN))


def _sheet(finished: Finished, pictures: Mapping[Path, Picture], across: int) -> Picture:
    cells = []
    for record, _ in finished:
        picture = pictures[record.picture]
        shape = fit_within(picture.shape[0], picture.shape[1], SMALL)
        name = "  ".join(f"{name} {value}" for name, value in record.labels.items())
        cells.append((name, resize(picture, shape)))
    columns = across if 2 <= across <= 12 else math.ceil(math.sqrt(len(cells)))
    sheet = contact_sheet.contact_sheet(cells, min(columns, len(cells)))
    return np.asarray(sheet, np.float32) / 255


def _row(record: CellRecord, facts: Manifest) -> dict[str, Any]:
    """Return a cell's row of the tables."""
    history = facts["history"]
    last = {f"loss {name}": values[-1] if values else None for name, values in history.items()}
    kinds = (str, int, float, tuple)
    values = {n: v if isinstance(v, kinds) else record.labels[n] for n, v in record.values.items()}
    return {
        "cell": record.picture.stem,
        **values,
        **last,
        "finite": facts["finite"],
        "seconds": facts["seconds"],
    }


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(
        {n: label(n, v) if isinstance(v, tuple) else v for n, v in row.items()} for row in rows
    )
    return text.getvalue()


def _cell(
    record: CellRecord, facts: Manifest | None, pictures: Mapping[Path, Picture]
) -> dict[str, Any]:
    """Return a cell as the page shows it."""
    picture = pictures.get(record.picture)
    return {
        "name": record.picture.stem,
        "file": f"cells/{record.picture.name}",
        "values": record.labels,
        "picture": None if picture is None else page.embedded(picture),
        "failure": facts["failure"] if facts else None,
        "history": facts["history"] if facts else {},
        "scales": facts["scales"] if facts else [],
        "settings": record.settings,
        "seconds": facts["seconds"] if facts else 0,
    }


def _summary(manifests: Sequence[Manifest]) -> dict[str, str]:
    """Return the facts at the end of the page; of cells made in unlike environments, all."""

    def distinct(values: Iterable[str]) -> str:
        return ", ".join(sorted(set(values)))

    weights = dict.fromkeys(name for facts in manifests for name in facts["weights"])
    versions = {
        name: distinct(facts["versions"][name] for facts in manifests)
        for name in manifests[-1]["versions"]
    }
    failed = sum(not facts["finite"] for facts in manifests)
    return {
        "device": distinct(facts["device"]["kind"] for facts in manifests),
        "weights": ", ".join(weights),
        **versions,
        "cells": f"{len(manifests)}, {failed} not finite",
        "seconds": f"{sum(facts['seconds'] for facts in manifests):.0f} in all cells",
    }
