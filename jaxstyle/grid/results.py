"""What a grid leaves in a folder: pictures with manifests, a sheet, a page, tables.

    FOLDER/cells/NAME.png, NAME.json    each cell, as soon as it is done
    FOLDER/sheet.png                    all pictures with their labels
    FOLDER/index.html                   all in one page that needs nothing else
    FOLDER/table.csv, table.json        values and last losses of each cell
    FOLDER/cells.json                   the names of all cells, from the start

A cell whose manifest tells of the same settings and the same files is done and is not done again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jaxstyle._util.files import write_whole
from jaxstyle.grid import contact_sheet as sheet
from jaxstyle.grid import page
from jaxstyle.grid.sweep import label
from jaxstyle.image.geometry import Picture, fit_within, resize
from jaxstyle.image.io import read_image, write_image
from jaxstyle.transfer import manifest
from jaxstyle.transfer.manifest import Inputs

if TYPE_CHECKING:
    from jaxstyle.transfer.batched import Before
    from jaxstyle.transfer.stylize import Stylized

SHOWN = 512
"""Longest side of a picture inside of the page, pixels; the files are as they are."""
SMALL = 192
"""And on the sheet."""


class Place(NamedTuple):
    """Where a cell lies and what it is made of.

    Attributes:
        values: What was swept, by name.
        labels: The same in few words.
        settings: Every setting, filled in.
        inputs: The files that are read, with their SHA-256.
        picture: Its picture file; the manifest lies beside it.
    """

    values: Mapping[str, Any]
    labels: Mapping[str, str]
    settings: Mapping[str, Any]
    inputs: Inputs
    picture: Path


class Folder:
    """A grid's folder.

    Attributes:
        folder: Where it is.
        places: Of all cells, in order.
    """

    def __init__(
        self,
        folder: Path,
        cells: Sequence[tuple[Mapping[str, Any], Mapping[str, Any], Inputs]],
        weights: Mapping[str, str],
    ) -> None:
        """Decide where each cell lies.

        Args:
            folder: Made if it is not there.
            cells: For each what was swept, its settings, and the files that it reads.
            weights: The SHA-256 of weights by name.

        Raises:
            OSError: The folder cannot be made or written.
        """
        self.folder, self._weights = folder, weights
        (folder / "cells").mkdir(parents=True, exist_ok=True)
        places = []
        names: set[str] = set()
        short = _labels([values for values, _, _ in cells])
        for values, settings, inputs in cells:
            labels = {name: short[name, str(value)] for name, value in values.items()}
            name = _file_name(labels)
            while name in names:
                name += "+"
            names.add(name)
            picture = folder / "cells" / f"{name}.png"
            places.append(Place(values, labels, settings, inputs, picture))
        self.places = tuple(places)

    def again(self) -> bool:
        """Whether the last grid here had the same cells, so that this one goes on with it.

        Their names are written down for the next one.
        """
        listed = json.dumps([place.picture.stem for place in self.places], indent=1) + "\n"
        there = self.folder / "cells.json"
        if there.exists() and there.read_bytes() == listed.encode():
            return True
        self._write("cells.json", listed)
        return False

    def before(self, place: Place) -> Before | None:
        """The program with which a cell was done that is there; None if it was alone."""
        facts = _manifest(place)
        return manifest.before(facts) if facts else None

    def done(self, place: Place) -> bool:
        """Whether a cell is there, whole, of the same settings, files and weights."""
        return self._finished(place) is not None

    def _finished(self, place: Place) -> dict[str, Any] | None:
        """The manifest of a cell that is there."""
        return manifest.finished(
            place.picture, place.settings, place.inputs, self._weights, failed=True
        )

    def keep(self, place: Place, made: Stylized) -> None:
        """Write a cell's picture and manifest."""
        manifest.keep(place.picture, made, place.inputs)

    def finish(
        self, inputs: Iterable[tuple[str, Path]], *, command: str | None, zipped: bool
    ) -> None:
        """Write the sheet, the page and the tables from the cells that are there.

        Args:
            inputs: Role and file of each picture that is shown above the grid.
            command: The command line that made them.
            zipped: Whether values were zipped.
        """
        found = [self._finished(place) for place in self.places]
        there = [
            (place, each)
            for place, each in zip(self.places, found, strict=True)
            if each is not None
        ]
        if not there:
            return
        pictures = {place.picture: read_image(place.picture, size=SHOWN) for place, _ in there}
        self._sheet(there, pictures)
        self._tables(there)
        axes: dict[str, list[str]] = {}
        for place in self.places:
            for name, value in place.labels.items():
                if value not in axes.setdefault(name, []):
                    axes[name].append(value)
        cells = []
        for place, each in zip(self.places, found, strict=True):
            picture = pictures.get(place.picture)
            cells.append(
                {
                    "name": place.picture.stem,
                    "file": f"cells/{place.picture.name}",
                    "values": place.labels,
                    "picture": None if picture is None else page.embedded(picture),
                    "failure": each["failure"] if each else None,
                    "history": each["history"] if each else {},
                    "scales": each["scales"] if each else [],
                    "settings": place.settings,
                    "seconds": each["seconds"] if each else 0,
                }
            )
        text = page.page(
            {
                "title": " × ".join(axes),
                "command": command,
                "zipped": zipped,
                "inputs": [
                    {
                        "role": role,
                        "name": path.name,
                        "picture": page.embedded(read_image(path, size=SHOWN)),
                    }
                    for role, path in inputs
                ],
                "axes": [{"name": name, "values": values} for name, values in axes.items()],
                "cells": cells,
                "facts": _facts(there),
            }
        )
        self._write("index.html", text)

    def _sheet(
        self,
        there: Sequence[tuple[Place, Mapping[str, Any]]],
        pictures: Mapping[Path, Picture],
    ) -> None:
        cells = []
        for place, _ in there:
            picture = pictures[place.picture]
            shape = fit_within(picture.shape[0], picture.shape[1], SMALL)
            name = "  ".join(f"{name} {value}" for name, value in place.labels.items())
            cells.append((name, resize(picture, shape)))
        across = len({list(place.labels.values())[-1] for place in self.places})
        columns = across if 2 <= across <= 12 else math.ceil(math.sqrt(len(cells)))
        made = sheet.contact_sheet(cells, min(columns, len(cells)))
        write_image(self.folder / "sheet.png", np.asarray(made, np.float32) / 255)

    def _tables(self, there: Sequence[tuple[Place, Mapping[str, Any]]]) -> None:
        rows = []
        for place, each in there:
            last = {
                name: values[-1] if values else None for name, values in each["history"].items()
            }
            rows.append(
                {
                    "cell": place.picture.stem,
                    **place.values,
                    **{f"loss {name}": value for name, value in last.items()},
                    "finite": each["finite"],
                    "seconds": each["seconds"],
                }
            )
        columns = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        table = csv.DictWriter(text, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(
            {n: label(n, v) if isinstance(v, tuple) else v for n, v in row.items()} for row in rows
        )
        self._write("table.csv", text.getvalue())
        self._write("table.json", json.dumps(rows, indent=1, default=str) + "\n")

    def _write(self, name: str, text: str) -> None:
        write_whole(self.folder / name, lambda file: file.write(text.encode()))


def _labels(cells: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """For each name and value, as text, its label: longer where two values would share a short one.

    >>> found = _labels([{"style": "a/x.png"}, {"style": "b/x.png"}, {"style": "b/y.png"}])
    >>> list(found.values())
    ['a/x.png', 'b/x.png', 'y.png']
    """
    found = {(n, str(value)): label(n, value) for values in cells for n, value in values.items()}
    counts = Counter((name, short) for (name, _), short in found.items())
    return {
        (name, text): text if counts[name, short] > 1 else short
        for (name, text), short in found.items()
    }


def _facts(there: Sequence[tuple[Place, Mapping[str, Any]]]) -> dict[str, str]:
    """What is told at the end of the page; of cells made in unlike environment all."""
    manifests = [each for _, each in there]

    def told(values: Iterable[str]) -> str:
        return ", ".join(sorted(set(values)))

    weights = dict.fromkeys(name for each in manifests for name in each["weights"])
    known = {
        "device": told(each["device"]["kind"] for each in manifests),
        "weights": ", ".join(weights),
    }
    versions = {
        name: told(each["versions"][name] for each in manifests)
        for name in manifests[-1]["versions"]
    }
    failed = sum(not each["finite"] for _, each in there)
    return {
        **known,
        **versions,
        "cells": f"{len(there)}, {failed} not finite",
        "seconds": f"{sum(each['seconds'] for _, each in there):.0f} in all cells",
    }


def _file_name(labels: Mapping[str, str]) -> str:
    """A name that any file system takes, and that tells what is in it.

    >>> _file_name({"style_weight": "0.1", "metric": "gram@relu1_1/2"})
    'style_weight=0.1,metric=gram@relu1_1-2'
    """
    text = ",".join(f"{name}={value}" for name, value in labels.items())
    name = re.sub(r"[^\w.,=+~@-]", "-", text, flags=re.ASCII)
    if len(name) <= 120:
        return name
    return f"{name[:100]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _manifest(place: Place) -> dict[str, Any] | None:
    return manifest.read(manifest.beside(place.picture))
