"""A folder with a pyannote pipeline: its config, the files it refers to, and whether these may be unpickled."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ressenti.pipeline.diarization.pyannote_settings import OPTIONS, check_settings
from ressenti.pipeline.errors import ModelError, UntrustedModelError
from ressenti.pipeline.files.hashes import together
from ressenti.pipeline.files.paths import is_file, is_folder, is_there
from ressenti.pipeline.files.untrusted import RefusedError, parse_yaml, read_bounded
from ressenti.pipeline.models.folders import is_id

CONFIG = "config.yaml"
WEIGHTS = "pytorch_model.bin"  # pyannote.audio.utils.hf_hub.AssetFileName.Model
PLDA_FILES = ("xvec_transform.npz", "plda.npz")  # pyannote.audio.core.plda
VBX, AGGLOMERATIVE = "VBxClustering", "AgglomerativeClustering"
_CLASSES = (
    "pyannote.audio.pipelines.SpeakerDiarization",
    "pyannote.audio.pipelines.speaker_diarization.SpeakerDiarization",
)
_PARTS = ("segmentation", "embedding", "plda")
_LARGEST_CONFIG = 1 << 16  # bytes; the published ones have 500
_LARGEST_CHECKPOINT = 1 << 29  # bytes; the published ones have 27 MB, the largest architecture about 400
_LARGEST_PLDA = 1 << 26  # bytes per file; the published ones have 134 kB

Others = Callable[[str], Path | None]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that may be unpickled: the very bytes that were hashed, so that no others are loaded."""

    path: Path
    data: bytes
    sha256: str


@dataclass(frozen=True)
class PipelineFolder:
    """Content of `config.yaml`: paths of the parts, and settings of the pipeline.

    `sha256` covers `config.yaml` and the files of the PLDA, if there is one. `options` go to the pipeline's class,
    `params` are its hyper-parameters, `plda` is a folder with `PLDA_FILES`.
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
    """Hub ids in the config that are not in the folder, such as `pyannote/segmentation-3.0`."""
    made_with, _, _ = _read(folder)
    named = [_reference(made_with[part]) for part in _needed(made_with) if part in made_with]
    return tuple(dict.fromkeys(_id(name) for name, _ in named if _local(folder, name) is None))


def read_folder(folder: Path, others: Others) -> PipelineFolder:
    """Read `config.yaml` and find the files it refers to: `$model/...`, paths, or ids that `others` resolves.

    Raises `ModelError` if this is not the config of a speaker diarization pipeline, or a part is missing. Parts that
    the clustering does not use are ignored; pyannote.audio 4 itself would request the PLDA of community-1 from the hub
    when it loads a 3.1 pipeline.
    """
    made_with, content, sha256 = _read(folder)
    hashes = {CONFIG: sha256}
    found = {part: _find(folder, part, made_with.get(part), others) for part in _needed(made_with)}
    if "plda" in found:
        if missing := [name for name in PLDA_FILES if not is_file(found["plda"] / name)]:
            raise ModelError(f"{found['plda']}: not a PLDA: {' and '.join(missing)} missing. Download it again.")
        hashes |= {f"plda/{name}": _plda_sha256(found["plda"] / name) for name in PLDA_FILES}
    return PipelineFolder(
        folder=folder,
        sha256=together(hashes),
        clustering=_clustering(made_with),
        segmentation=_weights(found["segmentation"]),
        embedding=_weights(found["embedding"]),
        plda=found.get("plda"),
        options={k: v for k, v in made_with.items() if k in OPTIONS},
        params=content.get("params") or {},
        freeze=content.get("freeze") or {},
    )


def read_checkpoints(paths: Sequence[Path], trusted: Collection[str], trust_model: bool) -> tuple[Checkpoint, ...]:
    """Read pickled checkpoints if each SHA-256 is in `trusted`, or the user trusts the model for this run.

    The bytes hashed here are those loaded later. Raises `UntrustedModelError`, before anything is unpickled, and
    `ModelError`.
    """
    found = tuple(_read_checkpoint(path) for path in paths)
    unknown = {one.sha256: one.path for one in found if one.sha256 not in trusted}
    if unknown and not trust_model:
        files = "; ".join(f"{path} has SHA-256 {sha256}" for sha256, path in unknown.items())
        raise UntrustedModelError(
            f"{files}: this pickled checkpoint is not trusted, and loading it can run any code in it. Compare the hash "
            "with the one its author publishes. Then trust it permanently: ressenti models trust "
            f"{' '.join(unknown)}; or, if you know where it comes from, trust it for this run: --trust-model "
            "(diarization.trust_model: true)."
        )
    return found


def _read_checkpoint(path: Path) -> Checkpoint:
    try:
        data = read_bounded(path, _LARGEST_CHECKPOINT)
    except (OSError, RefusedError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else exc
        raise ModelError(f"{path}: cannot be read ({why}); expected a checkpoint of pyannote.audio.") from exc
    return Checkpoint(path, data, hashlib.sha256(data).hexdigest())


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return (parameters of the pipeline's class, whole config, SHA-256 of config.yaml)."""
    path = folder / CONFIG
    try:
        data = read_bounded(path, _LARGEST_CONFIG)
        content = parse_yaml(data.decode("utf-8-sig"))
        name, made_with = content["pipeline"]["name"], dict(content["pipeline"].get("params") or {})
    except OSError as exc:
        raise ModelError(f"{path}: cannot be read ({exc.strerror}); expected a pyannote pipeline's config.") from exc
    except (TypeError, ValueError, KeyError, AttributeError) as exc:  # a RefusedError is a ValueError
        raise ModelError(
            f"{path}: not a config of a pyannote pipeline ({str(exc)[:300] or type(exc).__name__}). "
            "Expected `pipeline: name: ...`."
        ) from exc
    if name not in _CLASSES:
        raise ModelError(f"{path}: pipeline {str(name)[:100]!r}; expected {_CLASSES[0]}. No other class is run.")
    if content.get("preprocessors"):
        raise ModelError(f"{path}: has preprocessors, which would decode the recording again. Remove them.")
    if _clustering(made_with) not in (VBX, AGGLOMERATIVE):
        raise ModelError(f"{path}: clustering {_clustering(made_with)[:100]!r}; expected {VBX} or {AGGLOMERATIVE}.")
    check_settings(path, made_with, content)
    return made_with, content, hashlib.sha256(data).hexdigest()


def _plda_sha256(path: Path) -> str:
    try:
        return hashlib.sha256(read_bounded(path, _LARGEST_PLDA)).hexdigest()
    except (OSError, RefusedError) as exc:
        raise ModelError(f"{path}: not a PLDA of pyannote.audio ({exc}). Download it again.") from exc


def _clustering(made_with: Mapping[str, Any]) -> str:
    return str(made_with.get("clustering", VBX))  # pyannote.audio 4's own default


def _needed(made_with: Mapping[str, Any]) -> tuple[str, ...]:
    return _PARTS if _clustering(made_with) == VBX else _PARTS[:2]


def _find(folder: Path, part: str, value: object, others: Others) -> Path:
    """Folder or file of a part; `ModelError` if it is not on this machine."""
    if value is None:
        raise ModelError(
            f"{folder / CONFIG}: has no {part}, so pyannote.audio would download one. "
            f"Add `{part}: $model/{part}` and the files."
        )
    name, subfolder = _reference(value)
    base = _local(folder, name) or others(_id(name))
    if ".." in PurePosixPath(subfolder).parts or PurePosixPath(subfolder).is_absolute():
        raise ModelError(f"{folder / CONFIG}: its {part} has the subfolder {subfolder!r}, which is outside its folder.")
    if base is None:
        name = name[:200]
        get = f"Run `ressenti models get {_id(name)}`, or enter" if is_id(_id(name)) else "Enter"
        raise ModelError(
            f"{folder / CONFIG}: its {part} is {name!r}, which is neither in the folder nor installed. "
            f"{get} the path of a local folder there."
        )
    return base / subfolder if subfolder else base


def _reference(value: object) -> tuple[str, str]:
    """(path or hub id, subfolder) of a reference: text, or a mapping with `checkpoint` and optional `subfolder`."""
    if isinstance(value, Mapping) and isinstance(value.get("checkpoint"), str):
        name, subfolder = str(value["checkpoint"]), str(value.get("subfolder") or "")
    else:
        name, subfolder = str(value), ""
    return name, subfolder


def _id(name: str) -> str:
    return name.split("@", maxsplit=1)[0]  # after @ comes a revision; the installed one is used


def _local(folder: Path, name: str) -> Path | None:
    if name.startswith("$model"):
        inner = PurePosixPath(_id(name).removeprefix("$model").lstrip("/"))
        if ".." in inner.parts:
            raise ModelError(f"{folder / CONFIG}: refers to {name!r}, which is outside the model's folder.")
        return folder / inner
    try:
        path = Path(os.path.normpath(folder / Path(name).expanduser()))
        return path if path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long, contains a NUL, or ~ of an unknown user
        return None


def _weights(path: Path) -> Path:
    return path / WEIGHTS if is_folder(path) or not is_there(path) else path
