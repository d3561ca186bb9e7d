"""Export and import models as one file, for machines without network: a plain tar, identical for the same models.

For each model: `OWNER--NAME/ressenti-model.json`, its manifest, then its files sorted by name, without times, owners or
permissions. The manifest proves that files are complete, not where they come from: whoever made the archive could have
written both. So export and import print the SHA-256 of the archive and of each pickle in it, to compare through another
channel, and an import trusts nothing.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from ressenti.pipeline.errors import (
    BadArchiveError,
    IsFolderError,
    ModelError,
    NotFoundError,
    OutputExistsError,
    UnreadableError,
    UntrustedModelError,
    WrongHashError,
)
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.files.paths import is_there
from ressenti.pipeline.files.untrusted import RefusedError, parse_json
from ressenti.pipeline.models import user_choices
from ressenti.pipeline.models.folders import check_room, folder_of, is_id, models_folder, put_in_place
from ressenti.pipeline.models.installed import (
    LONGEST_MANIFEST,
    MANIFEST,
    FileNote,
    Installed,
    Manifest,
    find,
    manifest_of,
    need,
    verify,
    write_manifest,
)
from ressenti.pipeline.models.registry import PICKLED, check_names, known, unlike_pinned
from ressenti.pipeline.models.tar import Member, members
from ressenti.pipeline.progress import Progress, ignore_progress

_CHUNK = 1 << 22  # bytes
_MOST_MODELS = 100
_MOST_MEMBERS = 10_000
_ASIDE = ".import-"
_DAY_S = 86_400.0


@dataclass(frozen=True)
class _Packed:
    """A model in a tar: its manifest and the positions of its files."""

    manifest: Manifest
    places: list[Member]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(member.size for member in self.places)

    @property
    def folder(self) -> Path:
        """Folder for the installed model."""
        return folder_of(self.manifest.id)


def with_needs(model_ids: Sequence[str]) -> tuple[Installed, ...]:
    """Find installed models and those they need, each once, parts first; `NotInstalledError` if one is missing."""
    found: dict[str, Installed] = {}
    for model_id in model_ids:
        model = need(model_id)
        for part in model.known.needs if model.known else ():
            found.setdefault(part, need(part))
        found.setdefault(model_id, model)
    return tuple(found.values())


def export(models: Sequence[Installed], path: Path, progress: Progress = ignore_progress) -> None:
    """Write models to a tar, completely or not at all, after hashing each file. Raises `WrongHashError` and others."""
    if is_there(path):
        raise OutputExistsError(f"{path}: already exists. Choose another name, or delete it.")
    for model in models:
        verify(model, full=True, progress=progress)
    total = sum(model.size for model in models)
    done = 0
    aside = path.with_name(f".{path.name}.partial")
    try:
        with writing(path), tarfile.open(aside, "w", format=tarfile.PAX_FORMAT) as tar:
            for model in models:
                text = _portable(manifest_of(model)).text().encode()
                tar.addfile(_member(f"{model.folder.name}/{MANIFEST}", len(text)), io.BytesIO(text))
                for name, note in model.files:
                    with (model.folder / name).open("rb") as file:
                        tar.addfile(_member(f"{model.folder.name}/{name}", note.size), file)
                    done += note.size
                    progress("export", done, total)
        with writing(path):
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def load(
    path: Path, overwrite: bool = False, progress: Progress = ignore_progress, trust: Sequence[str] = ()
) -> tuple[Installed, ...]:
    """Install the models of a tar written by `export`, all or none.

    All headers and manifests are checked before anything is written, and all files are hashed against the manifests
    before any is put in place. An import makes a model neither trusted nor the default; `trust` are SHA-256 of its
    pickles that the user typed, recorded as trusted after the installation. Raises `BadArchiveError` for anything that
    `export` does not write (links, devices, paths to other places; duplicate, missing or unlisted files),
    `UntrustedModelError` for a hash that no pickle has, `OutputExistsError` if another commit of a model is installed
    and `overwrite` is not set.
    """
    root = models_folder()
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        clean(root)
    with _opened(path) as (file, length):
        found = _judged(file, length, path)
        _check_typed(trust, found, path)
        for model in found:
            _check_free(model.manifest, overwrite)
        with writing(root):
            check_room(root, sum(model.size for model in found))
            aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=root))
        try:
            with writing(root):
                _unpack(file, found, aside, path, progress)
                for model in found:
                    put_in_place(aside / model.folder.name, model.folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    user_choices.trust(trust)
    loaded = tuple(need(model.manifest.id) for model in found)
    for installed in loaded:
        _unchoose(installed)
    return loaded


def clean(root: Path) -> None:
    """Delete leftovers of killed imports that are older than a day."""
    for left in root.glob(f"{_ASIDE}*"):
        with suppress(OSError):
            if not left.is_symlink() and time.time() - left.stat().st_mtime > _DAY_S:
                shutil.rmtree(left, ignore_errors=True)


def _unchoose(model: Installed) -> None:
    """Remove the user's choice of a model as default if an import replaced the chosen files."""
    for choice in user_choices.decisions().default.values():
        if choice.id == model.id and choice.sha256 != model.together:
            user_choices.forget(model.id)


def _judged(file: BinaryIO, length: int, path: Path) -> list[_Packed]:
    """Check headers and manifests, and return the models with their files' positions; writes nothing."""
    found: list[_Packed] = []
    missing: dict[str, FileNote] = {}
    seen: set[str] = set()
    try:
        for member in members(file, length, _MOST_MEMBERS):
            folder, _, name = member.name.partition("/")
            if name == MANIFEST and folder.casefold() not in seen and not missing:
                if len(seen) == _MOST_MODELS:
                    raise _bad(path, f"it holds more than {_MOST_MODELS} models")
                seen.add(folder.casefold())
                found.append(_Packed(_manifest(file, member, folder, path), []))
                missing = {f"{folder}/{inner}": note for inner, note in found[-1].manifest.files.items()}
                continue
            note = missing.pop(member.name, None)
            if note is None:
                raise _bad(path, f"{member.name[:200]!r} is not listed in a manifest before it, or occurs twice")
            if member.size != note.size:
                raise _bad(path, f"{member.name!r} has {member.size} bytes, but its manifest says {note.size}")
            found[-1].places.append(member)
    except RefusedError as exc:
        raise _bad(path, str(exc)) from exc
    if missing or not found:
        raise _bad(path, f"{next(iter(missing), MANIFEST)!r} is missing")
    return found


def _manifest(file: BinaryIO, member: Member, folder: str, path: Path) -> Manifest:
    """Read a manifest from the tar; its id must match its folder, and its file names must stay inside it."""
    if member.size > LONGEST_MANIFEST:
        raise _bad(path, f"{member.name[:200]!r} has {member.size} bytes")
    try:
        file.seek(member.offset)
        manifest = Manifest.model_validate(parse_json(file.read(member.size).decode()))
    except (RefusedError, ValidationError, UnicodeDecodeError) as exc:
        why = f"invalid fields: {exc.error_count()}" if isinstance(exc, ValidationError) else str(exc)[:200]
        raise _bad(path, f"{member.name[:200]!r} is not a manifest of this version ({why})") from exc
    if not is_id(manifest.id) or folder_of(manifest.id).name != folder:
        raise _bad(path, f"{member.name[:200]!r} belongs to {manifest.id[:200]!r}")
    entry = known().get(manifest.id)
    if entry is not None and entry.task != manifest.task:
        raise _bad(path, f"{manifest.id} is for {entry.task}, but its manifest says {manifest.task}")
    try:
        check_names((folder, *manifest.files), path.name)
    except ModelError as exc:
        raise _bad(path, f"invalid file name ({exc})") from exc
    if wrong := unlike_pinned(manifest.id, manifest.commit, {n: note.sha256 for n, note in manifest.files.items()}):
        raise _bad(path, f"{manifest.id}: {wrong}")
    if MANIFEST.casefold() in map(str.casefold, manifest.files) or not manifest.files:
        raise _bad(path, f"{member.name!r} lists itself or no files")
    return manifest


def _check_typed(trust: Sequence[str], found: Iterable[_Packed], path: Path) -> None:
    """Raise `UntrustedModelError` if a typed hash does not belong to any pickle in the tar."""
    notes = [note for model in found for note in model.manifest.files.items()]
    pickles = {note.sha256: name for name, note in notes if name.endswith(PICKLED)}
    if strange := sorted(set(map(user_choices.sha256_of, trust)) - set(pickles)):
        held = "; ".join(f"{name} {sha256}" for sha256, name in pickles.items()) or "none"
        raise UntrustedModelError(
            f"{path.name}: no pickle in it has SHA-256 {strange[0]} (pickles: {held}). Nothing was installed. Check "
            "the hash with the person who made the file."
        )


def _unpack(file: BinaryIO, found: Sequence[_Packed], aside: Path, path: Path, progress: Progress) -> None:
    """Unpack the files into `aside`, hashing each against its manifest, and write the manifests for this machine."""
    total = sum(model.size for model in found)
    done = 0
    for model in found:
        folder = aside / model.folder.name
        folder.mkdir()
        for member in model.places:
            name = member.name.partition("/")[2]
            _write_member(file, member, model.manifest.files[name], folder / name, path)
            done += member.size
            progress("import", done, total)
        _place(model.manifest, folder)


def _write_member(file: BinaryIO, member: Member, note: FileNote, target: Path, path: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    state, left = hashlib.sha256(), member.size
    file.seek(member.offset)
    with target.open("xb") as out:
        while left and (chunk := file.read(min(left, _CHUNK))):
            state.update(chunk)
            out.write(chunk)
            left -= len(chunk)
    if left or state.hexdigest() != note.sha256:
        raise _bad(path, f"{member.name!r} has SHA-256 {state.hexdigest()[:12]}…, expected {note.sha256[:12]}…")


def _place(manifest: Manifest, folder: Path) -> None:
    """Write the manifest next to the files, with their current times, marked as imported.

    If `models get` already downloaded the same model, it stays marked as downloaded.
    """
    times = {name: (folder / name).stat().st_mtime_ns for name in manifest.files}
    files = {name: note.model_copy(update={"mtime_ns": times[name]}) for name, note in manifest.files.items()}
    imported = True
    with suppress(WrongHashError):
        there = find(manifest.id)
        same = there is not None and _portable(manifest_of(there)).files == _portable(manifest).files
        imported = there is None or there.imported or not same
    write_manifest(manifest.model_copy(update={"files": files, "imported": imported}), folder)


def _check_free(manifest: Manifest, overwrite: bool) -> None:
    there = find(manifest.id) if not overwrite else None
    if there is not None and _portable(manifest_of(there)).files != _portable(manifest).files:
        raise OutputExistsError(
            f"{manifest.id}: already installed at commit {there.commit[:12]}; the file has {manifest.commit[:12]} or "
            "other files. Add --overwrite to replace it."
        )


def _portable(manifest: Manifest) -> Manifest:
    """Remove times, which are only valid on one machine, and the import mark."""
    files = {name: note.model_copy(update={"mtime_ns": 0}) for name, note in manifest.files.items()}
    return manifest.model_copy(update={"files": files, "imported": False})


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o644
    return member


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file for reading, with its length; never blocks on a pipe or device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as exc:
        raise NotFoundError(f"{path}: no such file; expected a file from `ressenti models export`.") from exc
    except (OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else exc
        raise UnreadableError(f"{path}: cannot be read ({why}). Check its name and permissions.") from exc
    about = os.fstat(descriptor)
    if stat.S_ISDIR(about.st_mode):
        os.close(descriptor)
        raise IsFolderError(f"{path}: is a folder; expected a file from `ressenti models export`.")
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(about.st_mode):
            raise _bad(path, "it is a pipe, a socket or a device")
        yield file, about.st_size


def _bad(path: Path, why: str) -> BadArchiveError:
    return BadArchiveError(
        f"{path.name}: {why}; expected a file from `ressenti models export`. Nothing was installed. Export and copy it "
        "again, and do not trust it if you did not make it."
    )
