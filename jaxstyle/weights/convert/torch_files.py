"""Reads PyTorch's files, in either format, and pickles of arrays as data.

A file of PyTorch is a pickle of its structure and raw storages beside it. The pickle is interpreted
by `jaxstyle.weights.convert.pickles`, which never calls anything; here the storages are located,
and no size is believed that the file does not have.
"""

from __future__ import annotations

import io
import sys
import zipfile
from typing import Any, BinaryIO

from jaxstyle.weights.convert import StoredTensor, shown
from jaxstyle.weights.convert.pickles import MAX_DEPTH, Array, Machine, ReadBytes, Storage, expect

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_MAX_ENTRIES = 20_000


def read(file: BinaryIO) -> dict[str, StoredTensor]:
    """Return the tensors of a PyTorch file or of a pickle of nested dictionaries.

    Keys of nested dictionaries are joined with dots. Other values, such as an epoch's number, are
    left out.

    Raises:
        ValueError: The file asks for anything but arrays, or is not what it claims to be.
    """
    if zipfile.is_zipfile(file):
        return _flatten(_load_zip(file))
    file.seek(0)
    first = Machine(nested=_nested_storage).load(file)
    return _flatten(_load_legacy(file) if first == _LEGACY_MAGIC else first)


def _load_zip(file: BinaryIO) -> Any:
    """Load PyTorch's zip format: `data.pkl`, and each storage as `data/KEY`."""
    file_size = file.seek(0, io.SEEK_END)
    archive = zipfile.ZipFile(file)
    members = {member.filename: member for member in archive.infolist()}
    pickled = next((name for name in members if name.split("/")[-1] == "data.pkl"), None)
    if pickled is None:
        raise ValueError("expected a zip with a data.pkl, as torch.save writes it")
    root = pickled.removesuffix("data.pkl")

    def stored(name: str) -> zipfile.ZipInfo:
        if name not in members:
            raise ValueError(f"{shown(name)} is missing")
        member = members[name]
        # PyTorch never compresses; not doing so either means that no member can unpack to more
        # than the file itself holds.
        if member.compress_type != zipfile.ZIP_STORED or member.file_size > file_size:
            raise ValueError(f"{shown(name)} is compressed or longer than the file")
        return member

    def open_storage(key: str, size: int) -> ReadBytes:
        member = stored(f"{root}data/{key}")
        if member.file_size != size:
            raise ValueError(f"storage {shown(key)} claims {size} bytes, has {member.file_size}")
        return lambda: archive.read(member)

    has_order = f"{root}byteorder" in members
    order = archive.read(stored(f"{root}byteorder")) if has_order else b"little"
    is_swapped = order != sys.byteorder.encode()
    content = io.BytesIO(archive.read(stored(pickled)))
    return Machine(open_storage, _nested_storage, is_swapped).load(content)


def _load_legacy(file: BinaryIO) -> Any:
    """Load PyTorch's format before 1.6, after its magic number: pickles, then storages."""
    if Machine().load(file) != _LEGACY_PROTOCOL:
        raise ValueError("an unknown protocol of PyTorch's old file format")
    system = Machine().load(file)
    if not isinstance(system, dict) or not system.get("little_endian"):
        raise ValueError("expected little-endian storages")
    sizes: dict[str, int] = {}
    starts: dict[str, int] = {}

    def open_storage(key: str, size: int) -> ReadBytes:
        if sizes.setdefault(key, size) != size:
            raise ValueError(f"storage {shown(key)} has two different sizes")

        def read_bytes() -> bytes:
            file.seek(starts[key])
            return file.read(size)

        return read_bytes

    is_swapped = sys.byteorder != "little"
    root = Machine(open_storage, _nested_storage, is_swapped).load(file)
    keys = Machine().load(file)
    if not isinstance(keys, list) or {*map(str, keys)} != sizes.keys():
        raise ValueError("the list of storages does not fit the tensors")
    for key in map(str, keys):
        file.seek(8, io.SEEK_CUR)  # the number of elements again; the bytes are checked below
        starts[key] = file.tell()
        file.seek(sizes[key], io.SEEK_CUR)
    claimed = file.tell()
    if claimed > (held := file.seek(0, io.SEEK_END)):
        raise ValueError(f"storages claim {claimed} bytes, the file has {held}")
    return root


def _nested_storage(data: bytes) -> Storage:
    """Load a storage from a small file of its own, as tensors in a plain pickle have it."""
    if b"_load_from_bytes" in data:
        raise ValueError("refused: a storage within a storage")
    file = io.BytesIO(data)
    if Machine().load(file) != _LEGACY_MAGIC:
        raise ValueError("expected a storage in PyTorch's old file format")
    return expect(_load_legacy(file), Storage)


def _flatten(tree: Any) -> dict[str, StoredTensor]:
    """Return the tensors of nested dictionaries, their keys joined with dots."""
    if not isinstance(tree, dict):
        raise ValueError(f"expected a dictionary of tensors, found a {type(tree).__name__}")
    tensors: dict[str, StoredTensor] = {}
    # A dictionary can hold itself, or a few can stand for a great many: hence the two limits.
    pending: list[tuple[tuple[str, ...], Any]] = [((), tree)]
    visited = 0
    while pending:
        path, value = pending.pop()
        visited += 1
        if visited > _MAX_ENTRIES or len(path) > MAX_DEPTH:
            raise ValueError("the dictionaries are nested too deeply or hold too much")
        if isinstance(value, dict):
            pending += [((*path, str(key)), inner) for key, inner in reversed(value.items())]
            continue
        tensor = value.tensor if isinstance(value, Array) else value
        if isinstance(tensor, StoredTensor):
            tensors[".".join(path)] = tensor
    return tensors
