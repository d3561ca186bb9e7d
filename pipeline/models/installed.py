"""Installed models: their files, whether these are unchanged, and which model is the default.

A model's manifest, `ressenti-model.json`, is written when the model is installed::

    {"version": 1, "id": "OWNER/NAME", "task": "emotion", "commit": "<40 hexadecimal digits>", "source": "<hub>",
     "files": {"config.json": {"size": 1234, "sha256": "<64 digits>", "mtime_ns": 1700000000000000000}}}

A model from `ressenti models import` also has `"imported": true`: it is only used if the user asks for it. A manifest
shows whether files are complete, not whether a pickle may be loaded; for that see `pipeline.models.user_choices`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ressenti.pipeline.errors import NotInstalledError, WrongHashError
from ressenti.pipeline.files.hashes import digest_of, together
from ressenti.pipeline.files.paths import is_folder
from ressenti.pipeline.files.untrusted import RefusedError, read_bounded
from ressenti.pipeline.models.cards import Stated, stated_in
from ressenti.pipeline.models.folders import folder_of, is_id, models_folder
from ressenti.pipeline.models.memory import memory_mb
from ressenti.pipeline.models.registry import PICKLED, KnownModel, Task, Used, known
from ressenti.pipeline.models.user_choices import decisions
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import ModelInfo, Note, Use

MANIFEST = "ressenti-model.json"
LONGEST_MANIFEST = 1 << 22  # bytes
MOST_FILES = 1000


class FileNote(BaseModel):
    """Manifest entry of a file; `size` in bytes, `mtime_ns` of the copy on this machine (0 in an export)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Annotated[int, Field(ge=0, le=1 << 42)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    mtime_ns: int = 0


class Manifest(BaseModel):
    """Manifest of an installed model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    id: str
    task: Task
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    source: Annotated[str, Field(max_length=1000)]
    files: Annotated[dict[str, FileNote], Field(max_length=MOST_FILES)]
    imported: bool = False

    def text(self) -> str:
        """Write the manifest as JSON, identical for the same model."""
        ordered = self.model_copy(update={"files": dict(sorted(self.files.items()))})
        return ordered.model_dump_json(indent=1, exclude=None if self.imported else {"imported"}) + "\n"


@dataclass(frozen=True)
class Installed:
    """A model on this machine; `known` is its registry entry, None if it has none."""

    id: str
    folder: Path
    commit: str
    files: tuple[tuple[str, FileNote], ...]
    known: KnownModel | None
    task: Task
    source: str
    imported: bool = False

    @property
    def together(self) -> str:
        """SHA-256 of all files together, from the manifest."""
        return together({name: note.sha256 for name, note in self.files})

    @property
    def pickles(self) -> dict[str, str]:
        """Name -> SHA-256 of the files that could run code when unpickled; `model.bin` of CTranslate2 is no pickle."""
        if self.task == "transcription":
            return {}
        return {name: note.sha256 for name, note in self.files if name.endswith(PICKLED)}

    @property
    def not_commercial(self) -> str | None:
        """Why it must not be used commercially; None if its licence is known to allow it.

        Then emotion models of others are read from safetensors alone.
        """
        if (why := self._terms.not_commercial) is not None:
            return why
        return "its weights are pickles and no safetensors" if self.task == "emotion" and self.pickles else None

    @property
    def _terms(self) -> Stated:
        """Its licence as in the registry, else as its own card states."""
        return Stated(self.known.licence, self.known.commercial) if self.known else stated_in(self.folder)

    def noted(self, names: Iterable[str]) -> str:
        """SHA-256 of some of its files, together if there are several, from the manifest."""
        notes = dict(self.files)
        return together({name: notes[name].sha256 for name in names})

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(note.size for _, note in self.files)

    def info(self, task: Used) -> ModelInfo:
        """Description for a report: name, commit, licence; the loader adds the hash."""
        terms = self._terms
        return ModelInfo(
            task=task,
            name=self.id,
            licence=terms.licence,
            commercial=terms.commercial,
            notes=(Note("installed", {"commit": self.commit[:12]}),),
        )


def find(model_id: str) -> Installed | None:
    """Find the installed model with this id; None if there is none, `WrongHashError` if its manifest is damaged."""
    folder = folder_of(model_id)
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate_json(read_bounded(path, LONGEST_MANIFEST))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise WrongHashError(
            f"{path}: cannot be read ({exc.strerror}). Check the permissions, and RESSENTI_MODELS if you set it."
        ) from exc
    except (RefusedError, ValidationError) as exc:
        raise WrongHashError(f"{path}: not a manifest of this version ({exc}). {_repair(model_id)}") from exc
    if manifest.id != model_id:
        raise WrongHashError(f"{path}: belongs to {manifest.id}, expected {model_id}. {_repair(model_id)}")
    return of_manifest(manifest, folder)


def need(model_id: str, instead_of: str = "") -> Installed:
    """Find the installed model with this id; `NotInstalledError` if there is none.

    `instead_of` is the main file of a folder that the text could also mean, as an unknown id may be a mistyped path.
    """
    if (found := find(model_id)) is not None:
        return found
    there = ", ".join(installed_ids()) or "none"
    if instead_of and model_id not in known():
        raise NotInstalledError(
            f"{model_id}: neither a folder with {instead_of} nor an installed model (installed: {there}). If it "
            f"is a model on the hub, install it (needs network): ressenti models get {model_id}"
        )
    raise NotInstalledError(
        f"{model_id}: not installed (installed: {there}). Install it (needs network): ressenti models get {model_id}"
    )


def of_manifest(manifest: Manifest, folder: Path) -> Installed:
    """Make an installed model from its manifest."""
    return Installed(
        manifest.id,
        folder,
        manifest.commit,
        tuple(sorted(manifest.files.items())),
        known().get(manifest.id),
        manifest.task,
        manifest.source,
        manifest.imported,
    )


def manifest_of(installed: Installed) -> Manifest:
    """Make the manifest of an installed model."""
    return Manifest(
        id=installed.id,
        task=installed.task,
        commit=installed.commit,
        source=installed.source,
        files=dict(installed.files),
        imported=installed.imported,
    )


def installed_ids() -> tuple[str, ...]:
    """Ids of installed models, those of the registry first and in its order, without reading any file."""
    root = models_folder()
    names = [entry.parent.name.replace("--", "/") for entry in root.glob(f"*/{MANIFEST}")] if is_folder(root) else []
    order = list(known())
    return tuple(sorted(filter(is_id, names), key=lambda n: (order.index(n) if n in order else len(order), n)))


def all_installed() -> tuple[Installed, ...]:
    """All installed models, those of the registry first and in its order."""
    return tuple(found for found in map(find, installed_ids()) if found is not None)


def default_for(task: Used, use: Use | None = None) -> Installed | None:
    """The installed default model for a task; under commercial use, only one whose licence allows it.

    It is the one chosen by the user (`ressenti models default`), if its files are still the chosen ones; else the first
    model of the registry that was downloaded with all its parts by `models get`, and for which this machine has enough
    memory, if the registry says how much it takes. Imported models are never used by
    default, nor are models outside the registry, as the meaning of their labels is unknown.
    """
    allowed = (model for model in _in_order(task) if use != "commercial" or model.not_commercial is None)
    return next(allowed, None)


def _in_order(task: Used) -> Iterator[Installed]:
    """The models that may be the default for a task, the preferred first."""
    if (choice := decisions().default.get(task)) is not None:
        found = find(choice.id)
        if found is not None and found.together == choice.sha256 and all(map(find, parts_of(found))):
            yield found
    most = memory_mb()
    for entry in known().values():
        if entry.memory_mb is not None and most is not None and entry.memory_mb > most:
            continue
        if entry.task == task and _fetched(entry.id) and all(map(_fetched, entry.needs)):
            yield need(entry.id)


def parts_of(installed: Installed) -> tuple[str, ...]:
    """Ids of the models that this one needs."""
    return installed.known.needs if installed.known else ()


def _fetched(model_id: str) -> bool:
    found = find(model_id)
    return found is not None and not found.imported


def resolved(name: str, task: Used, use: Use | None = None) -> str:
    """Resolve a configured name: `auto` becomes the installed default's id or `builtin`, others stay."""
    if name != "auto":
        return name
    default = default_for(task, use)
    return default.id if default else "builtin"


def verify(installed: Installed, full: bool = False, progress: Progress = ignore_progress) -> None:
    """Raise `WrongHashError` if a file is missing, unlisted or changed.

    A file with the size and modification time of the manifest is not read, unless `full`. Any other is hashed, and if
    it is unchanged (a copied folder), the manifest gets its new time.
    """
    _refuse_strangers(installed)
    notes = dict(installed.files)
    todo = [name for name, note in installed.files if full or _stat(installed, name).st_mtime_ns != note.mtime_ns]
    total = sum(notes[name].size for name in todo)
    done = 0
    for name in todo:

        def step(size: int, before: int = done) -> None:
            progress("hash", before + size, total)

        digest = digest_of(installed.folder / name, count=step)
        done += notes[name].size
        if digest != notes[name].sha256:
            raise WrongHashError(
                f"{installed.folder / name}: SHA-256 {digest[:12]}…, expected {notes[name].sha256[:12]}…: the file was "
                f"changed after the installation. {_repair(installed.id)}"
            )
        notes[name] = notes[name].model_copy(update={"mtime_ns": _stat(installed, name).st_mtime_ns})
    if notes != dict(installed.files):
        with suppress(OSError):  # a read-only folder is hashed each time
            write_manifest(manifest_of(replace(installed, files=tuple(sorted(notes.items())))), installed.folder)


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write a manifest, completely or not at all."""
    aside = folder / f".{MANIFEST}.{os.getpid()}"
    aside.write_text(manifest.text(), encoding="utf-8")
    aside.replace(folder / MANIFEST)


def _stat(installed: Installed, name: str) -> os.stat_result:
    """Size and times of a file; raises `WrongHashError` if it is missing, not a plain file, or of another size."""
    path = installed.folder / name
    expected = dict(installed.files)[name].size
    try:
        found = path.lstat()
    except OSError as exc:
        raise WrongHashError(f"{path}: missing ({exc.strerror}). {_repair(installed.id)}") from exc
    if not stat.S_ISREG(found.st_mode):
        raise WrongHashError(f"{path}: is a link or folder, expected a plain file. {_repair(installed.id)}")
    if found.st_size != expected:
        raise WrongHashError(f"{path}: {found.st_size} bytes, expected {expected}. {_repair(installed.id)}")
    return found


def _refuse_strangers(installed: Installed) -> None:
    """Raise `WrongHashError` for a file that was not installed, as a loader might use it; hidden files are ignored."""
    expected = {name for name, _ in installed.files} | {MANIFEST}
    for folder, folders, files in os.walk(installed.folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(folder).relative_to(installed.folder)
        for name in files:
            if not name.startswith(".") and (here / name).as_posix() not in expected:
                raise WrongHashError(
                    f"{Path(folder) / name}: was not installed with {installed.id}, but might be loaded. "
                    "Move it elsewhere."
                )


def _repair(model_id: str) -> str:
    return f"Download it again: ressenti models get {model_id}"
