"""A folder of results: each cell's picture with its manifest, and which of them are finished.

    FOLDER/cells/NAME.png, NAME.json    each cell, as soon as it is done
    FOLDER/cells.json                   the names of all cells, from the start

A cell whose manifest has the same settings and the same files is finished and is not made again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from jaxstyle._util.files import write_whole
from jaxstyle._util.log import logger
from jaxstyle.grid.sweep import identify, label
from jaxstyle.transfer import manifest
from jaxstyle.transfer.manifest import Inputs, Manifest
from jaxstyle.transfer.result import Result


class CellRecord(NamedTuple):
    """Where a cell lies and what it is made of."""

    values: Mapping[str, Any]  # its swept values, by name
    labels: Mapping[str, str]  # the same in few words
    settings: Mapping[str, Any]  # every setting, every default filled in
    inputs: Inputs  # the files that are read, with their SHA-256
    picture: Path  # its picture file; the manifest lies beside it


class ResultFolder:
    """A folder of cells.

    Attributes:
        folder: Where it is.
        records: Of all cells, in order.
    """

    def __init__(
        self,
        folder: Path,
        cells: Sequence[tuple[Mapping[str, Any], Mapping[str, Any], Inputs]],
        weights: Mapping[str, str],
    ) -> None:
        """Decide where each cell lies.

        Raises:
            OSError: The folder cannot be created or written.
        """
        self.folder, self._weights = folder, weights
        (folder / "cells").mkdir(parents=True, exist_ok=True)
        records = []
        names: set[str] = set()
        short = _labels([values for values, _, _ in cells])
        for values, settings, inputs in cells:
            labels = {name: short[name, identify(value)] for name, value in values.items()}
            name = _file_name(labels)
            while name in names:
                name += "+"
            names.add(name)
            picture = folder / "cells" / f"{name}.png"
            records.append(CellRecord(values, labels, settings, inputs, picture))
        self.records = tuple(records)

    def lists_same_cells(self) -> bool:
        """Whether the last run in this folder had the same cells, so that this one continues it.

        Their names are written down for the next one.
        """
        names = json.dumps([record.picture.stem for record in self.records], indent=1) + "\n"
        path = self.folder / "cells.json"
        if path.exists() and path.read_bytes() == names.encode():
            return True
        self.write_text("cells.json", names)
        return False

    def manifest(self, record: CellRecord) -> Manifest | None:
        """Return the manifest of a finished cell; None of others.

        It is finished if it is whole and was made of the same settings, files and weights.
        """
        return manifest.finished(
            record.picture, record.settings, record.inputs, self._weights, failed=True
        )

    def write(self, record: CellRecord, result: Result) -> None:
        """Write a cell's picture and manifest."""
        if result.failure:
            logger.warning(f"{dict(record.labels)}: {result.failure}")
        facts = replace(result, inputs=record.inputs).manifest()
        manifest.write(record.picture, result.image, facts)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file, whole or not at all."""
        write_whole(self.folder / name, lambda file: file.write(text.encode()))


def _labels(cells: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Return for each name and value, as text, its label: longer where two would share one.

    >>> labels = _labels([{"style": "a/x.png"}, {"style": "b/x.png"}, {"style": "b/y.png"}])
    >>> list(labels.values())
    ['a/x.png', 'b/x.png', 'y.png']
    """
    short = {(n, identify(v)): label(n, v) for values in cells for n, v in values.items()}
    alike: dict[tuple[str, str], list[str]] = {}
    for (name, text), brief in short.items():
        alike.setdefault((name, brief), []).append(text)
    labels = {}
    for (name, text), brief in short.items():
        others = alike[name, brief]
        # Objects such as metrics or optimizers have no short text: they are numbered.
        long = f"{brief}#{others.index(text) + 1}" if " at 0x" in text else text
        labels[name, text] = long if len(others) > 1 else brief
    return labels


def _file_name(labels: Mapping[str, str]) -> str:
    """Return a name that any file system takes, and that says what is in it.

    >>> _file_name({"style_weight": "0.1", "metric": "gram@relu1_1/2"})
    'style_weight=0.1,metric=gram@relu1_1-2'
    """
    text = ",".join(f"{name}={value}" for name, value in labels.items())
    name = re.sub(r"[^\w.,=+~@-]", "-", text, flags=re.ASCII)
    if len(name) <= 120:
        return name
    return f"{name[:100]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
