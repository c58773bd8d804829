"""The package jaxstyle-weights, and the numbers that it pins, from whichever file they come.

It holds weights as jaxstyle computes with them, serialized so that equal numbers are equal bytes.
Its SHA-256 is therefore that of the numbers: weights that were converted from another file are the
same set if, and only if, they serialize to it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from jaxstyle._util.files import sha256
from jaxstyle._util.log import logger
from jaxstyle.weights import cache
from jaxstyle.weights.cache import Weights
from jaxstyle.weights.download import find_installed
from jaxstyle.weights.sources import BUNDLE, Source


def serialize(weights: Weights) -> bytes:
    """Return weights in the safetensors format, always the same bytes for the same numbers.

    The library's own writer shuffles what it notes beside the tensors.
    """
    arrays = {
        f"{entry}.{kind}": np.ascontiguousarray(array, "<f4")
        for entry, parts in weights.tensors.items()
        for kind, array in parts.items()
    }
    facts = {"name": weights.name, "architecture": weights.architecture, "sha256": weights.sha256}
    header: dict[str, Any] = {"__metadata__": facts}
    start = 0
    for name in sorted(arrays):
        end = start + arrays[name].nbytes
        offsets = [start, end]
        header[name] = {"dtype": "F32", "shape": arrays[name].shape, "data_offsets": offsets}
        start = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    numbers = b"".join(arrays[name].tobytes() for name in sorted(arrays))
    return len(text).to_bytes(8, "little") + text + numbers


def check(weights: Weights, source: Source, file: Path) -> None:
    """Raise a `ValueError` if weights that were read from a file are not the pinned numbers."""
    pinned = source.bundled
    if pinned and hashlib.sha256(serialize(weights)).hexdigest() != pinned.sha256:
        raise ValueError(f"{file.name} does not hold the numbers of {source.name}")


def installed_file(source: Source) -> Path | None:
    """Return the file of the package, if that is installed and has this set."""
    return find_installed(BUNDLE.package, source.bundled.member) if source.bundled else None


def load(source: Source) -> Weights | None:
    """Return the weights of the installed package; None without it, or if its file is another."""
    import safetensors.numpy

    file = installed_file(source)
    if file is None or source.bundled is None:
        return None
    if sha256(file) != source.bundled.sha256:
        logger.warning(
            f"{file} is not the file of {BUNDLE.package} {BUNDLE.version}, and is not used"
        )
        return None
    tensors = cache.nested(safetensors.numpy.load_file(file))
    return Weights(source.name, source.architecture, source.sha256, tensors)
