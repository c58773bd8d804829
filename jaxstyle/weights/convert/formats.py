"""Opens weight files: names and tensors come out, whatever the format."""

from __future__ import annotations

import io
import json
import math
import mmap
import posixpath
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from jaxstyle.weights.convert import StoredTensor, onnx, shown, torch_files

_MAX_UNPACKED = 1 << 30
_TFJS_TYPES = {"float32": "<f4", "float16": "<f2"}


def open_tensors(file: BinaryIO, path: Path) -> Mapping[str, StoredTensor]:
    """Return the tensors of a file by name; keep it open until they have been read.

    Raises:
        ValueError: It is in no known format, or asks for code to be run.
    """
    head = file.read(9)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if head.startswith(b"\x89HDF"):
        return _read_h5(file)
    if head[8:] == b"{" and int.from_bytes(head[:8], "little") < size:
        return _read_safetensors(path)
    if head.startswith(b"PK") and not _has_pickle(file):
        return _read_npz(file)
    if head.startswith((b"PK", b"\x80")):
        return torch_files.read(file)
    if head.startswith(b"\x1f\x8b"):
        return _read_tfjs(file)
    if head.startswith(b"\x08"):
        return onnx.read(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    raise ValueError(
        "expected a PyTorch (.pth, .pt), safetensors, .npz, Keras .h5, ONNX "
        "or packed TensorFlow.js file"
    )


def _has_pickle(file: BinaryIO) -> bool:
    names = zipfile.ZipFile(file).namelist()
    return any(name.split("/")[-1] == "data.pkl" for name in names)


def _read_safetensors(path: Path) -> dict[str, StoredTensor]:
    import ml_dtypes
    from safetensors import safe_open

    kinds = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "BF16": ml_dtypes.bfloat16}
    opened: Any = safe_open(path, framework="np")

    def entry(name: str) -> StoredTensor:
        part = opened.get_slice(name)
        # Whatever is not listed is refused later, so any integer stands for it.
        dtype = np.dtype(kinds.get(part.get_dtype(), np.int64))
        return StoredTensor(tuple(part.get_shape()), dtype, lambda: opened.get_tensor(name))

    return {name: entry(name) for name in opened.keys()}  # noqa: SIM118


def _read_npz(file: BinaryIO) -> dict[str, StoredTensor]:
    archive = zipfile.ZipFile(file)

    def entry(member: zipfile.ZipInfo) -> StoredTensor:
        with archive.open(member) as opened:
            is_old = npy.read_magic(opened) == (1, 0)
            header = npy.read_array_header_1_0 if is_old else npy.read_array_header_2_0
            shape, _, dtype = header(opened)
            if opened.tell() + math.prod(shape) * dtype.itemsize != member.file_size:
                raise ValueError(f"{shown(member.filename)} is not as long as its shape claims")

        def read_array() -> NDArray[Any]:
            with archive.open(member) as opened:
                return npy.read_array(opened, allow_pickle=False)

        return StoredTensor(shape, dtype, read_array)

    members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
    return {member.filename.removesuffix(".npy"): entry(member) for member in members}


def _read_h5(file: BinaryIO) -> dict[str, StoredTensor]:
    try:
        import h5py
    except ImportError as error:
        raise ValueError("Keras .h5 files need h5py: pip install 'jaxstyle[h5]'") from error
    tensors: dict[str, StoredTensor] = {}

    def visit(name: str, item: Any) -> None:
        # An external or virtual dataset would read other files of this machine.
        if isinstance(item, h5py.Dataset) and not item.external and not item.is_virtual:
            tensors[name] = StoredTensor(item.shape or (), item.dtype, lambda: item[()])

    h5py.File(file, "r").visititems(visit)
    return tensors


def _read_tfjs(file: BinaryIO) -> dict[str, StoredTensor]:
    """Return the tensors of a packed network in TensorFlow.js's layers format.

    `model.json` lists the tensors in order, with names, shapes and types; the shards beside it, end
    to end, are their numbers.
    """
    parts: dict[str, bytes] = {}
    size = 0
    # Streamed: each member is read once, in the archive's order.
    with tarfile.open(fileobj=file, mode="r|gz") as archive:
        for member in archive:
            if not member.isreg() or not member.name.endswith((".bin", "/model.json")):
                continue
            size += member.size
            if size > _MAX_UNPACKED:
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
            tensor, start = _tfjs_tensor(entry, content, start)
            tensors[str(entry["name"])] = tensor
    return tensors


def _tfjs_tensor(entry: Any, content: memoryview, start: int) -> tuple[StoredTensor, int]:
    shape = tuple(int(side) for side in entry["shape"])
    if entry["dtype"] not in _TFJS_TYPES or "quantization" in entry:
        raise ValueError(f"expected plain floating-point numbers, found {entry['dtype']}")
    dtype = np.dtype(_TFJS_TYPES[entry["dtype"]])
    end = start + math.prod(shape) * dtype.itemsize
    if min(shape, default=1) < 0 or end > len(content):
        raise ValueError(f"{entry['name']} is longer than its shards")
    part = content[start:end]
    return StoredTensor(shape, dtype, lambda: np.frombuffer(part, dtype).reshape(shape)), end
