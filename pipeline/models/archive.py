"""One file to carry models into a machine without network: a plain tar, the same for the same models.

For each model: `OWNER--NAME/ressenti-model.json`, its manifest, then its files, in order of their names, without times,
owners or rights. The manifest in it vouches for wholeness, not for where it comes from: whoever made the file could
have written both. So export and import tell the SHA-256 of the whole file, to compare by another way.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from pipeline.errors import (
    BadArchiveError,
    ModelError,
    NotFoundError,
    OutputError,
    OutputExistsError,
    UnreadableError,
)
from pipeline.models.folders import check_room, folder_of, is_id, models_folder, put_in_place, writing
from pipeline.models.installed import (
    MANIFEST,
    FileNote,
    Installed,
    Manifest,
    find,
    manifest_of,
    need,
    of_manifest,
    verify,
    write_manifest,
)
from pipeline.models.registry import check_name
from pipeline.records import Progress, ignore_progress

_CHUNK = 1 << 24  # bytes
_LONGEST_MANIFEST = 1 << 22  # bytes


def with_needs(model_ids: Sequence[str]) -> tuple[Installed, ...]:
    """Installed models and those they need, each once, parts first; `NotInstalledError` where one is missing."""
    found: dict[str, Installed] = {}
    for model_id in model_ids:
        model = need(model_id)
        for part in model.known.needs if model.known else ():
            found.setdefault(part, need(part))
        found.setdefault(model_id, model)
    return tuple(found.values())


def export(models: Sequence[Installed], path: Path, progress: Progress = ignore_progress) -> None:
    """Write models into one tar, whole or not at all; each file is hashed first. Raises `WrongHashError` and others."""
    if path.exists():
        raise OutputExistsError(f"{path}: exists already. Choose another name, or delete it.")
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


def load(path: Path, overwrite: bool = False, progress: Progress = ignore_progress) -> tuple[Installed, ...]:
    """Install the models of a tar that `export` wrote, all or none.

    Every byte is hashed against the manifests before anything is put in its place. Raises `BadArchiveError` for
    whatever `export` does not write (links, devices, paths that lead elsewhere, files twice, missing or unlisted),
    `OutputExistsError` where another commit of a model is installed and `overwrite` is not given.
    """
    root = models_folder()
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        check_room(root, path.stat().st_size if path.is_file() else 0)
        aside = Path(tempfile.mkdtemp(prefix=".import-", dir=root))
    try:
        with _opened(path) as tar, writing(root):
            manifests = _unpack(tar, aside, path, progress)
        for manifest in manifests:
            _check_free(manifest, overwrite)
        with writing(root):
            for manifest in manifests:
                put_in_place(aside / folder_of(manifest.id).name, folder_of(manifest.id))
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return tuple(of_manifest(manifest, folder_of(manifest.id)) for manifest in manifests)


def _unpack(tar: tarfile.TarFile, aside: Path, path: Path, progress: Progress) -> list[Manifest]:
    """Write the members into `aside` as they come, each checked against the manifest that came before it."""
    manifests: dict[str, Manifest] = {}
    missing: dict[str, FileNote] = {}
    total = path.stat().st_size
    while (member := tar.next()) is not None:
        folder, _, name = member.name.partition("/")
        if not member.isreg() or member.issparse():
            raise _bad(path, f"{member.name!r} is not a plain file")
        if name == MANIFEST and folder not in manifests:
            if missing:
                raise _bad(path, f"{next(iter(missing))!r} is missing")
            manifests[folder] = _manifest(tar, member, folder, path)
            missing = {f"{folder}/{inner}": note for inner, note in manifests[folder].files.items()}
            (aside / folder).mkdir()
            continue
        note = missing.pop(member.name, None)
        if note is None:
            raise _bad(path, f"{member.name!r} is not listed in a manifest before it, or comes twice")
        _write_member(tar, member, note, aside / folder / name, path)
        progress("import", tar.offset, total)
    if missing or not manifests:
        raise _bad(path, f"{next(iter(missing), MANIFEST)!r} is missing")
    return [_placed(manifest, aside / folder) for folder, manifest in manifests.items()]


def _manifest(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: str, path: Path) -> Manifest:
    """A manifest of the tar; its id is that of its folder, and its names stay inside."""
    if member.size > _LONGEST_MANIFEST:
        raise _bad(path, f"{member.name!r} has {member.size} bytes")
    try:
        manifest = Manifest.model_validate_json(_reader(tar, member).read())
    except ValidationError as exc:
        raise _bad(path, f"{member.name!r} is not a manifest of this version ({exc.error_count()} misfits)") from exc
    if not is_id(manifest.id) or folder_of(manifest.id).name != folder:
        raise _bad(path, f"{member.name!r} is of {manifest.id!r}")
    for name in manifest.files:
        try:
            check_name(name, path.name)
        except ModelError as exc:
            raise _bad(path, f"it lists {name!r}") from exc
    if MANIFEST in manifest.files or not manifest.files:
        raise _bad(path, f"{member.name!r} lists itself, or nothing")
    return manifest


def _write_member(tar: tarfile.TarFile, member: tarfile.TarInfo, note: FileNote, target: Path, path: Path) -> None:
    if member.size != note.size:
        raise _bad(path, f"{member.name!r} has {member.size} bytes, its manifest says {note.size}")
    target.parent.mkdir(parents=True, exist_ok=True)
    state = hashlib.sha256()
    source = _reader(tar, member)
    with target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            state.update(chunk)
            file.write(chunk)
    if state.hexdigest() != note.sha256:
        raise _bad(path, f"{member.name!r} has SHA-256 {state.hexdigest()[:12]}…, expected {note.sha256[:12]}…")


def _placed(manifest: Manifest, folder: Path) -> Manifest:
    """The manifest with the times of the files as they were just written, noted beside them."""
    times = {name: (folder / name).stat().st_mtime_ns for name in manifest.files}
    files = {name: note.model_copy(update={"mtime_ns": times[name]}) for name, note in manifest.files.items()}
    manifest = manifest.model_copy(update={"files": files})
    write_manifest(manifest, folder)
    return manifest


def _check_free(manifest: Manifest, overwrite: bool) -> None:
    there = find(manifest.id) if not overwrite else None
    if there is not None and _portable(manifest_of(there)).files != _portable(manifest).files:
        raise OutputExistsError(
            f"{manifest.id}: installed already at commit {there.commit[:12]}, the file has {manifest.commit[:12]} or "
            "other files. Add --overwrite to have those of the file."
        )


def _portable(manifest: Manifest) -> Manifest:
    """Without the times, which mean something on one machine only."""
    files = {name: note.model_copy(update={"mtime_ns": 0}) for name, note in manifest.files.items()}
    return manifest.model_copy(update={"files": files})


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o644
    return member


def _reader(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    source = tar.extractfile(member)
    if source is None:  # only for what is not a plain file, which is refused before
        raise BadArchiveError(f"{member.name}: not a plain file.")
    return source


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """A tar for reading; `BadArchiveError` where it is none or ends too soon."""
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except FileNotFoundError as exc:
        raise NotFoundError(f"{path}: no such file; expected one that `ressenti models export` wrote.") from exc
    except tarfile.TarError as exc:
        raise _bad(path, f"it cannot be read ({exc})") from exc
    except OutputError:
        raise
    except OSError as exc:
        raise UnreadableError(f"{path}: cannot be read ({exc.strerror}). Check name and permissions.") from exc


def _bad(path: Path, why: str) -> BadArchiveError:
    return BadArchiveError(
        f"{path.name}: {why}; expected what `ressenti models export` writes. Nothing was installed. Export it "
        "and carry it over again, and do not trust it if you did not make it."
    )
