"""Sample pictures: `sample:NAME` wherever a picture is expected.

Some are part of the installation; the others are fetched by name, once, out of pinned packages.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from jaxstyle._util.cache import cache_folder
from jaxstyle._util.files import sha256
from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle.weights import download
from jaxstyle.weights.download import Package, Wanted

PREFIX = "sample:"
Kind = Literal["content", "style"]


class Own(NamedTuple):
    """A picture that was made for jaxstyle and is installed with it.

    Attributes:
        file: Its name in this folder.
        kind: What it is good for.
        title: What it shows, in one line.
        credit: Who made it.
        license: Its terms.
    """

    file: str
    kind: Kind
    title: str
    credit: str = "made for jaxstyle"
    license: str = "CC0 1.0"


class Fetched(NamedTuple):
    """A picture inside a package.

    Attributes:
        package: Where it is.
        member: Its path in the package.
        sha256: Of the picture's file.
        kind: What it is good for.
        title: What it shows, in one line.
        credit: Who made it.
        license: Its terms.
    """

    package: Package
    member: str
    sha256: str
    kind: Kind
    title: str
    credit: str
    license: str


OWN: Mapping[str, Own] = MappingProxyType(
    {
        "lighthouse": Own("lighthouse.jpg", "content", "A lighthouse on a cliff at dusk"),
        "valley": Own("valley.jpg", "content", "A mountain valley with a lake and a hut"),
        "mosaic": Own("mosaic.jpg", "style", "A mosaic of a sun, two fish and waves"),
        "swirls": Own("swirls.jpg", "style", "Oil paint: swirling stars over fields"),
        "woodblock": Own("woodblock.jpg", "style", "A woodblock print of a mountain and waves"),
    }
)
"""Pictures that come with the installation, made by `examples/sample_pictures`."""

_IMAGEIO = Package(
    name="imageio",
    version="2.9.0",
    kind="wheel",
    bytes=3_308_141,
    sha256="3604d751f03002e8e0e7650aa71d8d9148144a87daf17cb1f3228e80747f2e6b",
)
_OPEN_NET_WORTH = Package(
    name="open-net-worth",
    version="0.1.27",
    kind="wheel",
    bytes=14_534_022,
    sha256="b959f4929dfb12f23d0188ebb9359c6ba9a8aafcaaceb9ffcfece788579e1d2a",
    python="3.13",
)
_PHOTOS = "backend/scripts/demo/photos"

FETCHED: Mapping[str, Fetched] = MappingProxyType(
    {
        "astronaut": Fetched(
            _IMAGEIO,
            "imageio/resources/images/astronaut.png",
            "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
            "content",
            "Eileen Collins, astronaut",
            "NASA",
            "public domain",
        ),
        "chelsea": Fetched(
            _IMAGEIO,
            "imageio/resources/images/chelsea.png",
            "97403c9c171d1aedd2026c7515e20208ef865eaab56d462c3c2eefade9b7d779",
            "content",
            "Chelsea, a cat",
            "Stéfan van der Walt",
            "CC0 1.0",
        ),
        "red-fuji": Fetched(
            _OPEN_NET_WORTH,
            f"{_PHOTOS}/art-hokusai-red-fuji.jpg",
            "acd5c943ae323b17213dae184bc54a27f0bdd0afe80cdd9c43a6dc6f2ac4f3ed",
            "style",
            "Fine Wind, Clear Weather (Red Fuji)",
            "Katsushika Hokusai, about 1830–1832",
            "public domain",
        ),
        "sudden-shower": Fetched(
            _OPEN_NET_WORTH,
            f"{_PHOTOS}/art-hiroshige-shower.jpg",
            "02bbdf096df620f2b1252f953fd32cb7d5d9bd807599c2bb2e63049162e7f1bc",
            "style",
            "Sudden Shower over Shin-Ōhashi Bridge and Atake",
            "Utagawa Hiroshige, 1857; Cleveland Museum of Art",
            "CC0 1.0",
        ),
        "venice": Fetched(
            _OPEN_NET_WORTH,
            f"{_PHOTOS}/art-cross-venice.jpg",
            "da3b1a60576a9ed3fae0e7612de0450b1287876ff1bb3a0d3a3c9b1fe53d6255",
            "style",
            "Venice",
            "Henri-Edmond Cross, about 1903; National Gallery of Art, Washington",
            "CC0 1.0",
        ),
        "trouville": Fetched(
            _OPEN_NET_WORTH,
            f"{_PHOTOS}/art-boudin-trouville.jpg",
            "b1ec0efd8215ff31a9366ec8ba6f4ed358d91acc9ef066326e1f92420b87d587",
            "style",
            "Beach Scene at Trouville",
            "Eugène Boudin, 1863; National Gallery of Art, Washington",
            "CC0 1.0",
        ),
        "honfleur": Fetched(
            _OPEN_NET_WORTH,
            f"{_PHOTOS}/art-jongkind-honfleur.jpg",
            "7bfaf84ec69b5eff191a3e0098419682c1608cc00f8f1511289f5bbbc47c33a9",
            "style",
            "Norwegian Ship Leaving the Port of Honfleur",
            "Johan Barthold Jongkind, 1865; Portland Museum of Art",
            "CC0 1.0",
        ),
        "simoa": Fetched(
            _OPEN_NET_WORTH,
            f"{_PHOTOS}/art-thaulow-simoa.jpg",
            "c2aaaf5be3125d07e1726175e3848206a8b231f344d0bd172295943a8fe6f584",
            "style",
            "Winter at the River Simoa",
            "Frits Thaulow, 1883",
            "public domain",
        ),
    }
)
"""Pictures that are fetched when they are first named."""


def resolve(spec: str, *, offline: bool = False) -> Path:
    """Return the picture file that a path or `sample:NAME` stands for.

    What is fetched, and whose picture it is, is logged before.

    Args:
        spec: A path, or `sample:NAME` for one of the pictures in `listing`.
        offline: Never fetch.

    Raises:
        ValueError: There is no sample of that name.
        OSError: It is not on this machine and cannot be fetched.

    >>> resolve("holiday/beach.jpg").name
    'beach.jpg'
    """
    if not spec.startswith(PREFIX):
        return Path(spec)
    name = spec.removeprefix(PREFIX)
    if name in OWN:
        return _installed(OWN[name])
    if name not in FETCHED:
        raise ValueError(f"unknown sample {name!r}{nearest(name, [*OWN, *FETCHED])}")
    sample, target = FETCHED[name], _target(name)
    if os.path.isfile(target) and sha256(target) == sample.sha256:
        return target
    if offline:
        raise FileNotFoundError(f"the sample {name} is not here; name it once while online")
    logger.info(f"{name}: {sample.title}; {sample.credit}; {sample.license}")
    try:
        download.fetch(sample.package, _all_wanted(sample.package))
    except OSError as error:
        raise OSError(f"{error}; use sample:{next(iter(OWN))} or a picture of your own") from error
    return target


def listing() -> list[dict[str, Any]]:
    """Return all samples, the installed ones first; fit for JSON."""
    installed = [_row(name, sample, _installed(sample), "packaged") for name, sample in OWN.items()]
    fetched = [
        _row(name, sample, target, "fetched")
        if os.path.isfile(target := _target(name))
        else _row(name, sample, None, "not fetched")
        for name, sample in FETCHED.items()
    ]
    return installed + fetched


def _all_wanted(package: Package) -> list[Wanted]:
    """Return all samples of a package: they are small, and it need not be fetched again."""
    return [
        Wanted(sample.member, sample.sha256, _target(name))
        for name, sample in FETCHED.items()
        if sample.package == package
    ]


def _installed(sample: Own) -> Path:
    return Path(__file__).with_name(sample.file)


def _target(name: str) -> Path:
    return cache_folder() / "samples" / f"{name}{Path(FETCHED[name].member).suffix}"


def _row(name: str, sample: Own | Fetched, where: Path | None, status: str) -> dict[str, Any]:
    return {
        "name": name,
        "kind": sample.kind,
        "title": sample.title,
        "credit": sample.credit,
        "license": sample.license,
        "where": str(where) if where else None,
        "status": status,
    }
