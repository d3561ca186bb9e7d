"""Place several files as one: a journal lists the renames first, so that they can be finished or undone after a kill.

When the journal is written, each file already exists as a complete temporary file, synced to disk. After that, the
state is always clear: a file with its new content is done; one with its old content, or missing, is replaced by its
temporary file. If a temporary file is lost, the previous files are restored. A file with any other content was changed
by someone since, and is left alone.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ressenti.pipeline.store.disk_errors import in_words

JOURNAL = ".ressenti.journal"
ASIDE = re.compile(r"\.ressenti-[0-9a-f]{16}\.\w+\.partial")
_LONGEST = 1 << 20  # bytes of a journal
_CANNOT = {errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EINVAL}


@dataclass(frozen=True)
class Step:
    """A file to place: its path, its temporary file, its SHA-256, and that of the previous file (None: no file).

    The temporary file and the backup are in the same folder.
    """

    path: Path
    aside: Path
    sha256: str
    was: str | None = None

    @property
    def before(self) -> Path:
        """Backup of the previous file, until all files are placed."""
        return self.aside.with_suffix(".before")


def place(steps: Sequence[Step]) -> None:
    """Place all files or none; the caller must hold the lock of each folder.

    Raises `OutputError`. After a kill at any point, each file is completely old or completely new, and `recover` can
    continue from the journal.
    """
    folders = list(dict.fromkeys(step.path.parent for step in steps))
    noted: list[Step] = []
    try:
        for step in steps:
            with in_words(step.path):
                noted.append(replace(step, was=digest_of(step.path)))
        for folder in folders:
            with in_words(folder):
                _note(folder, [step for step in noted if step.path.parent == folder])
        for step in noted:
            with in_words(step.path):
                _keep(step)
        for step in noted:
            with in_words(step.path):
                step.aside.replace(step.path)
        for folder in folders:
            with in_words(folder):
                sync_folder(folder)
    except BaseException:
        if _put_back(noted):
            _forget(folders, noted)
        raise
    _forget(folders, noted)


def recover(folder: Path) -> tuple[Path, ...]:
    """Finish or undo what a killed run was placing in a locked folder; return the files now placed."""
    steps = _noted(folder)
    if steps is None:
        return ()
    now = {step: digest_of(step.path) for step in steps}
    waiting = [step for step in steps if now[step] != step.sha256 and now[step] in (step.was, None)]
    whole = all(digest_of(step.aside) == step.sha256 for step in waiting)
    with in_words(folder):
        if whole:
            for step in waiting:
                step.aside.replace(step.path)
            sync_folder(folder)
        elif not _put_back(steps):
            raise OSError(errno.EIO, "the previous files cannot be restored")
    _forget([folder], steps)
    return tuple(step.path for step in steps) if whole else ()


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file, or of a link's target text; None if nothing exists there.

    Raises `OSError` for anything else.
    """
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return hashlib.sha256(b"link " + os.fsencode(path.readlink())).hexdigest()
        if not stat.S_ISREG(mode):
            raise IsADirectoryError(errno.EISDIR, "not a file", str(path))
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file and sync it to disk; raises `OSError`, also if the file exists."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Sync a folder's names to disk, if the system supports that."""
    try:
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except PermissionError:  # on Windows, and in a folder that is writable but not readable
        return
    try:
        os.fsync(handle)
    except OSError as exc:
        if exc.errno not in _CANNOT:
            raise
    finally:
        os.close(handle)


def _note(folder: Path, steps: Sequence[Step]) -> None:
    """Write the journal of a folder."""
    about = [{"name": s.path.name, "aside": s.aside.name, "sha256": s.sha256, "was": s.was} for s in steps]
    aside = steps[0].aside.with_suffix("").with_suffix(".journal.partial")
    try:
        write_synced(aside, json.dumps({"ressenti": 1, "files": about}).encode())
        aside.replace(folder / JOURNAL)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise
    sync_folder(folder)


def _noted(folder: Path) -> list[Step] | None:
    """Steps of a folder's journal; None if there is none, or it was not written by `_note`."""
    try:
        with (folder / JOURNAL).open("rb") as file:
            data = json.loads(file.read(_LONGEST))
        return [_step(folder, **about) for about in data["files"]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _step(folder: Path, name: Any, aside: Any, sha256: Any, was: Any) -> Step:
    if not ASIDE.fullmatch(aside) or name in ("", ".", "..") or Path(name).name != name or not isinstance(sha256, str):
        raise ValueError(name)
    return Step(folder / name, folder / aside, sha256, was)


def _keep(step: Step) -> None:
    """Back up the current file under a second name, leaving it in place."""
    if step.was is None:
        return
    try:
        os.link(step.path, step.before, follow_symlinks=False)
    except OSError as exc:
        if exc.errno not in _CANNOT:
            raise
        shutil.copy2(step.path, step.before, follow_symlinks=False)


def _put_back(steps: Sequence[Step]) -> bool:
    """Undo the renames, except for files changed by someone since; return whether that worked."""
    well = True
    for step in steps:
        try:
            now = digest_of(step.path)
            if now not in (step.sha256, None):
                continue
            if step.was is not None and digest_of(step.before) == step.was:
                step.before.replace(step.path)
            elif step.was is None and now is not None:
                step.path.unlink()
        except OSError:
            well = False
    return well


def _forget(folders: Sequence[Path], steps: Sequence[Step]) -> None:
    """Remove temporary files and backups, then the journal; leftovers are harmless."""
    for step in steps:
        for path in (step.aside, step.before):
            with suppress(OSError):
                path.unlink()
    for folder in folders:
        with suppress(OSError):
            (folder / JOURNAL).unlink()
