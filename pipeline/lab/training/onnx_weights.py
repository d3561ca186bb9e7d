"""Store the weights of ONNX files small: as fp16 or int8, computed with in fp32."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ressenti.pipeline.audio.mel import FloatArray

_LARGE = 1_000  # numbers in weights that are stored small
_MATRIX = 10_000  # in those stored as int8


def halve(path: Path) -> None:
    """Store large weights as fp16, each followed by a cast to fp32, which is done once, when the file is loaded."""
    _store(path, lambda values: False)


def quantise(path: Path) -> None:
    """Store matrices and filters as int8 with an fp32 scale for each output channel; other large weights as fp16.

    What is computed stays fp32: values are scaled once, when the file is loaded.
    """
    _store(path, lambda values: values.ndim >= 2 and values.size >= _MATRIX)


def _store(path: Path, as_int8: Callable[[FloatArray], bool]) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(str(path))
    nodes: list[Any] = []
    for weight in list(model.graph.initializer):
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _LARGE:
            continue
        name = weight.name
        if as_int8(values):
            # the output channel is the last axis of a matrix (in, out), the first of a filter (out, in, width)
            scale = np.abs(values).max(axis=0 if values.ndim == 2 else (1, 2), keepdims=True) / np.float32(127)
            scale = np.maximum(scale, np.finfo(np.float32).tiny)
            weight.CopyFrom(numpy_helper.from_array(np.round(values / scale).astype(np.int8), f"{name}.int8"))
            model.graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"))
            nodes.append(helper.make_node("Cast", [f"{name}.int8"], [f"{name}.whole"], to=TensorProto.FLOAT))
            nodes.append(helper.make_node("Mul", [f"{name}.whole", f"{name}.scale"], [name]))
        else:
            weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            nodes.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes += model.graph.node
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
