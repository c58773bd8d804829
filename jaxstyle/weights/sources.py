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


def _origin(row: Any) -> Installed | Packaged | str:
    if isinstance(row, str):
        return row
    if "archive" in row:
        return Packaged(_ARCHIVES[row["archive"]], row.get("member", ""))
    return Installed(**row)


_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_ARCHIVES = {name: Package(name, **pinned) for name, pinned in _TABLE["archives"].items()}
SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        name: Source(name, **{**row, "origin": _origin(row["origin"])})
        for name, row in _TABLE["weights"].items()
    }
)
"""Every set of weights by name, the default first."""
