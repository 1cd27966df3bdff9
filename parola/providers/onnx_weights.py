"""The float weights in an ONNX file, by name, without a runtime that would run it.

An ONNX file is one protocol-buffer message. Of its some hundred kinds of field five are read here: graph, node,
attribute, tensor, and what a tensor holds; everything else is stepped over.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

_FLOAT = 1
"""``TensorProto.DataType.FLOAT``."""

_GRAPH_OF_MODEL, _NODE_OF_GRAPH, _WEIGHT_OF_GRAPH = 7, 1, 5
_ATTRIBUTE_OF_NODE = 5
_TENSOR_OF_ATTRIBUTE, _GRAPH_OF_ATTRIBUTE = 5, 6
_DIMS, _TYPE, _NAME, _RAW = 1, 2, 8, 9


def weights(path: Path) -> dict[str, list[Float32]]:
    """Every named float tensor, those in the branches of an ``If`` included; under one name may stand several, in the
    order of the file. Raises ``ValueError`` when this is no ONNX file."""
    found: dict[str, list[Float32]] = {}
    try:
        for number, value in _fields(memoryview(path.read_bytes())):
            if number == _GRAPH_OF_MODEL:
                _collect(_bytes(value), found)
    except (IndexError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not an ONNX file that can be read: {error}.") from None
    return found


def _collect(graph: memoryview, found: dict[str, list[Float32]]) -> None:
    for number, value in _fields(graph):
        if number == _WEIGHT_OF_GRAPH:
            _keep(_bytes(value), found)
        elif number == _NODE_OF_GRAPH:
            for inner, attribute in _fields(_bytes(value)):
                if inner == _ATTRIBUTE_OF_NODE:
                    for kind, content in _fields(_bytes(attribute)):
                        if kind == _TENSOR_OF_ATTRIBUTE:
                            _keep(_bytes(content), found)
                        elif kind == _GRAPH_OF_ATTRIBUTE:
                            _collect(_bytes(content), found)


def _keep(tensor: memoryview, found: dict[str, list[Float32]]) -> None:
    shape: list[int] = []
    name, kind, raw = "", 0, memoryview(b"")
    for number, value in _fields(tensor):
        if number == _DIMS:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif number == _TYPE and isinstance(value, int):
            kind = value
        elif number == _NAME:
            name = str(_bytes(value), "utf-8")
        elif number == _RAW:
            raw = _bytes(value)
    if name and kind == _FLOAT:
        found.setdefault(name, []).append(np.frombuffer(raw, "<f4").reshape(shape).astype(np.float32, copy=False))


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(number, value) of each field; a value is a number or bytes."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        match key & 7:
            case 0:
                value, position = _varint(message, position)
                yield key >> 3, value
            case 2:
                size, position = _varint(message, position)
                if position + size > len(message):
                    raise ValueError("it ends too early")
                yield key >> 3, message[position : position + size]
                position += size
            case 1:
                position += 8
            case 5:
                position += 4
            case wire_type:
                raise ValueError(f"a field of the unknown wire type {wire_type}")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _packed(message: memoryview) -> list[int]:
    values, position = [], 0
    while position < len(message):
        value, position = _varint(message, position)
        values.append(value)
    return values


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where bytes were expected")
    return value
