"""A folder of results: each cell's picture with its manifest, and which of them are finished.

    FOLDER/cells/NAME.png, NAME.json    each cell, as soon as it is done
    FOLDER/cells.json                   the names of all cells, from the start

A cell whose manifest has the same settings and the same files is finished and is not made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from jaxstyle._util.files import check_outputs, write_whole
from jaxstyle._util.log import logger
from jaxstyle.grid.sweep import identify, label
from jaxstyle.image.io import storable
from jaxstyle.transfer import manifest
from jaxstyle.transfer.manifest import Manifest
from jaxstyle.transfer.manifest_paths import Inputs
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
        products: The names of the files beside the cells.
        mark: The first of them that is written: where it is missing, the others are not ours.
    """

    products: tuple[str, ...] = ()
    mark: str = ""

    def __init__(
        self,
        folder: Path,
        cells: Sequence[tuple[Mapping[str, Any], Mapping[str, Any], Inputs]],
        weights: Mapping[str, str],
    ) -> None:
        """Decide where each cell lies.

        Raises:
            ValueError: The folder has files of something else, or a cell would overwrite an input.
            OSError: The folder cannot be created or written.
        """
        self.folder, self._weights = folder, weights
        self._written: set[Path] = set()
        self._check_products()
        (folder / "cells").mkdir(parents=True, exist_ok=True)
        records = []
        names: set[str] = set()
        # A file system may take two cases of a letter for one.
        fold = str.casefold if (folder / "CELLS").exists() else str
        short = _labels([values for values, _, _ in cells])
        for values, settings, inputs in cells:
            labels = {name: short[name, identify(value)] for name, value in values.items()}
            record = CellRecord(values, labels, settings, inputs, folder)
            picture = next(
                picture
                for picture in _places(folder / "cells", record)
                if fold(picture.name) not in names and not _is_of_another(picture, record)
            )
            names.add(fold(picture.name))
            records.append(record._replace(picture=picture))
        self.records = tuple(records)
        written = [path for r in records for path in (r.picture, manifest.beside(r.picture))]
        written += [folder / name for name in self.products]
        check_outputs(written, {path for r in records for path in manifest.paths_of(r.inputs)})

    def _check_products(self) -> None:
        """Refuse a folder with files of the products' names that are not of such a folder."""
        others = [name for name in self.products if (self.folder / name).exists()]
        if others and self.mark not in others:
            raise ValueError(
                f"{self.folder} has a file {others[0]} that something else made; choose another "
                "folder"
            )

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

        It is finished if it is whole and was made of the same settings, files and weights, or if
        it was written here, whatever its manifest cannot say.
        """
        if record.picture in self._written:
            return manifest.read_if_whole(manifest.beside(record.picture))
        return manifest.finished(
            record.picture, record.settings, record.inputs, self._weights, failed=True
        )

    def write(self, record: CellRecord, result: Result) -> bool:
        """Write a cell's picture and manifest; log an error, and return whether there was none."""
        if result.failure:
            values = ", ".join(f"{name}={value}" for name, value in record.labels.items())
            logger.warning(f"{values}: {result.failure}")
        facts = replace(result, inputs=record.inputs).manifest()
        try:
            manifest.write(
                record.picture, storable(record.picture, result.image, result.alpha), facts
            )
        except OSError as error:
            logger.error(f"{record.picture} is lost: {error.strerror or error}")
            return False
        self._written.add(record.picture)
        return True

    def write_text(self, name: str, text: str) -> None:
        """Write a text file, whole or not at all; bytes of file names that are no text escaped."""
        content = text.encode("utf-8", "backslashreplace")
        write_whole(self.folder / name, lambda file: file.write(content))


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


def _places(folder: Path, record: CellRecord) -> Iterator[Path]:
    """Yield where a cell may lie: under a name that says what it is, or one with a digest, too."""
    name = _file_name(record.labels)
    yield folder / f"{name}.png"
    whole = [[name, identify(value)] for name, value in record.values.items()]
    digest = hashlib.sha256(json.dumps(whole).encode()).hexdigest()
    yield from (folder / f"{name[:100]}-{digest[:length]}.png" for length in (8, 16, 64))


def _is_of_another(picture: Path, record: CellRecord) -> bool:
    """Whether a cell with other swept values lies there already.

    Names leave out folders, letters outside ASCII and digits after the sixth.
    """
    facts = manifest.read_if_whole(manifest.beside(picture))
    if facts is None:
        return False
    differing = {
        *manifest.differing_settings(record.settings, record.inputs, facts),
        *_other_files(facts["inputs"], record.inputs),
    }
    return not differing.isdisjoint(name.partition(".")[0] for name in record.values)


def _other_files(one: Inputs, other: Inputs) -> Iterator[str]:
    """Yield the roles whose files are others, and not the same ones moved or edited."""
    for role in {*one, *other}:
        records = [inputs.get(role, {}) for inputs in (one, other)]
        # Of a picture that was cut there is a name, which others may have.
        paths = {os.path.realpath(r["path"]) for r in records if "path" in r and "cut" not in r}
        if len(paths) != 1 and len({record.get("sha256") for record in records}) > 1:
            yield role.partition("#")[0]


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
