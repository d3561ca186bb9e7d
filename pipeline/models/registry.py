"""The models that Ressenti knows, from `known.yaml`, and which files of a repository to download."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.records import ClassName, Polarity

Task = Literal["emotion", "diarization", "transcription", "names", "sentiment", "part"]
Used = Literal["emotion", "diarization", "transcription", "names", "sentiment"]
"""Tasks that a model is used for on its own."""

_TEXT_MODEL = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "README.md",
    "LICENSE*",
)
UNKNOWN_FILES: dict[Task, tuple[str, ...]] = {  # for models that are not in the registry
    "emotion": (
        "config.json",
        "preprocessor_config.json",
        "vocab.json",
        "model*.safetensors",
        "model.safetensors.index.json",
        "pytorch_model*.bin",
        "pytorch_model.bin.index.json",
        "README.md",
        "LICENSE*",
    ),
    "diarization": ("config.yaml", "*pytorch_model.bin", "*.safetensors", "*.npz", "README.md", "LICENSE*"),
    "transcription": (
        "config.json",
        "model.bin",
        "preprocessor_config.json",
        "tokenizer.json",
        "vocabulary.json",
        "vocabulary.txt",
        "README.md",
        "LICENSE*",
    ),
    "names": _TEXT_MODEL,
    "sentiment": _TEXT_MODEL,
    "part": ("config.yaml", "pytorch_model.bin", "README.md", "LICENSE*"),
}
PICKLED = (".bin", ".pt", ".pth", ".ckpt")
_LONGEST_NAME = 200  # characters
_PORTS = (f"{port}{i}" for port in ("COM", "LPT") for i in range(10))
_DEVICES = frozenset(("CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", *_PORTS))
_WEIGHTS = (*PICKLED, ".safetensors", ".npz")


class KnownModel(BaseModel):
    """One entry of the registry; `known.yaml` explains the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    task: Task
    licence: str | None
    commercial: bool | None
    size_mb: Annotated[int, Field(gt=0)]
    gated: bool
    page: str
    head: Literal["stock", "ehcalabres", "audeering"] | None = None
    activation: Literal["sigmoid", "softmax", "none"] | None = None
    labels: dict[str, ClassName | None] = {}
    polarities: dict[str, Polarity] = {}
    needs: tuple[str, ...] = ()
    memory_mb: Annotated[int, Field(gt=0)] | None = None
    files: tuple[str, ...]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    sha256: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = {}
    note: str


@cache
def known() -> dict[str, KnownModel]:
    """All known models by hub id, in order of preference as default."""
    text = (resources.files("ressenti.pipeline.models") / "known.yaml").read_text(encoding="utf-8")
    return {model_id: KnownModel(id=model_id, **entry) for model_id, entry in yaml.safe_load(text).items()}


def pinned_hashes() -> frozenset[str]:
    """SHA-256 of the published pickles pinned by the registry, wherever a copy comes from."""
    pins = (pin for entry in known().values() for pin in entry.sha256.items())
    return frozenset(sha256 for name, sha256 in pins if name.endswith(PICKLED))


def unlike_pinned(model_id: str, commit: str, hashes: Mapping[str, str]) -> str | None:
    """Compare files (SHA-256 by name) with a pinned commit; return what differs, or None."""
    entry = known().get(model_id)
    for name, sha256 in entry.sha256.items() if entry is not None and entry.commit == commit else ():
        if (got := hashes.get(name)) != sha256:
            found = f"SHA-256 {got[:12]}…" if got else "no such file"
            return f"{name} at commit {commit[:12]}: {found}, expected the published {sha256[:12]}…"
    return None


def page_of(model_id: str) -> str:
    """Web page of a model, where users can accept its conditions."""
    entry = known().get(model_id)
    return entry.page if entry else f"https://huggingface.co/{model_id}"


def wanted(names: Iterable[str], model_id: str, task: Task) -> tuple[str, ...]:
    """Files of a repository to download, sorted; pickles only if their folder has no safetensors (pure).

    Raises `ModelError` if a name would leave the model's folder.
    """
    entry = known().get(model_id)
    patterns = entry.files if entry else UNKNOWN_FILES[task]
    chosen = sorted(name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns))
    check_names(chosen, model_id)
    safe = {PurePosixPath(name).parent for name in chosen if name.endswith(".safetensors")}
    unsafe = (*PICKLED, ".bin.index.json")
    return tuple(n for n in chosen if not (n.endswith(unsafe) and PurePosixPath(n).parent in safe))


def has_weights(names: Iterable[str]) -> bool:
    """Whether any of these files can contain weights."""
    return any(name.endswith(_WEIGHTS) for name in names)


def check_name(name: str, source: str) -> None:
    """Raise `ModelError` for a file name that could lead out of a model's folder on any system."""
    parts = name.split("/")
    plain = len(name) <= _LONGEST_NAME and name.isprintable() and not set(name) & set('\\:<>|"?*')
    if not plain or any(not part or part.startswith(".") or part[-1] in ". " or _device(part) for part in parts):
        raise ModelError(
            f"{source}: contains a file named {name[:200]!r}; expected plain names inside the model's folder. "
            "Do not trust its source."
        )


def check_names(names: Iterable[str], source: str) -> None:
    """Raise `ModelError` like `check_name`, and for names that are the same file, or also a folder, on some systems."""
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for name in names:
        check_name(name, source)
        plain = unicodedata.normalize("NFKC", name).casefold()
        if (other := seen.setdefault(plain, name)) != name:
            raise ModelError(f"{source}: {name!r} and {other!r} are the same file on some systems; expected one.")
        folders |= {str(parent) for parent in PurePosixPath(plain).parents}
    if both := sorted(folders & seen.keys()):
        raise ModelError(f"{source}: {seen[both[0]]!r} is a file and a folder; expected one of them.")


def _device(part: str) -> bool:
    """Whether Windows treats a name as a device, whatever its ending."""
    return part.split(".", maxsplit=1)[0].rstrip().upper() in _DEVICES
