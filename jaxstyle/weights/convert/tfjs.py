"""Reads a network of TensorFlow.js: a packed folder of `model.json` and its shards.

The JSON lists the tensors in order, with names, shapes and types; the shards, end to end, are their
numbers.
"""

from __future__ import annotations

import json
import math
import posixpath
import tarfile
from typing import Any, BinaryIO

import numpy as np

from jaxstyle.weights.convert.stored import StoredTensor

_MAX_BYTES = 1 << 30
_TYPES = {"float32": "<f4", "float16": "<f2"}


def read(file: BinaryIO) -> dict[str, StoredTensor]:
    """Return the tensors in a `.tgz` that holds one model in TensorFlow.js's layers format.

    Raises:
        ValueError: There is no such model in it, or more than a gigabyte.
    """
    parts: dict[str, bytes] = {}
    size = 0
    # Streamed: each member is read once, in the archive's order.
    with tarfile.open(fileobj=file, mode="r|gz") as archive:
        for member in archive:
            if not member.isreg() or not member.name.endswith((".bin", "/model.json")):
                continue
            size += member.size
            if size > _MAX_BYTES:
                raise ValueError("it unpacks to more than a gigabyte")
            opened = archive.extractfile(member)
            parts[member.name] = opened.read() if opened else b""
    models = [name for name in parts if name.endswith("/model.json")]
    if len(models) != 1:
        raise ValueError(f"expected one model.json in it, found {len(models)}")
    folder = posixpath.dirname(models[0])
    tensors: dict[str, StoredTensor] = {}
    for group in json.loads(parts[models[0]])["weightsManifest"]:
        names = [posixpath.join(folder, str(path)) for path in group["paths"]]
        if missing := [name for name in names if name not in parts]:
            raise ValueError(f"{missing[0]} is missing")
        content = memoryview(b"".join(parts[name] for name in names))
        start = 0
        for entry in group["weights"]:
            tensor, start = _tensor(entry, content, start)
            tensors[str(entry["name"])] = tensor
    return tensors


def _tensor(entry: Any, content: memoryview, start: int) -> tuple[StoredTensor, int]:
    shape = tuple(int(side) for side in entry["shape"])
    if entry["dtype"] not in _TYPES or "quantization" in entry:
        raise ValueError(f"expected plain floating-point numbers, found {entry['dtype']}")
    dtype = np.dtype(_TYPES[entry["dtype"]])
    end = start + math.prod(shape) * dtype.itemsize
    if min(shape, default=1) < 0 or end > len(content):
        raise ValueError(f"{entry['name']} is longer than its shards")
    part = content[start:end]
    return StoredTensor(shape, dtype, lambda: np.frombuffer(part, dtype).reshape(shape)), end
