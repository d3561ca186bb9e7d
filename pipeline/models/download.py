"""Download and install a model, after the models it needs: commit, files, manifest, then its place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ressenti.pipeline.errors import ModelError, UnknownModelError, WrongHashError
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.models import hub
from ressenti.pipeline.models.folders import check_room, folder_of, partial_of, put_in_place
from ressenti.pipeline.models.hub import Listing, Remote
from ressenti.pipeline.models.installed import FileNote, Installed, Manifest, find, of_manifest, verify, write_manifest
from ressenti.pipeline.models.registry import Task, Used, has_weights, known, unlike_pinned, wanted
from ressenti.pipeline.progress import Progress, ignore_progress


def get(
    model_id: str,
    revision: str | None = None,
    token: str | None = None,
    *,
    task: Used = "emotion",
    progress: Progress = ignore_progress,
) -> Installed:
    """Install a model from the hub, after the models it needs; the only function that uses the network.

    The first download fixes the commit: an installed model stays as it is, or is repaired to the same commit, unless
    `revision` (branch, tag, commit) selects another. If the registry pins a commit, that one is downloaded and its
    files must match; if the hub does not have it, its newest is used. `task` is for models that are not in the
    registry. Without a token, huggingface_hub's own is used (HF_TOKEN, or the saved login). Raises `GatedModelError`,
    `NoRouteError`, `UnknownModelError`, `InterruptedDownloadError`, `WrongHashError` or `DiskFullError`; the next call
    resumes the download.
    """
    from filelock import FileLock, Timeout

    entry = known().get(model_id)
    for part in entry.needs if entry else ():
        get(part, None, token, progress=progress)
    lock = partial_of(model_id).with_name(f"{partial_of(model_id).name}.lock")
    with writing(folder_of(model_id)):
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(lock, timeout=0):
                return _get(model_id, revision, token, entry.task if entry else task, progress)
        except Timeout as exc:
            raise ModelError(f"{model_id}: another `models get` is downloading it. Wait for it, or stop it.") from exc


def _get(model_id: str, revision: str | None, token: str | None, task: Task, progress: Progress) -> Installed:
    there, whole = _standing(model_id, progress)
    if there and whole and revision in {None, there.commit}:
        return there
    listing = _listing(model_id, revision or (there.commit if there else None), token)
    if there and whole and there.commit == listing.commit:
        return there
    names = wanted(listing.names, model_id, task)
    if not has_weights(names) and not (known().get(model_id) and known()[model_id].needs):
        raise UnknownModelError(
            f"{model_id}: none of its {len(listing.names)} files are weights that Ressenti can read; expected "
            f"safetensors or PyTorch's, of {'an emotion' if task == 'emotion' else f'a {task}'} model (--task)."
        )
    remotes = [hub.ask_file(model_id, name, listing.commit, token) for name in names]
    partial = _begin(model_id, remotes, repair=there if there and there.commit == listing.commit else None)
    _fetch_all(model_id, remotes, partial, token, progress)
    files = _noted(partial, names)
    _check_pins(model_id, listing.commit, files)
    manifest = Manifest(id=model_id, task=task, commit=listing.commit, source=listing.source, files=files)
    write_manifest(manifest, partial)
    put_in_place(partial, folder_of(model_id))
    return of_manifest(manifest, folder_of(model_id))


def _listing(model_id: str, revision: str | None, token: str | None) -> Listing:
    """List a revision; without one, the commit pinned by the registry, or the newest if the hub does not have that."""
    entry = known().get(model_id)
    if revision is None and entry is not None and entry.commit is not None:
        with suppress(UnknownModelError):
            return hub.list_files(model_id, entry.commit, token)
    return hub.list_files(model_id, revision, token)


def _check_pins(model_id: str, commit: str, files: Mapping[str, FileNote]) -> None:
    """Raise `WrongHashError` if a file of a pinned commit does not match the registry."""
    if wrong := unlike_pinned(model_id, commit, {name: note.sha256 for name, note in files.items()}):
        raise WrongHashError(
            f"{model_id}: {wrong}. Nothing was installed. Download it from the hub itself (unset HF_ENDPOINT)."
        )


def _standing(model_id: str, progress: Progress) -> tuple[Installed | None, bool]:
    """Find an already installed model and hash it completely, as damage may not change times; (model, is complete)."""
    there = None
    with suppress(WrongHashError):
        there = find(model_id)
        if there is not None:
            verify(there, full=True, progress=progress)
            return there, True
    return there, False


def _begin(model_id: str, remotes: Sequence[Remote], repair: Installed | None) -> Path:
    """Prepare the download folder: keep partial files of earlier downloads, and delete everything else.

    A model to repair stays in place, unusable, until the repaired one replaces it; its files are linked.
    """
    partial = partial_of(model_id)
    partial.mkdir(parents=True, exist_ok=True)
    belongs = {partial / remote.name for remote in remotes} | {_part(partial, remote) for remote in remotes}
    for path in [p for p in partial.rglob("*") if not p.is_dir() or p.is_symlink()]:
        if path not in belongs or path.is_symlink():
            path.unlink()
    if repair is not None:
        for remote in remotes:
            _take(repair.folder / remote.name, partial / remote.name)
    lacking = sum(remote.size - _size(partial / remote.name) - _size(_part(partial, remote)) for remote in remotes)
    check_room(partial, lacking)
    return partial


def _take(source: Path, target: Path) -> None:
    """Put a file in a second place: as a hard link, which takes no space, or as a copy if links are not supported."""
    if source.is_symlink() or not source.is_file() or target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _fetch_all(model_id: str, remotes: Sequence[Remote], partial: Path, token: str | None, progress: Progress) -> None:
    """Download missing files one by one; progress is in bytes of all files, including those already present."""
    total = sum(remote.size for remote in remotes)
    done = 0.0

    def count(size: float) -> None:
        nonlocal done
        done += size
        progress("download", done, total)

    for remote in remotes:
        path, part = partial / remote.name, _part(partial, remote)
        if path.is_file() and _digest(path, remote, progress) == remote.etag:
            count(remote.size)
            continue
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        if _size(part) > remote.size:
            part.unlink()
        count(_size(part))
        hub.fetch(model_id, remote, part, token, count)
        if (digest := _digest(part, remote, progress)) != remote.etag:
            part.unlink()
            raise WrongHashError(
                f"{model_id}: {remote.name} has hash {digest[:12]}…, but the hub says {remote.etag[:12]}…: damaged "
                "or changed on the way. Download it again, on another network or mirror if this repeats."
            )
        part.replace(path)


def _noted(partial: Path, names: Sequence[str]) -> dict[str, FileNote]:
    notes = {}
    for name in names:
        about = (partial / name).stat()
        notes[name] = FileNote(size=about.st_size, sha256=digest_of(partial / name), mtime_ns=about.st_mtime_ns)
    return notes


def _digest(path: Path, remote: Remote, progress: Progress) -> str:
    """Hash as used by the hub: SHA-256 of a large file, git's SHA-1 of a small one (`blob SIZE NUL bytes`)."""
    large = len(remote.etag) == 64
    return digest_of(
        path,
        "sha256" if large else "sha1",
        b"" if large else b"blob %d\0" % _size(path),
        count=lambda size: progress("hash", size, remote.size),
    )


def _part(partial: Path, remote: Remote) -> Path:
    """Path of a partial download; it depends on the file's hash."""
    path = partial / remote.name
    return path.with_name(f".{path.name}.{remote.etag[:16]}.part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
