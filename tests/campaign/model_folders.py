"""Folders that claim to hold an emotion model or a pipeline: files, and the codes that their use may end with."""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

Files = dict[str, bytes]
REFUSED = frozenset({20})  # a model that is missing, damaged or not what it should be
UNTRUSTED = frozenset({28})
EITHER = frozenset({20, 28})
HUGE: tuple[Any, ...] = (10**9, 10**17, -1, -(10**9), 1e308, 1e9, "9" * 400, True, [], {}, [10**9], "x")
CONFIG: dict[str, Any] = {
    "model_type": "wav2vec2",
    "id2label": {"0": "Pleased", "1": "Relaxed", "2": "Neutral", "3": "Sad", "4": "Tension"},
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "conv_dim": [16] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 4,
    "classifier_proj_size": 24,
}
SIZES = tuple(key for key, value in CONFIG.items() if isinstance(value, int | list))


def safetensors(header: object, data: bytes = b"\0" * 64, length: int | None = None) -> bytes:
    """A file of tensors with this header (JSON, or bytes as they are), which says that it is so long."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


WEIGHTS = safetensors({"a": {"dtype": "F32", "shape": [16], "data_offsets": [0, 64]}})


def _emotion(config: object = None, weights: bytes = WEIGHTS, **other: bytes) -> Files:
    text = config if isinstance(config, bytes) else json.dumps(CONFIG | (config or {})).encode()  # type: ignore[operator]
    named = {name.replace("_json", ".json"): data for name, data in other.items()}
    return {"config.json": text, "preprocessor_config.json": b"{}", "model.safetensors": weights} | named


def _size(draw: random.Random) -> Files:
    return _emotion({draw.choice(SIZES): draw.choice(HUGE)})


def _labels(draw: random.Random) -> Files:
    named = [{"id2label": None, "num_labels": value} for value in HUGE]
    many = [{"id2label": {str(i): "x" for i in range(20_000)}}, {"id2label": {"9" * 5000: "x"}}, {"id2label": {"a": 1}}]
    return _emotion(draw.choice([*named, *many]))


def _frames(draw: random.Random) -> Files:
    strides = draw.choice([[4096] * 7, [1] * 7, [10**9] * 7, [5] * 100_000, [0] * 7])
    return _emotion({"conv_stride": strides, "conv_kernel": [3] * len(strides), "conv_dim": [16] * len(strides)})


def _json(draw: random.Random) -> Files:
    texts = (b"[" * 100_000, b'{"a":' * 100_000, b"{" + b'"a": 1,' * 300_000, b"\xff", b"", b"NaN", b"[]", b"1" * 5000)
    twice = b'{"model_type": "wav2vec2", "model_type": "wav2vec2"}'
    name = draw.choice(["config.json", "preprocessor_config.json", "training.json"])
    text = draw.choice([*texts, twice, b'{"model_type": Infinity}', b'{"model_type": 1e999}'])
    if name == "training.json":
        text = b'{"format": "ressenti-training-1", "x": ' + text
    return _emotion() | {name: text}


def _extractor(draw: random.Random) -> Files:
    key, value = draw.choice(
        [("sampling_rate", v) for v in (0, -1, 8000, 1e9, "x", None)]
        + [("feature_size", v) for v in (0, 80, "1", [1])]
        + [("padding_value", v) for v in ("x", [0], None)]
        + [("do_normalize", v) for v in (2, "yes", {})]
        + [("feature_extractor_type", v) for v in ("os.system", 1, "WhisperFeatureExtractor")]
    )
    return _emotion(preprocessor_config_json=json.dumps({key: value}).encode())


def _code(draw: random.Random) -> Files:
    value = {"AutoModel": "evil.Model"}
    key = draw.choice(["auto_map", "custom_pipelines", "trust_remote_code", "_target_"])
    return _emotion({key: value}) | {"evil.py": b"import os; os.mkdir('ran')"}


def _header(draw: random.Random) -> Files:
    def one(shape: list[Any], offsets: list[int], dtype: str = "F32") -> dict[str, Any]:
        return {"dtype": dtype, "shape": shape, "data_offsets": offsets}

    weights = draw.choice(
        [
            safetensors({}, length=10**18),
            safetensors({}, length=(1 << 64) - 1),
            safetensors({"a": one([16], [0, 64])}, length=5),
            safetensors({"a": one([16], [0, 1 << 40])}),
            safetensors({"a": one([16], [64, 0])}),
            safetensors({"a": one([16], [0, 64]), "b": one([16], [0, 64])}),
            safetensors({"a": one([8], [0, 32]), "b": one([4], [48, 64])}),
            safetensors({"a": one([10**18, 10**18], [0, 64])}),
            safetensors({"a": one([-1], [0, 64])}),
            safetensors({"a": one([1e9], [0, 64])}),
            safetensors({"a": one([16], [0, 64], "F99")}),
            safetensors(b"[" * 100_000),
            safetensors(b'{"a":' * 100_000),
            safetensors(b" " * 9_000_000),
            safetensors(b"{}", b""),
            b"",
            b"\0" * 7,
            draw.randbytes(500),
        ]
    )
    return _emotion(weights=weights)


def _index(draw: random.Random) -> Files:
    index = draw.choice(
        [
            {"weight_map": {"a": "../model.safetensors"}},
            {"weight_map": {"a": "/etc/passwd.safetensors"}},
            {"weight_map": {"a": "none.safetensors"}},
            {"weight_map": {"a": 1}},
            {"weight_map": {}},
            {"weight_map": {f"t{i}": f"{i}.safetensors" for i in range(5000)}},
            {"weight_map": {"lost": "one.safetensors"}},
            {"weight_map": [["a", "one.safetensors"]]},
            {},
        ]
    )
    texts = [json.dumps(index).encode(), b"[" * 100_000, b'{"weight_map": ' + b" " * 5_000_000 + b"{}}"]
    made = _emotion()
    made["one.safetensors"] = made.pop("model.safetensors")
    return made | {"model.safetensors.index.json": draw.choice(texts)}


class Ran:
    """Makes a folder called `ran` where it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return (__import__("os").mkdir, ("ran",))


def evil(draw: random.Random) -> bytes:
    """A pickle that would run code: bare, or packed as PyTorch does it."""
    data = pickle.dumps({"state_dict": Ran()}, protocol=draw.choice([2, 4]))
    if draw.random() < 0.5:
        return data
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", draw.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as file:
        file.writestr("archive/data.pkl", data)
        file.writestr("archive/version", b"3\n")
        file.writestr("archive/byteorder", b"little")
        if draw.random() < 0.3:
            file.writestr("archive/data/0", b"\0" * 50_000_000, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _pickled(draw: random.Random) -> Files:
    made = _emotion()
    del made["model.safetensors"]
    return made | {"pytorch_model.bin": evil(draw)}


PIPELINE = """
pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params:
    clustering: {clustering}
    segmentation: {segmentation}
    embedding: {embedding}
{more}
params: {{clustering: {{threshold: 0.6}}}}
"""
PLAIN = {
    "clustering": "AgglomerativeClustering",
    "segmentation": "$model/a",
    "embedding": "$model/b",
    "more": "",
}


def _pipeline(text: str | bytes, draw: random.Random) -> Files:
    config = text if isinstance(text, bytes) else text.encode()
    return {"config.yaml": config, "a/pytorch_model.bin": evil(draw), "b/pytorch_model.bin": evil(draw)}


def _untrusted(draw: random.Random) -> Files:
    return _pipeline(PIPELINE.format(**PLAIN), draw)


def _config(draw: random.Random) -> Files:
    levels = "\n".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 12))
    changed = draw.choice(
        [
            PLAIN | {"clustering": "os.system"},
            PLAIN | {"clustering": "evil.Clustering"},
            PLAIN | {"segmentation": "$model/../../../etc/passwd"},
            PLAIN | {"embedding": "{checkpoint: $model/b, subfolder: ../../..}"},
            PLAIN | {"embedding": "{_target_: os.system, args: [mkdir ran]}"},
            PLAIN | {"more": "    segmentation_step: 0.000001"},
            PLAIN | {"more": "    segmentation_step: .nan"},
            PLAIN | {"more": "    embedding_batch_size: 100000000000"},
            PLAIN | {"more": "    cache_dir: /etc"},
            PLAIN | {"more": "    custom_pipelines: evil"},
            PLAIN | {"more": "    der_variant: {auto_map: {a: b}}"},
            PLAIN | {"more": "kernels: {a: evil/repository}"},
            PLAIN | {"more": "preprocessors: {audio: {name: os.system}}"},
        ]
    )
    text = PIPELINE.format(**changed)
    bomb = f"l0: &l0 [x]\n{levels}\n{text}"
    tag = text.replace("AgglomerativeClustering", '!!python/object/apply:os.mkdir ["ran"]')
    other: list[str | bytes] = [bomb, tag, "a: " * 50_000, "[" * 50_000, "x: 1\n" * 50_000, b"\xff", "", "- 1"]
    named = text.replace("pyannote.audio.pipelines.SpeakerDiarization", "os.path.join")
    return _pipeline(draw.choice([text, text, text, named, *other]), draw)


MAKERS: tuple[tuple[str, Callable[[random.Random], Files], frozenset[int]], ...] = (
    ("emotion size", _size, REFUSED),
    ("emotion labels", _labels, REFUSED | {2}),  # labels without a map are the config's matter
    ("emotion frames", _frames, REFUSED),
    ("emotion json", _json, REFUSED),
    ("emotion extractor", _extractor, REFUSED),
    ("emotion code", _code, REFUSED),
    ("emotion header", _header, REFUSED),
    ("emotion index", _index, REFUSED),
    ("emotion pickle", _pickled, REFUSED),
    ("pipeline pickle", _untrusted, UNTRUSTED),
    ("pipeline config", _config, EITHER),
)


def cases(seed: int, count: int) -> Iterator[tuple[str, Files, frozenset[int]]]:
    """(name, files, codes that using the folder may end with), the same for the same seed.

    The first word of the name says as what it is used: an emotion model, or a pipeline.
    """
    for i in range(count):
        kind, make, codes = MAKERS[i % len(MAKERS)]
        yield f"{kind} {i}", make(random.Random(f"{seed} {i}")), codes  # noqa: S311  # repeatable, not secret
