"""Reads the convolutions of an ONNX file as data.

An ONNX file is one protocol buffer: numbered fields, some of them with fields of their own. Four
kinds of message are needed here, so they are read by their numbers (onnx.proto, version 3).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np

from jaxstyle.weights.convert import StoredTensor

_GRAPH = 7  # of a model
_NODE, _INITIALIZER = 1, 5  # of a graph
_INPUT, _KIND = 1, 4  # of a node
_DIMENSIONS, _TYPE, _NAME, _RAW = 1, 2, 8, 9  # of a tensor
_TYPES = {1: "<f4", 10: "<f2", 11: "<f8"}
_KERAS = re.compile(r"block\d_conv\d")
_MAX_NUMBER = 10  # bytes


def read(content: memoryview) -> dict[str, StoredTensor]:
    """Return the kernel and bias of every convolution, as `NAME.weight` and `NAME.bias`.

    NAME is Keras's, such as `block1_conv1`, if the file's name of the kernel contains one, else
    that name itself.

    Raises:
        ValueError: The content is not a protocol buffer with such fields.
    """
    graph = next((value for number, value in _fields(content) if number == _GRAPH), None)
    tensors: dict[str, StoredTensor] = {}
    convolutions: list[list[str]] = []
    for number, value in _fields(_message(graph)):
        if number == _INITIALIZER:
            tensors.update([_tensor(_message(value))])
        elif number == _NODE:
            texts = [
                (part, bytes(_message(text)))
                for part, text in _fields(_message(value))
                if part in (_INPUT, _KIND)
            ]
            if (_KIND, b"Conv") in texts:
                convolutions.append([text.decode() for part, text in texts if part == _INPUT])
    named: dict[str, StoredTensor] = {}
    for _, kernel, *bias in convolutions:
        keras = _KERAS.search(kernel)
        name = keras[0] if keras else kernel
        for kind, source in zip(("weight", "bias"), (kernel, *bias), strict=False):
            if source in tensors:
                named[f"{name}.{kind}"] = tensors[source]
    return named


def _tensor(content: memoryview) -> tuple[str, StoredTensor]:
    shape: list[int] = []
    # Any type that is not listed is refused later, as an integer is.
    dtype, name, raw = np.dtype(np.int64), "", memoryview(b"")
    for number, value in _fields(content):
        if number == _DIMENSIONS and isinstance(value, int):
            shape.append(value)
        elif number == _TYPE and value in _TYPES:
            dtype = np.dtype(_TYPES[value])
        elif number == _NAME:
            name = bytes(_message(value)).decode()
        elif number == _RAW:
            raw = _message(value)
    count = math.prod(shape)

    def read_tensor() -> np.ndarray:
        if count * dtype.itemsize != len(raw):
            raise ValueError(f"a tensor of shape {tuple(shape)} has {len(raw)} bytes")
        return np.frombuffer(raw, dtype).reshape(shape)

    return name, StoredTensor(tuple(shape), dtype, read_tensor)


def _message(value: object) -> memoryview:
    if not isinstance(value, memoryview):
        raise ValueError("not an ONNX file: a part of it is missing or a number")
    return value


def _fields(content: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and value of each field: an integer, or bytes."""
    at = 0
    while at < len(content):
        tag, at = _number(content, at)
        match tag & 7:
            case 0:
                value, at = _number(content, at)
                yield tag >> 3, value
                continue
            case 1:
                length = 8
            case 2:
                length, at = _number(content, at)
            case 5:
                length = 4
            case kind:
                raise ValueError(f"not an ONNX file: a field of kind {kind}")
        if at + length > len(content):
            raise ValueError("not an ONNX file: a field is longer than the file")
        yield tag >> 3, content[at : at + length]
        at += length


def _number(content: memoryview, at: int) -> tuple[int, int]:
    """Return a number of seven bits per byte, and the position after it."""
    total = 0
    for place, byte in enumerate(content[at : at + _MAX_NUMBER]):
        total |= (byte & 127) << (7 * place)
        if byte < 128:
            return total, at + place + 1
    raise ValueError("not an ONNX file: a number does not end")
