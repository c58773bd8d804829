"""Converted weights between runs: one safetensors file for each set, `NAME-SHA.safetensors`.

SHA are the first eight digits of the file that the weights were read from, so that weights of
another file are never mistaken for them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxstyle._util.cache import cache_folder
from jaxstyle._util.files import write_whole
from jaxstyle.backbones.record import Backbone

Tensors = dict[str, dict[str, NDArray[np.float32]]]

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""What weights can be called; lower case, because some file systems ignore it."""
_DIGITS = 8
_ANY = "[0-9a-f]" * _DIGITS


class Weights(NamedTuple):
    """A set of weights, ready to compute with.

    Attributes:
        name: As in `SOURCES`, or as its user named it.
        architecture: As in `Source`, or the record itself.
        sha256: The SHA-256 of the file that it was read from.
        tensors: `"preprocess"` and each convolution by name, with a `"kernel"` and a `"bias"`,
            float32; see `jaxstyle.weights.convert.layouts`.
    """

    name: str
    architecture: str | Backbone
    sha256: str
    tensors: Tensors


def find(name: str, sha256: str | None = None) -> Path | None:
    """Return the file of the weights `name`, or of those read from the file of that SHA-256."""
    if not NAME.fullmatch(name):
        return None
    return next(iter(_matching(name, sha256[:_DIGITS] if sha256 else _ANY)), None)


def files() -> dict[str, Path]:
    """Return the file of all weights by name."""
    return {file.stem[: -_DIGITS - 1]: file for file in _matching("*", _ANY)}


def _matching(name: str, digits: str) -> list[Path]:
    try:
        return sorted((cache_folder() / "weights").glob(f"{name}-{digits}.safetensors"))
    except OSError:  # a cache that cannot be read is an empty one
        return []


def write(weights: Weights, file: str = "") -> None:
    """Keep weights of an architecture that is known by name, read from a file of that name."""
    import safetensors.numpy

    architecture = weights.architecture
    flat = {
        f"{entry}.{kind}": array
        for entry, arrays in weights.tensors.items()
        for kind, array in arrays.items()
    }
    facts = {
        "name": weights.name,
        "architecture": architecture if isinstance(architecture, str) else architecture.name,
        "sha256": weights.sha256,
        "file": file,
        "crc32": _checksum(flat),
    }
    content = safetensors.numpy.save(flat, facts)
    target = cache_folder() / "weights" / f"{weights.name}-{weights.sha256[:_DIGITS]}.safetensors"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, lambda out: out.write(content))


def read(file: Path, name: str, sha256: str | None = None) -> Weights | None:
    """Return what `write` wrote, or None if the file is damaged or another set's."""
    from safetensors import SafetensorError, safe_open

    try:
        opened: Any = safe_open(file, framework="np")
        facts = opened.metadata()
        flat = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        is_intact = facts["crc32"] == _checksum(flat) and facts["name"] == name
        if not is_intact or (sha256 and facts["sha256"] != sha256):
            return None
        return Weights(name, facts["architecture"], facts["sha256"], nested(flat))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return None


def nested(flat: Mapping[str, NDArray[np.float32]]) -> Tensors:
    """Return tensors by entry and kind from those by `"ENTRY.KIND"`."""
    tensors: Tensors = {}
    for key, array in flat.items():
        entry, kind = key.split(".")
        tensors.setdefault(entry, {})[kind] = array
    return tensors


def facts(file: Path) -> dict[str, str]:
    """Return the name, architecture and checksums of a file; nothing if it is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        opened: Any = safe_open(file, framework="np")
        return opened.metadata() or {}
    except (SafetensorError, OSError):
        return {}


def _checksum(flat: Mapping[str, NDArray[np.float32]]) -> str:
    """Compute a checksum against damage, not against people: who writes the file can write it."""
    total = 0
    for name in sorted(flat):
        total = zlib.crc32(f"{name}{flat[name].shape}{flat[name].dtype}".encode(), total)
        total = zlib.crc32(np.ascontiguousarray(flat[name]).data, total)
    return f"{total:08x}"
