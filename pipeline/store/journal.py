"""Several files into place as one: what is about to be renamed is written down first, and done or undone after a kill.

Each file stands aside, whole and on the disk, when the journal is written. From then on every moment can be told from
what is there: a file that has its new content is done; one that has its old content, or none, gets the new from aside.
Where the new content is gone, what stood there before is put back. A file that has neither was changed by a person
since, and is left alone.
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

from ressenti.pipeline.store.faults import in_words

JOURNAL = ".ressenti.journal"
ASIDE = re.compile(r"\.ressenti-[0-9a-f]{16}\.\w+\.partial")
_LONGEST = 1 << 20  # bytes of a journal
_CANNOT = {errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EINVAL}


@dataclass(frozen=True)
class Step:
    """A file to be placed: where, what stands aside for it, its SHA-256, and that of what stood there (None: nothing).

    What is aside and what stood there before lie in the same folder.
    """

    path: Path
    aside: Path
    sha256: str
    was: str | None = None

    @property
    def before(self) -> Path:
        """What stood there, kept until all is placed."""
        return self.aside.with_suffix(".before")


def place(steps: Sequence[Step]) -> None:
    """Put all files into place, or none; called by whoever holds the lock of each folder.

    Raises `OutputError`. A kill between any two calls leaves each file wholly old or wholly new, and a journal from
    which `recover` goes on.
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
    """Finish or undo what a killed run was placing in a folder whose lock is held; the files that are now placed."""
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
            raise OSError(errno.EIO, "what stood there cannot be put back")
    _forget([folder], steps)
    return tuple(step.path for step in steps) if whole else ()


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file, of a link's text where it is a link, None where there is nothing.

    Raises `OSError` where it is something else.
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
    """Write a new file, on the disk when this returns; raises `OSError`, also where there is one of that name."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have a folder's names on the disk, where the system lets folders be asked for that."""
    try:
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except PermissionError:  # on Windows, and in a folder that may be written to but not read
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
    """The steps of a folder's journal; None where there is none, or one that was not written by `_note`."""
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
    """Keep what stands in the place of a file under a second name; it stays where it is as well."""
    if step.was is None:
        return
    try:
        os.link(step.path, step.before, follow_symlinks=False)
    except OSError as exc:
        if exc.errno not in _CANNOT:
            raise
        shutil.copy2(step.path, step.before, follow_symlinks=False)


def _put_back(steps: Sequence[Step]) -> bool:
    """Undo the renames that were done, but for files that somebody changed since; whether that went well."""
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
    """Remove what was kept, then the journal; what cannot be removed does no harm."""
    for step in steps:
        for path in (step.aside, step.before):
            with suppress(OSError):
                path.unlink()
    for folder in folders:
        with suppress(OSError):
            (folder / JOURNAL).unlink()
