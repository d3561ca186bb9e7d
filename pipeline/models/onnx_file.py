"""Check an untrusted ONNX file before loading it: one small network in one file, with plain operations only.

ONNX can store tensors in other files with any path, and has operations that loop, call others or make tensors of any
size. The format is protobuf: fields with numbers, or with bytes and their length.
Source: onnx/onnx.proto, IR version 10.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.untrusted import RefusedError, read_bounded

_LARGEST = 1 << 26  # bytes; the built-in network has 0.4 MB
_MOST_FIELDS = 200_000
_ARITHMETIC = frozenset(("Add", "Sub", "Mul", "Div", "Neg", "Sqrt", "Reciprocal", "Pow", "Exp", "Log", "Abs", "Clip"))
_LAYERS = frozenset(("Gemm", "MatMul", "Tanh", "Sigmoid", "Relu", "Softmax", "LogSoftmax", "LayerNormalization"))
_SHAPES = frozenset(("Concat", "Slice", "Gather", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Cast"))
_OTHERS = frozenset(("Identity", "Constant", "ReduceMean", "ReduceSum"))
_OPERATIONS = _ARITHMETIC | _LAYERS | _SHAPES | _OTHERS  # those that `ressenti train` writes, and similar ones
_GRAPH, _FUNCTIONS, _TRAINING = 7, 25, 20  # of a model
_NODE, _INITIALIZER, _SPARSE = 1, 5, 15  # of a graph
_OPERATION, _ATTRIBUTE, _DOMAIN = 4, 5, 7  # of a node
_TENSOR = 5  # of an attribute; other fields with tensors or graphs are refused
_ALLOWED = frozenset(
    (1, 2, 3, 4, 5, 7, 8, 13, 20, 21)
)  # fields of an attribute: name, numbers, texts, one tensor, kind
_EXTERNAL, _LOCATION = 13, 14  # of a tensor


def check_onnx(path: Path) -> None:
    """Raise `ModelError` for references to other files, code, unknown operations, or if it is not ONNX."""
    try:
        seen = {"fields": 0}
        for number, value in _fields(read_bounded(path, _LARGEST), seen):
            if number in (_FUNCTIONS, _TRAINING):
                raise RefusedError("it defines functions")
            if number == _GRAPH and isinstance(value, bytes):
                _check_graph(value, seen)
    except (OSError, RefusedError) as exc:
        raise ModelError(
            f"{path}: not a network that Ressenti can run ({exc}). Expected a file from `ressenti train`."
        ) from exc


def _check_graph(graph: bytes, seen: dict[str, int]) -> None:
    for number, value in _fields(graph, seen):
        if number == _SPARSE:
            raise RefusedError("sparse tensors")
        if number == _INITIALIZER and isinstance(value, bytes):
            _check_tensor(value, seen)
        if number == _NODE and isinstance(value, bytes):
            _check_node(value, seen)


def _check_node(node: bytes, seen: dict[str, int]) -> None:
    for number, value in _fields(node, seen):
        if number == _DOMAIN and value not in (b"", b"ai.onnx"):
            raise RefusedError(f"operations of {_text(value)}")
        if number == _OPERATION and _text(value) not in _OPERATIONS:
            raise RefusedError(f"the operation {_text(value)}")
        if number == _ATTRIBUTE and isinstance(value, bytes):
            for inner, held in _fields(value, seen):
                if inner not in _ALLOWED:
                    raise RefusedError("networks inside its operations")
                if inner == _TENSOR and isinstance(held, bytes):
                    _check_tensor(held, seen)


def _check_tensor(tensor: bytes, seen: dict[str, int]) -> None:
    for number, value in _fields(tensor, seen):
        if number == _EXTERNAL or (number == _LOCATION and value != 0):
            raise RefusedError("tensors in other files")


def _fields(data: bytes, seen: dict[str, int]) -> Iterator[tuple[int, int | bytes]]:
    """Yield (number, value) of each field of a message."""
    place = 0
    while place < len(data):
        seen["fields"] += 1
        if seen["fields"] > _MOST_FIELDS:
            raise RefusedError(f"more than {_MOST_FIELDS} fields")
        key, place = _number(data, place)
        kind = key & 7
        if kind == 0:
            value, place = _number(data, place)
            yield key >> 3, value
            continue
        if kind not in (1, 2, 5):
            raise RefusedError("damaged")
        length, place = _number(data, place) if kind == 2 else ((8 if kind == 1 else 4), place)
        if length > len(data) - place:
            raise RefusedError("damaged")
        yield key >> 3, data[place : place + length]
        place += length


def _number(data: bytes, place: int) -> tuple[int, int]:
    """Read a number with seven bits per byte; return it and its end."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        byte, place = data[place], place + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise RefusedError("damaged")


def _text(value: int | bytes) -> str:
    return value[:50].decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
