"""A folder with a pyannote pipeline: its config, the files that it refers to, and whether these may be unpickled."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ModelError, UntrustedModelError
from pipeline.models.folders import is_id
from pipeline.models.hashes import digest_of, together

CONFIG = "config.yaml"
WEIGHTS = "pytorch_model.bin"  # pyannote.audio.utils.hf_hub.AssetFileName.Model
PLDA_FILES = ("xvec_transform.npz", "plda.npz")  # pyannote.audio.core.plda
VBX, AGGLOMERATIVE = "VBxClustering", "AgglomerativeClustering"
_CLASSES = (
    "pyannote.audio.pipelines.SpeakerDiarization",
    "pyannote.audio.pipelines.speaker_diarization.SpeakerDiarization",
)
_PARTS = ("segmentation", "embedding", "plda")

Others = Callable[[str], Path | None]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that may be unpickled: its bytes as they were hashed, so that no other bytes are loaded."""

    path: Path
    data: bytes
    sha256: str


@dataclass(frozen=True)
class PipelineFolder:
    """What `config.yaml` says: where the parts lie, and what the pipeline is made with.

    `sha256` is that of `config.yaml`, together with the files of the PLDA where there is one.
    `options` go to the pipeline's class, `params` are its hyper-parameters, `plda` is a folder with `PLDA_FILES`.
    """

    folder: Path
    sha256: str
    clustering: str
    segmentation: Path
    embedding: Path
    plda: Path | None
    options: dict[str, Any]
    params: dict[str, Any]
    freeze: dict[str, Any]


def further_ids(folder: Path) -> tuple[str, ...]:
    """Hub ids that the config names and the folder does not hold, as `pyannote/segmentation-3.0`."""
    made_with, _, _ = _read(folder)
    named = [_reference(made_with[part]) for part in _needed(made_with) if part in made_with]
    return tuple(dict.fromkeys(_id(name) for name, _ in named if _local(folder, name) is None))


def read_folder(folder: Path, others: Others) -> PipelineFolder:
    """Read `config.yaml` and find the files it refers to: `$model/...`, paths, or ids that `others` knows.

    Raises `ModelError` where the config is none of a speaker diarization pipeline, or a part is not there. A part that
    the clustering does not use is not looked for: without that, pyannote.audio 4 asks the hub for the PLDA of
    community-1 when it loads a 3.1 pipeline.
    """
    made_with, content, sha256 = _read(folder)
    hashes = {CONFIG: sha256}
    found = {part: _find(folder, part, made_with.get(part), others) for part in _needed(made_with)}
    if "plda" in found:
        if missing := [name for name in PLDA_FILES if not (found["plda"] / name).is_file()]:
            raise ModelError(f"{found['plda']}: no PLDA, {' and '.join(missing)} missing. Download it again.")
        hashes |= {f"plda/{name}": digest_of(found["plda"] / name) for name in PLDA_FILES}
    return PipelineFolder(
        folder=folder,
        sha256=together(hashes),
        clustering=_clustering(made_with),
        segmentation=_weights(found["segmentation"]),
        embedding=_weights(found["embedding"]),
        plda=found.get("plda"),
        options={k: v for k, v in made_with.items() if k not in (*_PARTS, "clustering", "legacy", "token")},
        params=content.get("params") or {},
        freeze=content.get("freeze") or {},
    )


def read_checkpoint(path: Path, trusted: Mapping[str, str], trust_model: bool) -> Checkpoint:
    """Read a pickled checkpoint, if its SHA-256 is among those of `trusted` or the user trusts the model.

    pyannote.audio loads checkpoints with `weights_only=False` and imports the module that they name: whoever wrote the
    file may run anything. Raises `UntrustedModelError`, before anything is unpickled, and `ModelError`.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise ModelError(f"{path}: cannot be read ({exc.strerror}); expected a checkpoint of pyannote.audio.") from exc
    sha256 = hashlib.sha256(data).hexdigest()
    if not trust_model and sha256 not in trusted.values():
        raise UntrustedModelError(
            f"{path}: a pickled checkpoint that no manifest names (SHA-256 {sha256[:16]}...). Loading it runs whatever "
            "code is in it. Install the model with `ressenti models get ID`, or, if you know where the file comes "
            "from, give --trust-model (diarization.trust_model: true)."
        )
    return Checkpoint(path, data, sha256)


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Any], str]:
    """(parameters of the pipeline's class, whole config, SHA-256 of config.yaml)."""
    path = folder / CONFIG
    try:
        data = path.read_bytes()
        content = yaml.safe_load(data)
        name, made_with = content["pipeline"]["name"], dict(content["pipeline"].get("params") or {})
    except OSError as exc:
        raise ModelError(f"{path}: cannot be read ({exc.strerror}); expected a pyannote pipeline's config.") from exc
    except (yaml.YAMLError, TypeError, ValueError, KeyError, AttributeError) as exc:
        raise ModelError(
            f"{path}: no config of a pyannote pipeline ({exc!r}). Expected `pipeline: name: ...`."
        ) from exc
    if name not in _CLASSES:
        raise ModelError(f"{path}: a pipeline {name!r}; expected {_CLASSES[0]}, nothing else is run.")
    if content.get("preprocessors"):
        raise ModelError(f"{path}: has preprocessors, which would decode the recording again. Remove them.")
    if _clustering(made_with) not in (VBX, AGGLOMERATIVE):
        raise ModelError(f"{path}: clustering {_clustering(made_with)!r}; expected {VBX} or {AGGLOMERATIVE}.")
    return made_with, content, hashlib.sha256(data).hexdigest()


def _clustering(made_with: Mapping[str, Any]) -> str:
    return str(made_with.get("clustering", VBX))  # pyannote.audio 4's own default


def _needed(made_with: Mapping[str, Any]) -> tuple[str, ...]:
    return _PARTS if _clustering(made_with) == VBX else _PARTS[:2]


def _find(folder: Path, part: str, value: object, others: Others) -> Path:
    """Folder or file of a part; `ModelError` where it is not on this machine."""
    if value is None:
        raise ModelError(
            f"{folder / CONFIG}: names no {part}, which pyannote.audio would then fetch from the hub. "
            f"Add `{part}: $model/{part}` and the files."
        )
    name, subfolder = _reference(value)
    base = _local(folder, name) or others(_id(name))
    if base is None:
        get = f"Run `ressenti models get {_id(name)}`, or write" if is_id(_id(name)) else "Write"
        raise ModelError(
            f"{folder / CONFIG}: its {part} is {name!r}, which is neither in the folder nor installed. "
            f"{get} the path of a local folder there."
        )
    return base / subfolder if subfolder else base


def _reference(value: object) -> tuple[str, str]:
    """(path or hub id, subfolder) of a reference: text, or a mapping with `checkpoint` and perhaps `subfolder`."""
    if isinstance(value, Mapping) and isinstance(value.get("checkpoint"), str):
        name, subfolder = str(value["checkpoint"]), str(value.get("subfolder") or "")
    else:
        name, subfolder = str(value), ""
    return name, subfolder


def _id(name: str) -> str:
    return name.split("@", maxsplit=1)[0]  # what follows is a revision: here, the one that is installed


def _local(folder: Path, name: str) -> Path | None:
    if name.startswith("$model"):
        return folder / _id(name).removeprefix("$model").lstrip("/")
    path = Path(os.path.normpath(folder / Path(name).expanduser()))
    return path if path.exists() else None


def _weights(path: Path) -> Path:
    return path / WEIGHTS if path.is_dir() or not path.exists() else path
