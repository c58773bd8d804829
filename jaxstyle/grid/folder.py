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
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from jaxstyle._util.inputs import is_address
from jaxstyle._util.log import logger
from jaxstyle.grid import contact_sheet, page
from jaxstyle.grid.commands import names_given, replay_command
from jaxstyle.grid.results import CellRecord, ResultFolder
from jaxstyle.grid.sweep import label
from jaxstyle.image.geometry import Picture, fit_within, resize
from jaxstyle.image.io import reread, write_image
from jaxstyle.image.transparency import WHITE, over
from jaxstyle.settings import MIXTURES
from jaxstyle.transfer import manifest
from jaxstyle.transfer.batch import checkpoints_in, clear_checkpoints
from jaxstyle.transfer.checkpoint import Checkpoints
from jaxstyle.transfer.job import Job, resolved_settings
from jaxstyle.transfer.manifest import Facts, Manifest
from jaxstyle.transfer.result import Result
from jaxstyle.transfer.sources import Source, Sources

SHOWN = 512
"""Longest side of a picture in the page, pixels; the files are as they are."""
SMALL = 192
"""Longest side of a picture on the contact sheet, pixels."""

Finished = Sequence[tuple[CellRecord, Manifest]]


class GridFolder(ResultFolder):
    """A grid's folder."""

    products = ("cells.json", "sheet.png", "table.csv", "table.json", "index.html")
    mark = "cells.json"

    def __init__(
        self,
        folder: Path,
        points: Sequence[Mapping[str, Any]],
        jobs: Sequence[Job],
        sources: Sources,
    ) -> None:
        """Decide where each cell lies.

        Args:
            folder: Created if it is missing.
            points: The swept values of each cell.
            jobs: Of each cell.
            sources: Where their pictures were read.

        Raises:
            ValueError: It holds files of something else, or a cell would overwrite an input.
            OSError: The folder cannot be created or written.
        """
        self._sources = sources
        pairs = zip(points, jobs, strict=True)
        cells = [(values, resolved_settings(job), job.inputs) for values, job in pairs]
        super().__init__(folder, cells, jobs[0].networks.checksums())

    @property
    def names(self) -> list[str]:
        """The names of the cells' pictures."""
        return [record.picture.name for record in self.records]

    def checkpoints(self, lanes: Sequence[Job]) -> Checkpoints:
        """Return the checkpoints of a batch."""
        return checkpoints_in(self.folder, lanes)

    def clear_checkpoints(self) -> None:
        """Remove checkpoints of batches that will not be resumed."""
        clear_checkpoints(self.folder)

    def result(self, record: CellRecord, job: Job, facts: Manifest) -> Result:
        """Read a finished cell back, whose manifest is `facts`; its picture has 8 bits."""
        kept: Any = {name: facts[name] for name in Facts.__annotations__ if name in facts}  # type: ignore[literal-required]
        (image, alpha), obstacles = reread(record.picture), tuple(job.obstacles)
        history, failure = facts["history"], facts["failure"]
        return Result(image, history, failure, kept, job.inputs, obstacles, alpha=alpha)

    def finish(
        self,
        pictures_shown: Sequence[Sequence[Source]],
        command: str | None,
        commands: Sequence[str | None],
        zipped: bool,
    ) -> None:
        """Write the contact sheet, the page and the tables from the cells that are finished.

        Args:
            pictures_shown: The content and the styles of each cell, to be shown above the grid.
            command: The command line that made it.
            commands: Those that make each cell alone.
            zipped: Whether values were zipped.
        """
        pairs = [(record, self.manifest(record)) for record in self.records]
        finished = [(record, facts) for record, facts in pairs if facts is not None]
        if not finished:
            return
        pictures = {
            r.picture: reread(r.picture, size=SHOWN, background=WHITE)[0] for r, _ in finished
        }
        across = len({list(record.labels.values())[-1] for record in self.records})
        rows = [_row(record, facts) for record, facts in finished]
        sheet = _sheet(finished, pictures, across)
        # The smallest first: on a full disk there may be room for some.
        errors = [
            *self._tried("table.csv", partial(self.write_text, text=_csv(rows))),
            *self._tried("table.json", partial(self.write_text, text=_json(rows))),
            *self._page(pairs, pictures, pictures_shown, command, commands, zipped),
            *self._tried("sheet.png", lambda name: write_image(self.folder / name, sheet)),
        ]
        if errors:
            raise errors[0]

    def _tried(self, name: str, write: Callable[[str], object]) -> list[OSError]:
        """Write a file, and log an error and return it: the others may have room."""
        try:
            write(name)
        except OSError as error:
            logger.error(f"{self.folder / name} is not written: {error.strerror or error}")
            return [error]
        return []

    def _page(
        self,
        pairs: Sequence[tuple[CellRecord, Manifest | None]],
        pictures: Mapping[Path, Picture],
        pictures_shown: Sequence[Sequence[Source]],
        command: str | None,
        commands: Sequence[str | None],
        zipped: bool,
    ) -> list[OSError]:
        """Write the page; where there is no room for it, one that refers to the pictures' files."""
        axes: dict[str, dict[str, None]] = {}
        for record in self.records:
            for name, value in record.labels.items():
                axes.setdefault(name, {})[value] = None
        cells = [(*pair, alone) for pair, alone in zip(pairs, commands, strict=True)]
        data = {
            "title": " × ".join(axes),
            "key": _key(self.records[0]),
            "command": command,
            "zipped": zipped,
            "inputs": _inputs(pictures_shown, self._sources),
            "axes": [{"name": name, "values": [*values]} for name, values in axes.items()],
            "cells": [_cell(*cell, pictures) for cell in cells],
            "facts": _summary([facts for _, facts in pairs if facts is not None]),
        }
        errors = self._tried("index.html", partial(self.write_text, text=page.page(data)))
        if errors:
            data["inputs"], data["cells"] = [], [_cell(*cell, {}) for cell in cells]
            self._tried("index.html", partial(self.write_text, text=page.page(data)))
        return errors


def _inputs(pictures: Sequence[Sequence[Source]], sources: Sources) -> list[dict[str, str]]:
    """Return each content and style once, as the page shows it."""
    shown: dict[tuple[str, object], dict[str, str]] = {}
    for content, *styles in pictures:
        for role, source in (("content", content), *(("style", style) for style in styles)):
            path = None
            if is_address(source):
                path = Path(source)
            elif isinstance(source, (str, os.PathLike)):
                path = sources.path(source)
            key = (role, path or id(source))
            if key not in shown:
                name = path.name if path else "an array"
                seen = (sources.picture(source, role, SHOWN), sources.alpha(source, role, SHOWN))
                picture = page.embedded(over(*seen))
                shown[key] = {"role": role, "name": name, "picture": picture}
    return list(shown.values())


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
    values = {
        n: v if n not in MIXTURES and _is_plain(v) else record.labels[n]
        for n, v in record.values.items()
    }
    return {
        "cell": record.picture.stem,
        **values,
        **last,
        "finite": facts["finite"],
        "seconds": facts["seconds"],
    }


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(rows, indent=1, default=str) + "\n"


def _is_plain(value: Any) -> bool:
    """Whether it is a text or a number, or several of them."""
    parts = value if isinstance(value, tuple) else (value,)
    return all(isinstance(part, (str, int, float)) for part in parts)


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(
        {n: label(n, v) if isinstance(v, tuple) else v for n, v in row.items()} for row in rows
    )
    return text.getvalue()


def _key(record: CellRecord) -> str:
    """Return what marks of a reader's are kept under: the same for a grid of more values."""
    owners = {*record.values, *names_given((), record.values)}
    settings = {name: value for name, value in record.settings.items() if name not in owners}
    files = {n: facts.get("sha256") for n, facts in record.inputs.items() if n not in owners}
    whole = [[*record.values], settings, files]
    return hashlib.sha256(json.dumps(whole, default=str).encode()).hexdigest()[:16]


def _cell(
    record: CellRecord,
    facts: Manifest | None,
    command: str | None,
    pictures: Mapping[Path, Picture],
) -> dict[str, Any]:
    """Return a cell as the page shows it: its picture, or where its file is."""
    picture, file = pictures.get(record.picture), f"cells/{record.picture.name}"
    shown = page.embedded(picture) if picture is not None else quote(file)
    return {
        "name": record.picture.stem,
        "file": file,
        "values": record.labels,
        "picture": shown if facts else None,
        "failure": facts["failure"] if facts else None,
        "history": facts["history"] if facts else {},
        "scales": facts["scales"] if facts else [],
        "settings": {name: label(name, value) for name, value in record.settings.items()},
        "seconds": facts["seconds"] if facts else 0,
        "command": command,
        "replay": replay_command(str(manifest.beside(record.picture)), record.picture.name)
        if facts and not facts.get("not_replayable")
        else None,
    }


def _summary(manifests: Sequence[Manifest]) -> dict[str, str]:
    """Return the facts at the end of the page; of cells made in unlike environments, all."""

    def distinct(values: Iterable[str]) -> str:
        return ", ".join(sorted(set(values)))

    weights = dict.fromkeys(name for facts in manifests for name in facts["weights"])
    papers = dict.fromkeys(paper for facts in manifests for paper in facts.get("papers", ()))
    versions = {
        name: distinct(facts["versions"].get(name, "") for facts in manifests)
        for name in manifests[-1]["versions"]
    }
    failed = sum(not facts["finite"] for facts in manifests)
    return {
        "device": distinct(facts["device"]["kind"] for facts in manifests),
        "weights": ", ".join(weights),
        "papers": "; ".join(papers),
        **versions,
        "cells": f"{len(manifests)}, {f'{failed} not' if failed else 'all'} finite",
        "seconds": f"{sum(facts['seconds'] for facts in manifests):.0f} in all cells",
    }
