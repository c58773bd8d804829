"""Pictures by name: `sample:NAME`, `~/…` and `file:///…` wherever a picture is expected.

Some samples are part of the installation, made by `examples/sample_pictures`; the others are
fetched by name, once, out of pinned packages. `samples.toml` lists both.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from jaxstyle._util.cache import cache_folder
from jaxstyle._util.files import sha256
from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle.weights import download
from jaxstyle.weights.download import Package, Wanted

PREFIX = "sample:"
FILE_PREFIX = "file:"


class Sample(NamedTuple):
    """A picture: its file in this folder, or in the package that it is fetched from; its credit."""

    file: str
    kind: Literal["content", "style"]
    title: str
    credit: str
    license: str
    package: Package | None = None
    sha256: str = ""


_TABLE = tomllib.loads(Path(__file__).with_name("samples.toml").read_text("utf-8"))
_PACKAGES = {name: Package(name, **pinned) for name, pinned in _TABLE["packages"].items()}

OWN: Mapping[str, Sample] = MappingProxyType(
    {name: Sample(**row) for name, row in _TABLE["own"].items()}
)
"""Pictures that come with the installation."""

FETCHED: Mapping[str, Sample] = MappingProxyType(
    {
        name: Sample(**{**row, "package": _PACKAGES[row["package"]]})
        for name, row in _TABLE["fetched"].items()
    }
)
"""Pictures that are fetched when they are first named."""


def resolve(spec: str, *, offline: bool = False) -> Path:
    """Return the picture file that a path or `sample:NAME` stands for.

    What is fetched, and whose picture it is, is logged before.

    Args:
        spec: A path, which may begin with `~` or `~user`; a `file:` address; or `sample:NAME` for
            one of the pictures in `listing`.
        offline: Never fetch.

    Raises:
        ValueError: There is no sample of that name, or a `file:` address is of another machine.
        OSError: It is not on this machine and cannot be fetched.

    >>> resolve("holiday/beach.jpg").name
    'beach.jpg'
    """
    if spec[:5].lower() == FILE_PREFIX:
        return _local(spec)
    if not spec.startswith(PREFIX):
        return Path(os.path.expanduser(spec))
    name = spec.removeprefix(PREFIX)
    sample = OWN.get(name) or FETCHED.get(name)
    if sample is None:
        raise ValueError(f"unknown sample {name!r}{nearest(name, [*OWN, *FETCHED])}")
    target = _file(name, sample)
    if sample.package is None or (os.path.isfile(target) and sha256(target) == sample.sha256):
        return target
    if offline:
        raise FileNotFoundError(f"the sample {name} is not here; name it once while online")
    logger.info(f"{name}: {sample.title}; {sample.credit}; {sample.license}")
    try:
        # All samples of the package: they are small, and it need not be fetched again.
        wanted = [
            Wanted(other.file, other.sha256, _file(other_name, other))
            for other_name, other in FETCHED.items()
            if other.package == sample.package
        ]
        download.fetch(sample.package, wanted)
    except OSError as error:
        raise OSError(f"{error}; use sample:{next(iter(OWN))} or a picture of your own") from error
    return target


def _local(address: str) -> Path:
    """Return the file of a `file:` address.

    >>> _local("file:///home/ada/a%20photo.jpg").name
    'a photo.jpg'
    """
    from urllib.request import url2pathname

    parts = urlsplit(address)
    if parts.netloc not in ("", "localhost"):
        raise ValueError(f"expected a file of this machine, file:///…, got {address}")
    return Path(url2pathname(parts.path))


def called(file: str) -> str | None:
    """Return as `sample:NAME` the sample whose file has a name, wherever it was installed.

    >>> called("valley.jpg"), called("beach.jpg")
    ('sample:valley', None)
    """
    for name, sample in (*OWN.items(), *FETCHED.items()):
        if _file(name, sample).name == file:
            return f"{PREFIX}{name}"
    return None


def listing() -> list[dict[str, Any]]:
    """Return all samples, the installed ones first; fit for JSON."""
    rows = []
    for name, sample in (*OWN.items(), *FETCHED.items()):
        file = _file(name, sample)
        is_here = os.path.isfile(file)
        status = "packaged" if sample.package is None else "fetched" if is_here else "not fetched"
        about = {key: getattr(sample, key) for key in ("kind", "title", "credit", "license")}
        where = str(file) if is_here else None
        rows.append({"name": name, **about, "where": where, "status": status})
    return rows


def _file(name: str, sample: Sample) -> Path:
    if sample.package is None:
        return Path(__file__).with_name(sample.file)
    return cache_folder() / "samples" / f"{name}{Path(sample.file).suffix}"
