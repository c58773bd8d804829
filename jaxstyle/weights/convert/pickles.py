"""Interprets pickles as data: arrays come out, and nothing in the file is ever called.

A pickle is a program. The one here is stepped through opcode by opcode: the few opcodes that a
dictionary of arrays needs are carried out on plain Python values, a name that the file asks for
is only compared with an allow-list (it is never imported), and everything else is refused.
"""

from __future__ import annotations

import math
import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from jaxstyle.weights.convert import StoredTensor, shown

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
MAX_DEPTH = 8
"""Of nested dictionaries, and of the dimensions of a tensor."""

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


@dataclass(frozen=True)
class _Global:
    """An allow-listed name as the file spells it: a symbol, not the thing that it names."""

    name: str


@dataclass
class _Dtype:
    """A `numpy.dtype` in the making: its byte order comes in a later opcode."""

    code: str
    order: str = "="


@dataclass
class Array:
    """A `numpy.ndarray` in the making: shape and bytes come in a later opcode."""

    tensor: StoredTensor | None = None


class Storage(NamedTuple):
    """One of PyTorch's storages: a flat run of numbers that tensors are views of."""

    dtype: np.dtype[Any]
    length: int
    read: ReadBytes


def _refuse(*_: object) -> Any:
    raise ValueError("refused: a storage where none belongs")


@dataclass
class Machine:
    """Steps through a pickle.

    Attributes:
        open_storage: Opens one of PyTorch's storages by its key.
        nested: Reads a storage in a file of its own.
        swapped: Whether their bytes are in the other order than this machine's.
    """

    open_storage: OpenStorage = _refuse
    nested: Callable[[bytes], Storage] = _refuse
    swapped: bool = False
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def load(self, file: BinaryIO) -> Any:
        """Load one pickle; `file` is left at the byte after it.

        Raises:
            ValueError: The pickle asks for anything but arrays, or is malformed.
        """
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name == "STOP":
                return self.stack.pop()
            self._step(opcode.name, argument)
        raise ValueError("malformed: the pickle does not end")

    def _pop(self, count: int) -> list[Any]:
        if count > len(self.stack):
            raise ValueError("malformed: the stack is empty")
        start = len(self.stack) - count
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def _pop_to_mark(self) -> list[Any]:
        if not self.marks:
            raise ValueError("malformed: a mark is missing")
        return self._pop(len(self.stack) - self.marks.pop())

    def _step(self, opcode: str, argument: Any) -> None:
        stack, memo = self.stack, self.memo
        match opcode:
            case "PROTO" | "FRAME":
                pass
            case _ if opcode in _LITERALS:
                stack.append(argument)
            case _ if opcode in _CONSTANTS:
                stack.append(_CONSTANTS[opcode]())
            case "MARK":
                self.marks.append(len(stack))
            case "TUPLE":
                stack.append(tuple(self._pop_to_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(self._pop(int(opcode[-1]))))
            case "APPEND" | "APPENDS":
                items = self._pop_to_mark() if opcode == "APPENDS" else self._pop(1)
                expect(stack[-1], list).extend(items)
            case "SETITEM" | "SETITEMS":
                items = self._pop_to_mark() if opcode == "SETITEMS" else self._pop(2)
                expect(stack[-1], dict).update(_pairs(items[::2], items[1::2]))
            case "BINPUT" | "LONG_BINPUT":
                memo[expect(argument, int)] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[expect(argument, int)])
            case "GLOBAL":
                stack.append(_allowed(expect(argument, str).replace(" ", ".")))
            case "STACK_GLOBAL":
                stack.append(_allowed(".".join(map(str, self._pop(2)))))
            case "BINPERSID":
                stack.append(_storage(stack.pop(), self.open_storage))
            case "REDUCE":
                function, arguments = self._pop(2)
                stack.append(self._call(function, expect(arguments, tuple)))
            case "BUILD":
                state = stack.pop()
                _fill(stack[-1], state)
            case _:
                raise ValueError(f"refused: the opcode {opcode} is not needed for arrays")

    def _call(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        """Return what a call of an allow-listed name stands for; nothing of that name is called."""
        match function, arguments:
            case _Global("collections.OrderedDict"), ():
                return {}
            case _Global("collections.OrderedDict"), (list(pairs),):  # as Python 2 wrote it
                if not all(type(pair) in (list, tuple) and len(pair) == 2 for pair in pairs):
                    raise ValueError("expected an OrderedDict to hold pairs")
                return _pairs([pair[0] for pair in pairs], [pair[1] for pair in pairs])
            case _Global("numpy.dtype"), (str(code), *_):
                if not re.fullmatch("[fiu][1248]|b1", code):
                    raise ValueError(
                        f"refused: numpy dtype {shown(code)}, and only numbers are read"
                    )
                return _Dtype(code)
            case _Global(name), (_Global("numpy.ndarray"), *_) if name.endswith("._reconstruct"):
                return Array()
            case _Global(name), (Storage() as storage, offset, size, stride, *_) if name.startswith(
                "torch._utils._rebuild_tensor"
            ):
                return _tensor(
                    storage, _sizes((offset,))[0], _sizes(size), _sizes(stride), self.swapped
                )
            case _Global("torch._utils._rebuild_parameter" | "torch.nn.parameter.Parameter"), (
                StoredTensor() as tensor,
                *_,
            ):
                return tensor
            case _Global("torch.storage._load_from_bytes"), (bytes(data),):
                return self.nested(data)
        name = function.name if isinstance(function, _Global) else type(function).__name__
        raise ValueError(f"refused: a call of {name} with arguments that arrays do not need")


def expect(value: Any, kind: type[Kind]) -> Kind:
    """Return a value that is of exactly this type, and refuse any other."""
    if type(value) is not kind:
        raise ValueError(f"expected a {kind.__name__}, found a {type(value).__name__}")
    return value


def _pairs(keys: list[Any], values: list[Any]) -> dict[str | int, Any]:
    # Only names and numbers are hashed: a deeply nested key could exhaust the C stack.
    if not all(type(key) in (str, int) for key in keys):
        raise ValueError("expected names as the keys of a dictionary")
    return dict(zip(keys, values, strict=True))


def _sizes(value: Any) -> tuple[int, ...]:
    sizes = expect(value, tuple)
    if len(sizes) > MAX_DEPTH or not all(type(size) is int and size >= 0 for size in sizes):
        raise ValueError(f"expected at most {MAX_DEPTH} sizes, whole numbers from 0")
    return sizes


def _allowed(name: str) -> _Global:
    if name not in _ALLOWED:
        raise ValueError(f"refused: it asks for {shown(name)}, and only arrays are read")
    return _Global(name)


def _storage(identity: Any, open_storage: OpenStorage) -> Storage:
    """Open a storage by its persistent id: ("storage", type, key, device, length[, view])."""
    match identity:
        case ("storage", _Global(name), str(key), str(), int(length), *view) if (
            name in _STORAGES and length >= 0 and view in ([], [None])
        ):
            import ml_dtypes  # noqa: F401 (it registers bfloat16 with NumPy)

            dtype = np.dtype(_STORAGES[name])
            return Storage(dtype, length, open_storage(key, length * dtype.itemsize))
    raise ValueError("expected the identity of one of PyTorch's storages")


def _tensor(
    storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], swapped: bool
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
        case Array(), (int(), shape, _Dtype() as kind, bool(by_columns), bytes(data)):
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
