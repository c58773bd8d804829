"""Reads PyTorch and NumPy pickles as data: arrays come out, and nothing in the file is ever called.

A pickle is a program. The one here is stepped through opcode by opcode: the few opcodes that a
dictionary of arrays needs are carried out on plain Python values, a name that the file asks for
is only compared with an allow-list (it is never imported), and everything else is refused.
"""

from __future__ import annotations

import io
import math
import pickletools
import re
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray


class StoredTensor(NamedTuple):
    """A tensor that is still in its file: shape and dtype are known before any of it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], NDArray[Any]]


Kind = TypeVar("Kind")
ReadBytes = Callable[[], bytes]
OpenStorage = Callable[[str, int], ReadBytes]
"""(key, bytes) → a function that reads that storage; refuses a size that the file does not have."""

_STORAGES = {
    "torch.FloatStorage": "float32",
    "torch.DoubleStorage": "float64",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}
_ALLOWED = _STORAGES.keys() | {
    "collections.OrderedDict",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch.nn.parameter.Parameter",  # how PyTorch wrote parameters in 2017
    "torch.storage._load_from_bytes",  # how a plain pickle holds PyTorch's storages
}
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_MOST_ENTRIES = 20_000
_DEEPEST = 8

# What an opcode pushes as it is; `pickletools` has decoded the argument already.
_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True)
class _Global:
    """An allow-listed name as the file spells it: a symbol, not the thing that it names."""

    name: str


@dataclass
class _Dtype:
    """A `numpy.dtype` on its way: its byte order comes in a later opcode."""

    code: str
    order: str = "="


@dataclass
class _Array:
    """A `numpy.ndarray` on its way: shape and bytes come in a later opcode."""

    tensor: StoredTensor | None = None


class _Storage(NamedTuple):
    """One of PyTorch's storages: a flat run of numbers that tensors are views of."""

    dtype: np.dtype[Any]
    length: int
    read: ReadBytes


def shown(text: object) -> str:
    """A name out of an untrusted file, fit for a one-line message: quoted, escaped and short."""
    plain = str(text)
    return repr(plain if len(plain) <= 60 else plain[:59] + "…")


def read(file: BinaryIO) -> dict[str, StoredTensor]:
    """The tensors of a PyTorch file (either format) or of a pickle of nested dictionaries.

    Args:
        file: Open for reading and seekable; keep it open until the tensors have been read.

    Returns:
        The tensors by their names, those in nested dictionaries joined with dots. Other values,
        such as an epoch's number, are left out.

    Raises:
        ValueError: The file asks for anything but arrays, or is not what it claims to be.
    """
    if zipfile.is_zipfile(file):
        return _flatten(_load_zip(file))
    file.seek(0)
    first = _load(file, _no_storages)
    return _flatten(_load_legacy(file) if first == _LEGACY_MAGIC else first)


def _load_zip(file: BinaryIO) -> Any:
    """The object in PyTorch's zip format: `data.pkl`, and each storage as `data/KEY`."""
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

    order = b"little"
    if f"{root}byteorder" in members:
        order = archive.read(stored(f"{root}byteorder"))
    pickle_bytes = archive.read(stored(pickled))
    return _load(io.BytesIO(pickle_bytes), open_storage, swapped=order != sys.byteorder.encode())


def _load_legacy(file: BinaryIO) -> Any:
    """The object in PyTorch's format before 1.6, after its magic number: pickles, then storages."""
    if _load(file, _no_storages) != _LEGACY_PROTOCOL:
        raise ValueError("an unknown protocol of PyTorch's old file format")
    system = _load(file, _no_storages)
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

    found = _load(file, open_storage, swapped=sys.byteorder != "little")
    keys = _load(file, _no_storages)
    if not isinstance(keys, list) or {*map(str, keys)} != sizes.keys():
        raise ValueError("the list of storages does not fit the tensors")
    for key in map(str, keys):
        file.seek(8, io.SEEK_CUR)  # the number of elements again; the bytes are checked below
        starts[key] = file.tell()
        file.seek(sizes[key], io.SEEK_CUR)
    claimed = file.tell()
    if claimed > (held := file.seek(0, io.SEEK_END)):
        raise ValueError(f"storages claim {claimed} bytes, the file has {held}")
    return found


def _nested_storage(data: bytes) -> _Storage:
    """The storage in a small file of its own, as tensors in a plain pickle keep them."""
    if b"_load_from_bytes" in data:
        raise ValueError("refused: a storage within a storage")
    file = io.BytesIO(data)
    if _load(file, _no_storages) != _LEGACY_MAGIC:
        raise ValueError("expected a storage in PyTorch's old file format")
    return _expect(_load_legacy(file), _Storage)


def _no_storages(key: str, size: int) -> ReadBytes:
    raise ValueError(f"a storage where none belongs: {shown(key)}")


def _load(file: BinaryIO, open_storage: OpenStorage, *, swapped: bool = False) -> Any:
    """Step through one pickle; `file` is left behind its end."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}

    def pop_many(count: int) -> list[Any]:
        if count > len(stack):
            raise ValueError("malformed: the stack is empty")
        start = len(stack) - count
        items = stack[start:]
        del stack[start:]
        return items

    def pop_to_mark() -> list[Any]:
        if not marks:
            raise ValueError("malformed: a mark is missing")
        return pop_many(len(stack) - marks.pop())

    for opcode, argument, _ in pickletools.genops(file):
        match opcode.name:
            case "PROTO" | "FRAME":
                pass
            case name if name in _LITERALS:
                stack.append(argument)
            case name if name in _CONSTANTS:
                stack.append(_CONSTANTS[name]())
            case "MARK":
                marks.append(len(stack))
            case "TUPLE":
                stack.append(tuple(pop_to_mark()))
            case name if name in _TUPLES:
                stack.append(tuple(pop_many(_TUPLES[name])))
            case "APPEND" | "APPENDS" as name:
                items = pop_to_mark() if name == "APPENDS" else pop_many(1)
                _expect(stack[-1], list).extend(items)
            case "SETITEM" | "SETITEMS" as name:
                items = pop_to_mark() if name == "SETITEMS" else pop_many(2)
                _expect(stack[-1], dict).update(_pairs(items[::2], items[1::2]))
            case "BINPUT" | "LONG_BINPUT":
                memo[_expect(argument, int)] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[_expect(argument, int)])
            case "GLOBAL":
                stack.append(_allowed(_expect(argument, str).replace(" ", ".")))
            case "STACK_GLOBAL":
                stack.append(_allowed(".".join(map(str, pop_many(2)))))
            case "BINPERSID":
                stack.append(_storage(stack.pop(), open_storage))
            case "REDUCE":
                function, arguments = pop_many(2)
                stack.append(_make(function, _expect(arguments, tuple), swapped))
            case "BUILD":
                state = stack.pop()
                _fill(stack[-1], state)
            case "STOP":
                return stack.pop()
            case name:
                raise ValueError(f"refused: the opcode {name} is not needed for arrays")
    raise ValueError("malformed: the pickle does not end")


def _expect(value: Any, kind: type[Kind]) -> Kind:
    if type(value) is not kind:
        raise ValueError(f"expected a {kind.__name__}, found a {type(value).__name__}")
    return value


def _pairs(keys: list[Any], values: list[Any]) -> dict[str | int, Any]:
    # Only names and numbers are hashed: a deeply nested key could exhaust the C stack.
    if not all(type(key) in (str, int) for key in keys):
        raise ValueError("expected names as the keys of a dictionary")
    return dict(zip(keys, values, strict=True))


def _sizes(value: Any) -> tuple[int, ...]:
    sizes = _expect(value, tuple)
    if len(sizes) > _DEEPEST or not all(type(size) is int and size >= 0 for size in sizes):
        raise ValueError(f"expected at most {_DEEPEST} sizes, whole numbers from 0")
    return sizes


def _allowed(name: str) -> _Global:
    if name not in _ALLOWED:
        raise ValueError(f"refused: it asks for {shown(name)}, and only arrays are read")
    return _Global(name)


def _storage(identity: Any, open_storage: OpenStorage) -> _Storage:
    """A storage by PyTorch's persistent id: ("storage", type, key, device, length[, view])."""
    match identity:
        case ("storage", _Global(name), str(key), str(), int(length), *view) if (
            name in _STORAGES and length >= 0 and view in ([], [None])
        ):
            dtype = _dtype(_STORAGES[name])
            return _Storage(dtype, length, open_storage(key, length * dtype.itemsize))
    raise ValueError("expected the identity of one of PyTorch's storages")


def _dtype(name: str) -> np.dtype[Any]:
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


def _make(function: Any, arguments: tuple[Any, ...], swapped: bool) -> Any:
    """What the call of an allow-listed name stands for; no function is called by that name."""
    match function, arguments:
        case _Global("collections.OrderedDict"), ():
            return {}
        case _Global("collections.OrderedDict"), (list(pairs),):  # as Python 2 wrote it
            if not all(type(pair) in (list, tuple) and len(pair) == 2 for pair in pairs):
                raise ValueError("expected an OrderedDict to hold pairs")
            return _pairs([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        case _Global("numpy.dtype"), (str(code), *_):
            if not re.fullmatch("[fiu][1248]|b1", code):
                raise ValueError(f"refused: numpy dtype {shown(code)}, and only numbers are read")
            return _Dtype(code)
        case _Global(name), (_Global("numpy.ndarray"), *_) if name.endswith("._reconstruct"):
            return _Array()
        case _Global(name), (_Storage() as storage, offset, size, stride, *_) if name.startswith(
            "torch._utils._rebuild_tensor"
        ):
            return _tensor(storage, _sizes((offset,))[0], _sizes(size), _sizes(stride), swapped)
        case _Global("torch._utils._rebuild_parameter" | "torch.nn.parameter.Parameter"), (
            StoredTensor() as tensor,
            *_,
        ):
            return tensor
        case _Global("torch.storage._load_from_bytes"), (bytes(data),):
            return _nested_storage(data)
    name = function.name if isinstance(function, _Global) else type(function).__name__
    raise ValueError(f"refused: a call of {name} with arguments that arrays do not need")


def _tensor(
    storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], swapped: bool
) -> StoredTensor:
    if len(size) != len(stride):
        raise ValueError(f"a tensor of {len(size)} dimensions has {len(stride)} strides")
    steps = (step * (length - 1) for step, length in zip(stride, size, strict=True))
    end = offset + sum(steps) + 1 if math.prod(size) else offset
    if max(end, math.prod(size)) > storage.length:
        raise ValueError(f"a tensor of shape {size} does not fit its {storage.length} numbers")
    strides = tuple(step * storage.dtype.itemsize for step in stride)

    def read_tensor() -> NDArray[Any]:
        data = storage.read()
        start = offset * storage.dtype.itemsize
        array: NDArray[Any] = np.ndarray(size, storage.dtype, data, start, strides)
        return array.byteswap() if swapped else array

    return StoredTensor(size, storage.dtype, read_tensor)


def _fill(target: Any, state: Any) -> None:
    """Carry out BUILD: give a dtype or an array its state; dictionaries and tensors need none."""
    match target, state:
        case _Dtype(), (int(), "<" | ">" | "=" | "|" as order, None, None, None, *_):
            target.order = order
        case _Array(), (int(), shape, _Dtype() as kind, bool(by_columns), bytes(data)):
            target.tensor = _numpy_array(_sizes(shape), kind, by_columns, data)
        case dict() | StoredTensor(), _:
            pass  # an OrderedDict's attributes (PyTorch's versions) and a parameter's flags
        case _:
            raise ValueError(f"refused: a state for a {type(target).__name__.strip('_')}")


def _numpy_array(
    shape: tuple[int, ...], kind: _Dtype, by_columns: bool, data: bytes
) -> StoredTensor:
    dtype = np.dtype(kind.code).newbyteorder("=" if kind.order == "|" else kind.order)  # type: ignore[arg-type]
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(
            f"an array of shape {shape} and {dtype} claims other than {len(data)} bytes"
        )
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")
    return StoredTensor(shape, dtype, lambda: array)


def _flatten(tree: Any) -> dict[str, StoredTensor]:
    """The tensors of nested dictionaries, their keys joined with dots."""
    if not isinstance(tree, dict):
        raise ValueError(f"expected a dictionary of tensors, found a {type(tree).__name__}")
    found: dict[str, StoredTensor] = {}
    # A dictionary can hold itself, or a few can stand for a great many: hence the two limits.
    pending: list[tuple[tuple[str, ...], Any]] = [((), tree)]
    visited = 0
    while pending:
        path, value = pending.pop()
        visited += 1
        if visited > _MOST_ENTRIES or len(path) > _DEEPEST:
            raise ValueError("the dictionaries are nested too deeply or hold too much")
        if isinstance(value, dict):
            pending += [((*path, str(key)), inner) for key, inner in reversed(value.items())]
            continue
        tensor = value.tensor if isinstance(value, _Array) else value
        if isinstance(tensor, StoredTensor):
            found[".".join(path)] = tensor
    return found
